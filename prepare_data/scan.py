"""Find the recordings below a folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from prepare_data.audio_io import AUDIO_SUFFIXES
from prepare_data.errors import UserError
from prepare_data.storage import is_remote


@dataclass
class Folder:
    """A folder with sound in it or below it.

    Attributes:
        path: absolute.
        files: names of the recordings directly in it, sorted.
        folders: the folders in it that hold sound somewhere, by name.
        tables: names of the .csv and .tsv files directly in it.
    """

    path: Path
    files: list[str] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)

    @property
    def depths(self) -> set[int]:
        """How many folders lie between this one and each recording below it."""
        deeper = {depth + 1 for folder in self.folders.values() for depth in folder.depths}
        return deeper | ({0} if self.files else set())

    def walk(self) -> list[Path]:
        """Return every recording in or below this folder, in sorted order."""
        own = [self.path / name for name in self.files]
        return own + [path for folder in self.folders.values() for path in folder.walk()]


class Scanner:
    """Scans folders in depth, each real folder once, however many links lead to it.

    Hidden names and macOS's `._` companions are passed over, and so is `excluded` (the data set
    that is being written). `problems` collects what could not be listed.
    """

    def __init__(self, excluded: Path | None = None) -> None:
        self.problems: list[tuple[Path, str]] = []
        self.other_files = 0
        self._excluded = excluded.resolve() if excluded else None
        self._seen: set[tuple[int, int]] = set()
        self._seen_elsewhere: set[str] = set()

    def scan(self, root: Path) -> Folder | None:
        """Return the tree of a folder, or None if it was scanned before.

        Raises:
            UserError: if it is not a folder that can be listed.
        """
        if is_remote(root):
            return self._scan_elsewhere(root)
        if not root.exists():
            raise UserError(f"{root} does not exist.")
        if not root.is_dir():
            raise UserError(f"{root} is a file; a folder of recordings is wanted.")
        return self._scan(Path(os.path.abspath(root)), root.resolve())

    def sort_in(self, name: str, folder: Folder) -> bool:
        """Add a file to its folder by what its name says; return whether it is a recording."""
        suffix = Path(name).suffix.lower()
        if suffix in AUDIO_SUFFIXES:
            folder.files.append(name)
        elif suffix in (".csv", ".tsv"):
            folder.tables.append(name)
        else:
            self.other_files += 1
        return suffix in AUDIO_SUFFIXES

    def _scan_elsewhere(self, root: Path) -> Folder | None:
        from prepare_data.storage_scan import scan_listing

        if str(root) in self._seen_elsewhere:
            return None
        self._seen_elsewhere.add(str(root))
        return scan_listing(root, self, self._excluded)

    def _scan(self, path: Path, root: Path) -> Folder | None:
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._seen:
                return None
            self._seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self.problems.append((path, f"the folder cannot be listed: {error.strerror}"))
            return None
        folder = Folder(path)
        for entry in entries:
            if not entry.name.startswith("."):
                self._take(entry, folder, root)
        return folder

    def _take(self, entry: os.DirEntry[str], folder: Folder, root: Path) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            if Path(entry.name).suffix.lower() in AUDIO_SUFFIXES:
                self.problems.append((Path(entry.path), f"cannot be opened: {error.strerror}"))
            return
        if stat.S_ISDIR(mode):
            path = Path(entry.path)
            if self._excluded is not None and path.resolve() == self._excluded:
                return
            below = self._scan(path, root)
            if below is not None and (below.files or below.folders):
                folder.folders[entry.name] = below
        elif stat.S_ISREG(mode):
            self._take_file(entry, folder, root)

    def _take_file(self, entry: os.DirEntry[str], folder: Folder, root: Path) -> None:
        if entry.is_symlink() and _is_found_itself(Path(entry.path).resolve(), root):
            return  # a link to a file of the same tree would put one sound into two splits
        self.sort_in(entry.name, folder)


def _is_found_itself(target: Path, root: Path) -> bool:
    """Return whether a link's target is a recording that the scan of `root` comes upon anyway."""
    if not target.is_relative_to(root) or target.suffix.lower() not in AUDIO_SUFFIXES:
        return False
    return not any(part.startswith(".") for part in target.relative_to(root).parts)

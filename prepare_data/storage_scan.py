"""Find the recordings below a folder elsewhere, from one listing of all its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prepare_data.errors import UserError
from prepare_data.storage import key_of, listing, one_line, remember

if TYPE_CHECKING:
    from prepare_data.scan import Folder, Scanner


def scan_listing(root: Path, scanner: Scanner, excluded: Path | None) -> Folder:
    """Return the tree of a folder, as `Scanner.scan` does.

    What the listing tells of each file is kept, so that none is asked for by itself.

    Raises:
        UserError: if the folder cannot be listed or holds nothing.
    """
    from prepare_data.scan import Folder

    try:
        files = listing(root)
    except Exception as error:  # every file system has exceptions of its own
        raise UserError(f"{root} cannot be listed: {one_line(error)}.") from error
    if not files:
        raise UserError(f"{root} holds no file, or is not a folder.")
    start = key_of(root).rstrip("/") + "/"
    left_out = None if excluded is None else f"{excluded}/"
    folders = {"": Folder(root)}
    for key in sorted(files):
        below = key.removeprefix(start)
        if any(part.startswith(".") for part in below.split("/")) or not below:
            continue
        if left_out is not None and f"{root}/{below}".startswith(left_out):
            continue
        parent, _, name = below.rpartition("/")
        if scanner.sort_in(name, _folder(folders, parent)):
            remember(f"{root}/{below}", files[key])
    _drop_silent(folders[""])
    return folders[""]


def _folder(folders: dict[str, Folder], place: str) -> Folder:
    """Return a folder of the tree, making it and those above it where they are missing."""
    from prepare_data.scan import Folder

    if place not in folders:
        above, _, name = place.rpartition("/")
        parent = _folder(folders, above)
        folders[place] = parent.folders[name] = Folder(parent.path / name)
    return folders[place]


def _drop_silent(folder: Folder) -> None:
    """Leave out folders that hold no sound."""
    for name, below in list(folder.folders.items()):
        _drop_silent(below)
        if not below.files and not below.folders:
            del folder.folders[name]

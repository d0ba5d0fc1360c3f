"""Unpack an archive so that nothing leaves the target folder and nothing fills the disk.

Names are checked, links and devices refused, bytes and files counted as they are written, whatever
the archive's headers say. Owners, permissions and times in the archive are not used.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from prepare_data.errors import UserError
from prepare_data.files import explained

_CHUNK_BYTES = 1 << 20
_ZIP_ENCRYPTED = 0x1  # bit of a zip entry's flags


@dataclass(frozen=True)
class _Entry:
    """A file or folder in an archive; `kind` of anything else says what it is."""

    name: str
    kind: str
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, target: Path, *, most_bytes: int, most_entries: int, quiet: bool = False
) -> int:
    """Unpack a tar (compressed or not) or zip archive into a new folder.

    Args:
        archive: the file.
        target: the folder; it must not exist.
        most_bytes: more unpacked bytes are refused.
        most_entries: more files and folders are refused.
        quiet: show no progress.

    Returns:
        How many files were unpacked.

    Raises:
        UserError: if the archive is damaged, holds what could leave the folder, is larger than
            allowed, or if the disk is full. What was unpacked until then is left in `target`.
    """
    from tqdm import tqdm

    files, room = 0, most_bytes
    with explained(target), _damage_explained(archive), _entries(archive, target) as entries:
        target.mkdir()
        bar = tqdm(entries, desc="unpacking", unit=" files", disable=quiet or None)
        for count, entry in enumerate(bar, 1):
            if count > most_entries:
                raise UserError(f"{archive} holds more than {most_entries} files: not unpacked.")
            path = target / _safe(entry.name, archive)
            if entry.kind == "folder":
                path.mkdir(parents=True, exist_ok=True)
            elif entry.kind == "file":
                files += 1
                room -= _write(entry, path, archive, room, most_bytes)
            else:
                raise UserError(f"{archive} holds {entry.kind}, {entry.name!r}: not unpacked.")
    return files


def _write(entry: _Entry, path: Path, archive: Path, room: int, most_bytes: int) -> int:
    """Write a file and return its size, having refused more than there is room for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with entry.open() as source, open(path, "xb") as file:
            while chunk := source.read(_CHUNK_BYTES):
                written += len(chunk)
                if written > room:
                    raise UserError(
                        f"{archive} unpacks to more than {most_bytes} bytes: not unpacked."
                    )
                file.write(chunk)
    except FileExistsError as error:
        raise UserError(f"{archive} holds {entry.name!r} twice: not unpacked.") from error
    return written


def _safe(name: str, archive: Path) -> PurePosixPath:
    """Return a name as a relative path, on any system, that stays below where it starts."""
    windows = PureWindowsPath(name)  # reads both / and \
    if windows.drive or windows.root or ".." in windows.parts or "\0" in name:
        raise UserError(f"{archive} holds {name!r}, outside of its own folder: not unpacked.")
    return PurePosixPath(name)


@contextmanager
def _entries(archive: Path, target: Path) -> Iterator[Iterator[_Entry]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            yield _zip_entries(packed)
    else:
        with tarfile.open(archive, "r|*") as packed_tar:
            yield _tar_entries(packed_tar, target)


def _tar_entries(packed: tarfile.TarFile, target: Path) -> Iterator[_Entry]:
    def opener(member: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
        def open_member() -> IO[bytes]:
            if hasattr(tarfile, "data_filter"):  # Python's own check, for a second opinion
                tarfile.data_filter(member, os.fspath(target))
            source = packed.extractfile(member)
            assert source is not None  # of a file
            return source

        return open_member

    for member in packed:
        yield _Entry(member.name, _tar_kind(member), opener(member))


def _tar_kind(member: tarfile.TarInfo) -> str:
    if member.isreg():
        return "file"
    if member.isdir():
        return "folder"
    return "a link" if member.issym() or member.islnk() else "a device"


def _zip_entries(packed: zipfile.ZipFile) -> Iterator[_Entry]:
    def opener(info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: packed.open(info)

    for info in packed.infolist():
        yield _Entry(info.filename, _zip_kind(info), opener(info))


def _zip_kind(info: zipfile.ZipInfo) -> str:
    form = stat.S_IFMT(info.external_attr >> 16)  # Unix keeps a file's kind there, others nothing
    if form not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link" if form == stat.S_IFLNK else "a device"
    if info.flag_bits & _ZIP_ENCRYPTED:
        return "an encrypted file"
    return "folder" if info.is_dir() else "file"


@contextmanager
def _damage_explained(archive: Path) -> Iterator[None]:
    """Turn what the libraries say of a broken archive into one sentence."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise UserError(f"{archive} is damaged or no archive: {error}.") from error
    except NotImplementedError as error:  # zipfile's, of a compression that it does not know
        raise UserError(f"{archive} is packed in a way that cannot be read: {error}.") from error

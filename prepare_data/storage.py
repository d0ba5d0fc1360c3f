"""Recordings and data sets on file systems that fsspec knows, such as s3://bucket/corpus.

A path with `://` is a `upath.UPath`, which does what `pathlib.Path` does; all others are paths of
this machine. Here is what differs between the two.
"""

from __future__ import annotations

import copyreg
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any, cast

from prepare_data.errors import AccessError, AudioError, UserError

_LOCAL = ("file://", "local://")
_BLOCK_BYTES = 1 << 22
_CHANGES = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified")
_listed: dict[str, tuple[int, int]] = {}


def as_path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a person wrote, of this machine or of a file system elsewhere.

    Raises:
        UserError: if the file system is not known, or the package that reaches it is missing.
    """
    if not isinstance(text, str) or "://" not in text:
        return Path(text)
    for local in _LOCAL:
        if text.startswith(local):
            return Path(text.removeprefix(local))
    try:
        from upath import UPath
    except ImportError as error:
        raise UserError(
            f"{text} needs fsspec; install it: pip install 'voice-from-noise[cluster]'."
        ) from error
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of file systems that UPath has no class for
            path: Any = UPath(text.rstrip("/"))
            _ = path.fs
    except (ImportError, ValueError) as error:
        raise UserError(f"{text} cannot be reached: {one_line(error)}.") from error
    # By its text, because other processes may not know a class that UPath made up for it.
    copyreg.pickle(type(path), _reduce)
    return path


def _reduce(path: Path) -> tuple[Callable[[str], Path], tuple[str]]:
    return as_path, (str(path),)


def is_remote(path: PurePath) -> bool:
    """Return whether a path is not one of this machine's file systems."""
    return not isinstance(path, PurePath)


def lies_in(path: Path, folder: Path) -> bool:
    """Return whether a path is a folder or lies below it, links followed."""
    if is_remote(path) or is_remote(folder):
        return f"{path}/".startswith(f"{folder}/")
    return path.resolve().is_relative_to(folder.resolve())


def key_of(path: Path) -> str:
    """Return a remote path as its file system writes it."""
    remote: Any = path
    return str(remote.fs._strip_protocol(str(remote)))


def remember(path: str, info: dict[str, Any]) -> None:
    """Keep what a listing told of a file, so that nobody asks again; see `file_state`."""
    _listed[path] = _state(info)


def file_state(path: Path) -> tuple[int, int] | None:
    """Return a file's size in bytes and a number that changes with it, or None if it is not there.

    The number is the time of change in nanoseconds; elsewhere it is made of what there is.
    """
    if not is_remote(path):
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns
    if str(path) in _listed:
        return _listed[str(path)]
    remote: Any = path
    try:
        return _state(remote.fs.info(remote.path))
    except FileNotFoundError:
        return None


def exists(path: Path) -> bool:
    """Return whether a file or folder is there now; fsspec's own `exists` hides lost connections.

    Raises:
        Exception: of the file system's own, if it does not answer.
    """
    if not is_remote(path):
        return path.exists()
    remote: Any = path
    remote.fs.invalidate_cache()
    try:
        return bool(remote.fs.info(remote.path))
    except FileNotFoundError:
        return False


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a recording for reading; elsewhere, the parts that are read are fetched.

    Raises:
        AccessError: if it cannot be opened, or a part of it not fetched.
        AudioError: if it is empty.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            yield file
        return
    remote = RemoteFile(path)
    try:
        with remote:
            yield cast("IO[bytes]", remote)
    except Exception as error:
        if remote.failure is None:
            raise
        raise AccessError(f"cannot be fetched: {one_line(remote.failure)}") from error
    if remote.failure is not None:
        raise AccessError(f"cannot be fetched: {one_line(remote.failure)}") from remote.failure


class RemoteFile(io.RawIOBase):
    """A file elsewhere that ends where it cannot be fetched, and says so in `failure`.

    Decoders read through callbacks from C, which have no place for an exception.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        remote: Any = path
        self.failure: Exception | None = None
        try:
            self._file = remote.fs.open(
                remote.path, "rb", block_size=_BLOCK_BYTES, cache_type="readahead"
            )
            self._size = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
        except Exception as error:  # every file system has exceptions of its own
            raise AccessError(f"cannot be opened: {one_line(error)}") from error
        if not self._size:
            raise AudioError("empty: 0 bytes")

    def readable(self) -> bool:
        """Return whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Return whether a place in it can be chosen."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Choose a place."""
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """Return the place."""
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        """Fetch what is missing and copy it; 0 bytes at the end and after a failure."""
        try:
            content = self._file.read(len(buffer)) if self.failure is None else b""
        except Exception as error:  # see the class
            self.failure, content = error, b""
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Let go of the file and of what was fetched."""
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


def put(path: Path, content: bytes) -> None:
    """Write a file elsewhere in one piece, which object stores show when it is whole."""
    remote: Any = path
    remote.fs.pipe_file(remote.path, content)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; object stores have none, and need none."""
    remote: Any = path
    if is_remote(path):
        remote.fs.makedirs(remote.path, exist_ok=True)
    else:
        path.mkdir(parents=True, exist_ok=True)


def remove(path: Path) -> None:
    """Remove a file or a folder elsewhere, if it is there."""
    remote: Any = path
    if exists(path):
        remote.fs.rm(remote.path, recursive=True)


def file_sizes(folder: Path) -> Callable[[Path], int]:
    """Return a function that tells a file's size below a folder, 0 where there is none.

    Elsewhere, the folder is listed once, when the function is first called.
    """
    if not is_remote(folder):
        return lambda path: path.stat().st_size if path.exists() else 0
    sizes: dict[str, int] | None = None

    def size(path: Path) -> int:
        nonlocal sizes
        if sizes is None:
            sizes = {name: info["size"] or 0 for name, info in listing(folder).items()}
        return sizes.get(key_of(path), 0)

    return size


def listing(folder: Path) -> dict[str, dict[str, Any]]:
    """Return every file below a folder elsewhere, by `key_of`, as it is now."""
    remote: Any = folder
    remote.fs.invalidate_cache()
    found = remote.fs.find(remote.path, detail=True)
    return {name: info for name, info in found.items() if info["type"] == "file"}


def local_folder(folder: Path, purpose: str) -> Path:
    """Return where this machine keeps what belongs to a folder elsewhere; a local one itself."""
    if not is_remote(folder):
        return folder
    from prepare_data.measurements import cache_folder

    name = hashlib.sha256(f"{folder}\n{purpose}".encode()).hexdigest()[:16]
    return cache_folder() / "remote" / name


@contextmanager
def remote_errors_said(paths: Sequence[Path]) -> Iterator[None]:
    """Say in a sentence what the packages that reach other file systems raise.

    Raises:
        UserError: in place of an exception of another package's own.
    """
    remote = [str(path) for path in paths if is_remote(path)]
    try:
        yield
    except Exception as error:
        module = type(error).__module__.partition(".")[0]
        if not remote or module == "prepare_data" or module in sys.stdlib_module_names:
            raise
        raise UserError(f"{', '.join(remote)} cannot be reached: {one_line(error)}.") from error


def one_line(error: BaseException) -> str:
    """Return what an exception says, as the end of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _state(info: dict[str, Any]) -> tuple[int, int]:
    told = next((info[key] for key in (*_CHANGES, "updated", "created") if info.get(key)), "")
    digest = hashlib.sha256(str(told).encode()).digest()
    return int(info.get("size") or 0), int.from_bytes(digest[:8], "little") >> 1

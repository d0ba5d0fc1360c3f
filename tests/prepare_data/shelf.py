"""A file system for tests, shelf://, that behaves like an object store.

Its objects are files below the folder that the environment variable SHELF_ROOT names, so that
other processes see them; fsspec finds it there through the entry point that `install` writes.
Folders are not made, an object appears whole, and nothing can be renamed or appended to.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import fsspec
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

ROOT_VARIABLE = "SHELF_ROOT"


class ShelfFileSystem(AbstractFileSystem):
    """Objects by key; `lost` makes every access fail as a broken connection does."""

    protocol = "shelf"
    cachable = False
    lost = False

    def ls(self, path: str, detail: bool = True, **options: Any) -> list:
        self._reach()
        key = self._strip_protocol(path)
        place = _place(key)
        if not place.exists():
            raise FileNotFoundError(path)
        if place.is_file():
            found = [self.info(path)]
        else:
            found = [self.info(f"{key}/{name}") for name in os.listdir(place)]
        return found if detail else [entry["name"] for entry in found]

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        self._reach()
        key = self._strip_protocol(path)
        place = _place(key)
        if place.is_dir():
            return {"name": key, "size": 0, "type": "directory"}
        if not place.exists():
            raise FileNotFoundError(path)
        status = place.stat()
        tag = f"{status.st_mtime_ns}-{status.st_size}"
        return {"name": key, "size": status.st_size, "type": "file", "ETag": tag}

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self._reach()

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        self._reach()
        place = _place(self._strip_protocol(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        # Not beside it: a process killed while it writes leaves nothing that is seen in a store.
        partial = Path(os.environ[ROOT_VARIABLE]) / f".{place.name}.{os.getpid()}"
        partial.write_bytes(value)
        partial.replace(place)

    def rm_file(self, path: str) -> None:
        self._reach()
        _place(self._strip_protocol(path)).unlink()

    def rm(self, path: str, recursive: bool = False, maxdepth: int | None = None) -> None:
        for key in self.find(path):
            self.rm_file(key)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _ShelfFile:
        if mode != "rb":
            raise io.UnsupportedOperation("objects are put whole")
        return _ShelfFile(self, path, mode, **options)

    def _reach(self) -> None:
        if type(self).lost:
            raise ShelfError("the shelf does not answer")


class ShelfError(Exception):
    """What this file system raises: no OSError, as those of some others."""


class _ShelfFile(AbstractBufferedFile):
    def _fetch_range(self, start: int, end: int) -> bytes:
        self.fs._reach()
        with open(_place(self.fs._strip_protocol(self.path)), "rb") as file:
            file.seek(start)
            return file.read(end - start)


def install(folder: Path) -> str:
    """Make fsspec find the file system, here and in other processes with the PYTHONPATH returned.

    Args:
        folder: an empty one, for the entry point.
    """
    fsspec.register_implementation("shelf", ShelfFileSystem, clobber=True)
    information = folder / "shelf-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 0\n")
    entry = f"[fsspec.specs]\nshelf = {__name__}:ShelfFileSystem\n"
    (information / "entry_points.txt").write_text(entry)
    return os.pathsep.join([str(folder), os.getcwd(), *filter(None, sys.path)])


def _place(key: str) -> Path:
    return Path(os.environ[ROOT_VARIABLE]) / key.strip("/")

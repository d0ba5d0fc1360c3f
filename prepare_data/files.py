"""Write files that are there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError

_SUFFIX = ".partial"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    with explained(path):
        try:
            partial.write_bytes(content)
            os.replace(partial, path)
        except OSError:
            with suppress(OSError):
                partial.unlink()
            raise


def write_json(path: Path, plain: dict[str, Any]) -> None:
    """Write a JSON file for people and programs, whole or not at all."""
    write_whole(path, (json.dumps(plain, indent=2) + "\n").encode())


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says about writing into one sentence.

    Raises:
        UserError: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"the disk is full: {path} could not be written. What was written before is whole; "
                "free some space and run the same command again to go on."
            ) from error
        raise UserError(f"{path} cannot be written: {error.strerror}.") from error


def remove_partial(folder: Path) -> None:
    """Remove what a killed run left under temporary names directly in a folder."""
    for partial in folder.glob(f".*.[0-9]*{_SUFFIX}"):
        with suppress(OSError):
            partial.unlink()


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same data set; a killed one lets go of it.

    Raises:
        UserError: if another process is at it.
    """
    path = folder / ".lock"
    with explained(path):
        file = open(path, "ab")  # noqa: SIM115 (closed below)
    with file:
        try:
            import fcntl
        except ImportError:  # Windows has no such lock
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"another process is writing {folder} at this moment.") from error
        yield

"""Write files that are there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError
from prepare_data.storage import is_remote, local_folder, put, remote_errors_said

_SUFFIX = ".partial"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it; elsewhere, put it in one piece.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    if is_remote(path):
        with explained(path), remote_errors_said([path]):
            put(path, content)
        return
    partial = partial_path(path)
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
    if is_remote(folder):  # where files are put in one piece
        return
    for partial in folder.glob(f".*.[0-9]*{_SUFFIX}"):
        with suppress(OSError):
            partial.unlink()


def partial_path(path: Path) -> Path:
    """Return a temporary name for a file, one that no other process on any machine uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}")


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same data set; a killed one lets go of it.

    Raises:
        UserError: if another process is at it.
    """
    with locked(folder / ".lock", f"another process is writing {folder} at this moment."):
        yield


@contextmanager
def locked(
    path: Path, refusal: str = "", *, shared: bool = False, wait: bool = False
) -> Iterator[None]:
    """Hold a lock for as long as the block runs; a killed process lets go of it.

    Args:
        path: of the lock's file, which stays behind.
        refusal: what to say where another process holds it.
        shared: go with others that share it.
        wait: for the others, rather than refuse.

    Raises:
        UserError: if another process holds the lock, or the file cannot be written.
    """
    if is_remote(path):  # keep at least two runs on this machine apart
        path = local_folder(path.parent, "locks") / path.name
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+b")  # noqa: SIM115 (closed below)
    with file:
        try:
            import fcntl
        except ImportError:  # Windows has no such lock
            yield
            return
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(refusal) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:  # some network file systems have none
                raise
        yield

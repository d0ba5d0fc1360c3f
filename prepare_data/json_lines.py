"""Files of a JSON object a line that a killed run leaves behind and the next one goes on with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import IO, Any


def append_line(file: IO[bytes], line: dict[str, Any]) -> int:
    """Append a line, whole or not at all; it is in the operating system's hands afterwards.

    Args:
        file: open for appending and reading.
        line: to write.

    Returns:
        Where it stands in the file.

    Raises:
        OSError: if it cannot be written; the file is then as it was.
    """
    return append_text(file, json.dumps(line).encode() + b"\n")


def append_text(file: IO[bytes], text: bytes) -> int:
    """Append a line as it stands in another file, its end included; see `append_line`."""
    place = file.seek(0, os.SEEK_END)
    try:
        file.write(text)
        file.flush()
    except OSError:
        file.truncate(place)
        raise
    return place


def read_back(file: IO[bytes], take: Callable[[dict[str, Any], int], None]) -> None:
    """Read the lines that are there, and cut off what follows one that is broken.

    Args:
        file: open for appending and reading.
        take: called with each line and where it stands; a KeyError or TypeError from it says that
            the line is broken.
    """
    file.seek(0)
    place = 0
    for text in file:
        line = parse_line(text)
        if line is None:
            break
        try:
            take(line, place)
        except (KeyError, TypeError):
            break
        place += len(text)
    file.truncate(place)


def parse_line(text: bytes) -> dict[str, Any] | None:
    """Return what a line says, or None if it is broken or breaks off."""
    if not text.endswith(b"\n"):
        return None
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None

"""The results so far, on disk after every clip, so that a killed evaluation can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from enhancement.evaluation.measuring import Record
from prepare_data.files import explained

_NAME = "results.jsonl"


class Journal:
    """Results by system and clip; the last one of each counts."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        self._records: dict[tuple[str, str], Record] = {}
        self._read_back()

    def get(self, system: str, clip: str) -> Record | None:
        """Return the result of a system on a clip, None if there is none yet."""
        return self._records.get((system, clip))

    def add(self, record: Record) -> None:
        """Add a result, which the operating system then has.

        Raises:
            UserError: if the disk is full.
        """
        self._records[record["system"], record["clip"]] = record
        with explained(self._path):
            place = self._file.seek(0, 2)
            try:
                self._file.write(json.dumps(record).encode() + b"\n")
                self._file.flush()
            except OSError:
                self._file.truncate(place)
                raise

    def _read_back(self) -> None:
        """Read the lines; drop what follows one that was cut off in the middle."""
        self._file.seek(0)
        place = 0
        for text in self._file:
            if not text.endswith(b"\n"):
                break
            try:
                record = json.loads(text)
                self._records[record["system"], record["clip"]] = record
            except (ValueError, KeyError, TypeError):
                break
            place += len(text)
        self._file.truncate(place)


@contextmanager
def open_journal(folder: Path) -> Iterator[Journal]:
    """Open the journal of a folder.

    Raises:
        UserError: if it cannot be written.
    """
    path = folder / _NAME
    with explained(path):
        file = open(path, "a+b")  # noqa: SIM115 (closed below)
    with file:
        yield Journal(file, path)

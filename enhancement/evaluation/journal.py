"""The results so far, on disk after every clip, so that a killed evaluation can go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from enhancement.evaluation.measuring import Record
from prepare_data.files import explained
from prepare_data.json_lines import append_line, read_back

_NAME = "results.jsonl"


class Journal:
    """Results by system and clip; the last one of each counts."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        self._records: dict[tuple[str, str], Record] = {}
        read_back(file, self._take)

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
            append_line(self._file, record)

    def _take(self, record: Record, place: int) -> None:
        self._records[record["system"], record["clip"]] = record


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

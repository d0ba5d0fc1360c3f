"""What a run has rendered so far, on disk after every sample, so that a killed run can go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from prepare_data.dataset import MANIFEST_NAME
from prepare_data.files import explained
from prepare_data.json_lines import append_line, read_back
from prepare_data.rendering import Line

_NAME = "manifest.partial.jsonl"


class Journal:
    """The manifest lines of rendered samples, in the order they were finished.

    It starts from what an earlier run left, whether that was finished or not, and keeps only where
    each line stands in the file, so that memory does not grow with the lines.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / _NAME
        finished = folder / MANIFEST_NAME
        with explained(self._path):
            if finished.exists() and not self._path.exists():
                copy = self._path.with_name(f".{_NAME}.{os.getpid()}.partial")
                shutil.copyfile(finished, copy)
                os.replace(copy, self._path)
            self._file = open(self._path, "a+b")  # noqa: SIM115 (closed in __exit__)
        self._places: dict[str, int] = {}
        read_back(self._file, self._take)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._places

    def forget(self, sample_id: str) -> None:
        """Drop a line whose files are gone."""
        self._places.pop(sample_id, None)

    def add(self, line: Line) -> None:
        """Append a line; it is in the operating system's hands when this returns."""
        with explained(self._path):
            place = append_line(self._file, line)
        self._places[line["id"]] = place

    def finish(self, ids: Iterator[str], visit: Callable[[Line], None]) -> None:
        """Write manifest.jsonl in the order of `ids`, showing each line to `visit`."""
        partial = self._folder / f".{MANIFEST_NAME}.{os.getpid()}.partial"
        with explained(partial):
            with open(partial, "wb") as manifest:
                for sample_id in ids:
                    self._file.seek(self._places[sample_id])
                    text = self._file.readline()
                    visit(json.loads(text))
                    manifest.write(text)
            os.replace(partial, self._folder / MANIFEST_NAME)

    def remove(self) -> None:
        """Delete the journal of a finished run."""
        self._file.close()
        self._path.unlink()

    def _take(self, line: Line, place: int) -> None:
        self._places[line["id"]] = place

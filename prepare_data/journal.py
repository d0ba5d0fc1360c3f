"""What a run has rendered so far, on disk after every sample, so that a killed run can go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from prepare_data.dataset import MANIFEST_NAME
from prepare_data.files import explained, partial_path
from prepare_data.json_lines import append_line, append_text, parse_line, read_back
from prepare_data.rendering import Line
from prepare_data.shards import Shard
from prepare_data.storage import is_remote
from prepare_data.storage_journal import Mirror

_NAME = "manifest.partial.jsonl"
_SHARD_NAMES = "manifest.shard-*.partial.jsonl"


class Journal:
    """The manifest lines of rendered samples, in the order they were finished.

    It starts from what an earlier run left, whether that was finished or not, and keeps only where
    each line stands in the file, so that memory does not grow with the lines. A shard writes a
    journal of its own; the run without a shard takes over what the shards left.
    """

    def __init__(self, folder: Path, shard: Shard | None = None, *, identity: str = "") -> None:
        """Open the journal of a data set; `identity` tells it from others of the same folder."""
        self._mirror = Mirror(folder, identity) if is_remote(folder) else None
        self._folder = folder = self._mirror.place if self._mirror else folder
        self._shard = shard
        self._path = folder / (f"manifest.{shard.name}.partial.jsonl" if shard else _NAME)
        finished = folder / MANIFEST_NAME
        with explained(self._path):
            if finished.exists() and not self._path.exists() and shard is None:
                copy = partial_path(self._path)
                shutil.copyfile(finished, copy)
                os.replace(copy, self._path)
            self._file = open(self._path, "a+b")  # noqa: SIM115 (closed in __exit__)
        self._places: dict[str, int] = {}
        read_back(self._file, self._take)
        for other in self._others():
            self._take_over(other)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._mirror and self._path.exists():
            self._mirror.push(self._path, now=True)

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
        if self._mirror:
            self._mirror.push(self._path)

    def finish(self, ids: Iterator[str], visit: Callable[[Line], None]) -> None:
        """Write manifest.jsonl in the order of `ids`, showing each line to `visit`."""
        partial = partial_path(self._folder / MANIFEST_NAME)
        with explained(partial):
            with open(partial, "wb") as manifest:
                for sample_id in ids:
                    self._file.seek(self._places[sample_id])
                    text = self._file.readline()
                    visit(json.loads(text))
                    manifest.write(text)
            os.replace(partial, self._folder / MANIFEST_NAME)
        if self._mirror:
            self._mirror.push(self._folder / MANIFEST_NAME, now=True)

    def remove(self) -> None:
        """Delete the journal of a finished run, and those of the shards it is made of."""
        self._file.close()
        self._path.unlink()
        if self._shard is None:
            for path in [*self._folder.glob(_SHARD_NAMES), *self._folder.glob(".lock.*")]:
                path.unlink(missing_ok=True)
            if self._mirror:
                self._mirror.clear()

    def _others(self) -> list[Path]:
        """Return the journals that may hold lines of this one: not those of sister shards."""
        others = sorted(self._folder.glob(_SHARD_NAMES))
        if self._shard is None:
            return others
        sisters = f"-of-{self._shard.count}.partial.jsonl"
        others = [path for path in others if not path.name.endswith(sisters)]
        return [self._folder / MANIFEST_NAME, self._folder / _NAME, *others]

    def _take_over(self, path: Path) -> None:
        """Append the lines of another journal that are missing here."""
        if not path.exists():
            return
        with explained(self._path), open(path, "rb") as file:
            for text in file:
                line = parse_line(text)
                if line is None or "id" not in line:
                    break  # a run that was killed, or that writes at this moment
                known = line["id"] in self._places
                if not known and (self._shard is None or self._shard.holds(int(line["id"]))):
                    self._places[line["id"]] = append_text(self._file, text)

    def _take(self, line: Line, place: int) -> None:
        self._places[line["id"]] = place

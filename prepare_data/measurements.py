"""Remember what was measured of each recording, so that a corpus is decoded once, not every time.

One SQLite file in the user's cache folder, keyed by path, size and time of change. It keeps what a
killed run has measured, and is read line by line, so that memory does not grow with the corpus.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np

from prepare_data.errors import AccessError, AudioError
from prepare_data.measure import Levels
from prepare_data.storage import file_state
from prepare_data.worth import Worth, weigh

CACHE_VARIABLE = "PREPARE_DATA_CACHE"

_WORTH = ", ".join(field.name for field in fields(Worth))
_LEVELS = "sample_rate, channels, frames, frame_length, loudest_db, codes"
# The levels stand last, because they are long and seldom wanted.
_COLUMNS = f"path, size, changed_ns, problem, {_WORTH}, {_LEVELS}"
_SCHEMA = f"CREATE TABLE IF NOT EXISTS levels_2 ({_COLUMNS}, PRIMARY KEY (path))"
_PLACES = ", ".join("?" for _ in _COLUMNS.split(","))
_NOTHING = (None,) * (_COLUMNS.count(",") - 3)  # in place of worth and levels
_AS_IT_IS = "FROM levels_2 WHERE path = ? AND size = ? AND changed_ns = ?"


class Measurements:
    """The measured levels of recordings, or why one could not be measured.

    Where the cache folder cannot be written, a temporary file takes its place.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._passing: dict[Path, Levels | str] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        try:
            self._database = _connect(file or cache_folder() / "measurements.sqlite")
        except (OSError, sqlite3.Error):
            self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self._database = _connect(Path(self._temporary.name) / "measurements.sqlite")

    def get(self, path: Path) -> Levels | str | None:
        """Return the levels, why there are none, or None if the file was not measured as it is."""
        if path in self._passing:
            return self._passing[path]
        row = self._select(f"problem, {_LEVELS}", path)
        if row is None or row[0]:
            return None if row is None else str(row[0])
        _, rate, channels, frames, frame_length, peak_db, codes = row
        levels = np.frombuffer(codes, dtype=np.uint8)
        return Levels(rate, channels, frames, frame_length, peak_db, levels)

    def worth(self, path: Path) -> Worth | str | None:
        """Return what `get` does, but the worth in place of the levels, which is quicker."""
        if path in self._passing:
            found = self._passing[path]
            return weigh(found) if isinstance(found, Levels) else found
        row = self._select(f"problem, {_WORTH}", path)
        if row is None or row[0]:
            return None if row is None else str(row[0])
        return Worth(*row[1:])

    def put(self, path: Path, measured: Levels | AudioError, worth: Worth | None = None) -> None:
        """Remember levels or a reason, a reason that may pass only for as long as this lives.

        Args:
            path: of the recording.
            measured: what came of it.
            worth: of the levels, where it is known already.
        """
        key = _key(path)
        if key is None or isinstance(measured, AccessError):
            self._passing[path] = str(measured)
            return
        values: tuple[object, ...]
        if isinstance(measured, AudioError):
            values = (str(measured), *_NOTHING)
        else:
            m = measured
            levels = (m.sample_rate, m.channels, m.frames, m.frame_length, m.peak_db)
            values = (None, *astuple(worth or weigh(m)), *levels, m.codes.tobytes())
        try:
            self._database.execute(
                f"INSERT OR REPLACE INTO levels_2 ({_COLUMNS}) VALUES ({_PLACES})", key + values
            )
        except sqlite3.Error:  # full or locked: what is only a convenience must not stop a run
            self._passing[path] = str(measured) if isinstance(measured, AudioError) else measured

    def _select(self, columns: str, path: Path) -> tuple[Any, ...] | None:
        """Return columns of a file that is as it was when it was measured."""
        key = _key(path)
        if key is None:
            return None
        row: tuple[Any, ...] | None = self._database.execute(
            f"SELECT {columns} {_AS_IT_IS}", key
        ).fetchone()
        return row

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
        if self._temporary:
            self._temporary.cleanup()


def cache_folder() -> Path:
    """Return where measurements are kept: $PREPARE_DATA_CACHE, or the user's cache folder."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(base).expanduser() / "voice-from-noise"


def _connect(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Each measurement is committed by itself, so that runs side by side do not wait for each other;
    # one that a crash of the machine loses is made again, so nothing waits for the disk.
    database = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_SCHEMA)
        database.execute("BEGIN IMMEDIATE")  # fails at once where the file cannot be written
        database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _key(path: Path) -> tuple[bytes, int, int] | None:
    state = file_state(path)
    name = os.fsencode(str(path.absolute()))
    return None if state is None else (name, *state)

"""Remember what was measured of each recording, so that a corpus is decoded once, not every time.

One SQLite file in the user's cache folder, keyed by path, size and time of change. It keeps what a
killed run has measured, and is read line by line, so that memory does not grow with the corpus.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import numpy as np

from prepare_data.errors import AccessError, AudioError
from prepare_data.measure import Levels

CACHE_VARIABLE = "PREPARE_DATA_CACHE"

_SCHEMA = """CREATE TABLE IF NOT EXISTS levels_1 (
    path BLOB PRIMARY KEY, size INTEGER, changed_ns INTEGER, sample_rate INTEGER, channels INTEGER,
    frames INTEGER, frame_length INTEGER, peak_db REAL, codes BLOB, problem TEXT
)"""
_COLUMNS = "sample_rate, channels, frames, frame_length, peak_db, codes, problem"


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
        key = _key(path)
        if key is None:
            return None
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM levels_1 WHERE path = ? AND size = ? AND changed_ns = ?", key
        ).fetchone()
        if row is None:
            return None
        rate, channels, frames, frame_length, peak_db, codes, problem = row
        if problem:
            return str(problem)
        levels = np.frombuffer(codes, dtype=np.uint8)
        return Levels(rate, channels, frames, frame_length, peak_db, levels)

    def put(self, path: Path, measured: Levels | AudioError) -> None:
        """Remember levels or a reason, a reason that may pass only for as long as this lives."""
        key = _key(path)
        if key is None or isinstance(measured, AccessError):
            self._passing[path] = str(measured)
            return
        if isinstance(measured, AudioError):
            values: tuple[object, ...] = (None, None, None, None, None, None, str(measured))
        else:
            m = measured
            values = (m.sample_rate, m.channels, m.frames, m.frame_length, m.peak_db)
            values += (m.codes.tobytes(), None)
        try:
            self._database.execute(
                f"INSERT OR REPLACE INTO levels_1 (path, size, changed_ns, {_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                key + values,
            )
        except sqlite3.Error:  # full or locked: what is only a convenience must not stop a run
            self._passing[path] = str(measured) if isinstance(measured, AudioError) else measured

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
    try:
        status = path.stat()
    except OSError:
        return None
    return os.fsencode(path.absolute()), status.st_size, status.st_mtime_ns

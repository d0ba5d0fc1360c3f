"""Journals of data sets elsewhere: written on this machine, and copied there now and then.

Other file systems seldom append. So the journal grows in the user's cache folder, where a killed
run finds all of it again; the copy beside the data set is some minutes old at most and is what
another machine goes on from: a line that it lacks is rendered again, to the same bytes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from prepare_data.dataset import MANIFEST_NAME
from prepare_data.files import explained, write_whole
from prepare_data.storage import key_of, local_folder, put, remote_errors_said, remove

_PUSH_SECONDS = 60.0
_LEAST_PAUSE = 20  # between two copies, in the time that one takes: a long journal is copied rarely


class Mirror:
    """A folder of this machine that stands for the journals of a data set elsewhere.

    Attributes:
        place: the folder of this machine.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Fetch what the data set has and this machine lacks.

        Args:
            folder: the data set's, elsewhere.
            identity: of its settings and recordings, so that another's journal is not taken for it.
        """
        self._folder = folder
        self._next_push = time.monotonic() + _PUSH_SECONDS
        self.place = local_folder(folder, identity)
        with explained(self.place), remote_errors_said([folder]):
            self.place.mkdir(parents=True, exist_ok=True)
            for name, size in _journals(folder).items():
                own = self.place / name
                # Of a journal, the longer one holds the other; a manifest is finished there.
                if name == MANIFEST_NAME or not own.exists() or own.stat().st_size < size:
                    write_whole(own, (folder / name).read_bytes())

    def push(self, path: Path, *, now: bool = False) -> None:
        """Copy a file of `place` beside the data set if the last copy is old."""
        started = time.monotonic()
        if now or started > self._next_push:
            with explained(self._folder), remote_errors_said([self._folder]):
                put(self._folder / path.name, path.read_bytes())
            took = time.monotonic() - started
            self._next_push = time.monotonic() + max(_PUSH_SECONDS, _LEAST_PAUSE * took)

    def clear(self) -> None:
        """Remove the journals of a finished run here and there."""
        for path in self.place.glob("manifest*.jsonl"):
            path.unlink(missing_ok=True)
        remove_pushed(self._folder, keep=(MANIFEST_NAME,))


def remove_pushed(folder: Path, *, keep: tuple[str, ...] = ()) -> None:
    """Remove journals beside a data set elsewhere."""
    with explained(folder), remote_errors_said([folder]):
        for name in _journals(folder):
            if name not in keep:
                remove(folder / name)


def _journals(folder: Path) -> dict[str, int]:
    """Return the names and sizes of a data set's journals, its manifest among them."""
    remote: Any = folder
    remote.fs.invalidate_cache()
    try:
        entries = remote.fs.ls(remote.path, detail=True)
    except FileNotFoundError:
        return {}
    start = key_of(folder).rstrip("/") + "/"
    names = {str(e["name"]).removeprefix(start): e["size"] or 0 for e in entries}
    return {n: s for n, s in names.items() if n.startswith("manifest") and n.endswith(".jsonl")}

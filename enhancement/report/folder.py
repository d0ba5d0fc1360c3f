"""The folder of a report: never someone else's, never a page whose parts are missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prepare_data.errors import UserError
from prepare_data.files import explained, only_writer, write_json

PAGE = "index.html"
CLIPS = "clips"
ASSETS = "assets"
_MARK = "report.json"


@contextmanager
def report_folder(out: Path) -> Iterator[None]:
    """Make the folder ready, new or empty or an earlier report, whose page and clips go.

    Until the end no other process writes a report there.

    Raises:
        UserError: if there is something else, another process is at it, or it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder.")
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
        if not (out / _MARK).is_file() and any(out.iterdir()):
            raise UserError(
                f"--out {out} holds files that are not a report's; name another folder."
            )
        write_json(out / _MARK, {"made_by": "enhancement report", "format_version": 1})
    with only_writer(out):
        with explained(out):
            _clear(out)
        yield


def _clear(out: Path) -> None:
    # The page goes first: a report that is interrupted has no page rather than a wrong one.
    (out / PAGE).unlink(missing_ok=True)
    for part in (out / CLIPS, out / ASSETS):
        if part.is_dir():
            shutil.rmtree(part)
        part.mkdir()

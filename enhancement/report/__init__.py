"""The listening report: a folder with a page to hear, see and compare what systems made of clips.

- `choice`: which clips of a large evaluation are shown.
- `media`, `sound`, `pictures`: what the page plays and shows of a clip.
- `figures`: plots of the scores.
- `page`: the page's data and tables.
- `folder`: where all of it is written.
- `building`: the parts put together.
- `cli`: `python -m enhancement report`.
"""

from __future__ import annotations

from pathlib import Path


def build(results: Path, out: Path | None = None, *, clips: int = 200) -> Path:
    """Write the listening report of an evaluation.

    Args:
        results: the folder that `python -m enhancement evaluate` wrote.
        out: the folder of the report, new, empty or an earlier report; by default `report` in
            the folder of the results.
        clips: how many clips to show at most; the tables and plots are over all of them.

    Returns:
        The page, to be opened from the disk.

    Raises:
        UserError: if the results are missing or damaged, `out` holds something else, or the disk
            is full.
    """
    from enhancement.report.building import build_report

    return build_report(results, out, clips=clips)

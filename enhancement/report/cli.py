"""`python -m enhancement report`; nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "make a page to hear, see and compare what was evaluated"

_DESCRIPTION = """\
Make a listening report of what `python -m enhancement evaluate` wrote: one folder with a page
that opens from the disk, without a server or the network. It shows the scores, and for each clip
the noisy voice, every system's result and the clean voice side by side, to play and to look at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report`."""
    parser.description = _DESCRIPTION
    add = parser.add_argument
    add("results", type=Path, metavar="RESULTS", help="the folder that `evaluate` wrote")
    add("--out", type=Path, metavar="DIR", help="(default: RESULTS/report)")
    add(
        "--clips",
        type=int,
        default=200,
        metavar="N",
        help="show so many clips at most, spread evenly over SNR and category, and the worst ones; "
        "tables and plots are over all (default: %(default)s)",
    )
    add("--jobs", type=int, metavar="N", help="processes (default: all processors)")


def command(namespace: argparse.Namespace) -> int:
    """Run `report`.

    Raises:
        UserError: if the results are missing or damaged, --out holds something else, or the disk
            is full.
    """
    from enhancement.report.building import build_report

    page = build_report(
        namespace.results, namespace.out, clips=namespace.clips, jobs=namespace.jobs
    )
    print(f"Open {page} in a browser.")
    return 0

"""Command line: blend folders of speech and noise into a data set."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m prepare_data` and return its exit code."""
    from prepare_data.cli import parse, run
    from prepare_data.guard import guarded

    return guarded(lambda: run(parse(arguments)), program="prepare_data")


if __name__ == "__main__":
    sys.exit(main())

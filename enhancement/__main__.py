"""Command line: `python -m enhancement COMMAND`, for what works with any model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from enhancement.subcommands import run_subcommand

_COMMANDS = {
    "denoise": "enhancement.running.cli",
    "evaluate": "enhancement.evaluation.compare",
    "report": "enhancement.report.cli",
    "ship": "enhancement.shipping",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m enhancement` and return its exit code."""
    return run_subcommand(
        arguments,
        package="enhancement",
        description="Run what works with any model.",
        modules=_COMMANDS,
    )


if __name__ == "__main__":
    sys.exit(main())

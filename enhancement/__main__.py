"""Command line: `python -m enhancement COMMAND`, for what works with any model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from prepare_data.guard import Parser, guarded

# Each module has SUMMARY, add_arguments(parser) and command(namespace) -> exit code, and imports
# nothing heavy when it is imported itself.
_COMMANDS = {"denoise": "enhancement.running.cli"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m enhancement` and return its exit code."""
    return guarded(lambda: _run(arguments), program="enhancement")


def _run(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog="python -m enhancement", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in _COMMANDS.items():
        module = import_module(module_name)
        below = commands.add_parser(name, help=module.SUMMARY)
        module.add_arguments(below)
        below.set_defaults(run=module.command)
    namespace = parser.parse_args(arguments)
    code: int = namespace.run(namespace)
    return code


if __name__ == "__main__":
    sys.exit(main())

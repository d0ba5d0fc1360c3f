"""Commands with subcommands, such as `python -m enhancement denoise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from prepare_data.guard import Parser, guarded


def run_subcommand(
    arguments: Sequence[str] | None,
    *,
    package: str,
    description: str,
    modules: Mapping[str, str],
) -> int:
    """Run a package's command line and return its exit code.

    Args:
        arguments: of the command line; None for the program's own.
        package: that `python -m` runs.
        description: of the command.
        modules: for each subcommand the module that has SUMMARY, add_arguments(parser) and
            command(namespace) -> exit code. All are imported, so they import nothing heavy.
    """
    return guarded(lambda: _run(arguments, package, description, modules), program=package)


def _run(
    arguments: Sequence[str] | None, package: str, description: str, modules: Mapping[str, str]
) -> int:
    parser = Parser(prog=f"python -m {package}", description=description)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in modules.items():
        module = import_module(module_name)
        below = commands.add_parser(name, help=module.SUMMARY)
        module.add_arguments(below)
        below.set_defaults(run=module.command)
    namespace = parser.parse_args(arguments)
    code: int = namespace.run(namespace)
    return code

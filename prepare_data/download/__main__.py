"""Command line: fetch a corpus of speech or noise."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prepare_data.download.catalog import ARCHIVES, Archive
from prepare_data.download.installing import corpus_folder, download, is_there
from prepare_data.errors import UserError
from prepare_data.guard import Parser, guarded

_DESCRIPTION = """\
Fetch a corpus of speech or noise, check it and unpack it. Its licence is shown first. Stopped at
any moment, the same command goes on."""

_EXAMPLES = """\
examples:
  python -m prepare_data.download esc50
  python -m prepare_data.download librispeech-dev-clean --to /data/corpora --yes"""

_INDENT = " " * 9  # below what stands after "licence:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m prepare_data.download` and return its exit code."""
    return guarded(lambda: _command(arguments), program="prepare_data.download")


def _command(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    archive = _archive(options)
    folder = corpus_folder(archive, options.to)
    if is_there(archive, options.to):
        print(f"{archive.name} is there already: {folder}")
        return 0
    print(_terms(archive, folder), flush=True)
    if not options.yes and not _agreed(archive):
        print("Nothing was fetched.")
        return 1
    download(archive, options.to, keep_archive=options.keep_archive, quiet=options.quiet)
    print(f"{archive.name} is in {folder}: python -m prepare_data {archive.option} {folder} …")
    return 0


def _archive(options: argparse.Namespace) -> Archive:
    archive = ARCHIVES[options.corpus]
    if options.url is not None:
        archive = replace(archive, url=options.url)
    if options.sha256 is not None:
        if not re.fullmatch("[0-9a-fA-F]{64}", options.sha256):
            raise UserError(f"--sha256 takes 64 hexadecimal digits, not {options.sha256!r}.")
        archive = replace(archive, sha256=options.sha256.lower())
    return archive


def _terms(archive: Archive, folder: Path) -> str:
    return (
        f"{archive.title}\n"
        f"licence: {archive.licence}\n"
        f"{textwrap.fill(archive.note, 90, initial_indent=_INDENT, subsequent_indent=_INDENT)}\n"
        f"from:    {archive.url}\n"
        f"size:    {_size(archive.size_bytes)}, unpacked about {_size(archive.unpacked_bytes)}\n"
        f"into:    {folder}"
    )


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _agreed(archive: Archive) -> bool:
    """Ask on a terminal.

    Raises:
        UserError: if there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UserError(
            f"nobody is at the terminal to agree to the licence of {archive.name}; --yes agrees."
        )
    try:
        return input("Fetch it under this licence? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m prepare_data.download",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("corpus", choices=list(ARCHIVES), help="what to fetch")
    add(
        "--to",
        type=Path,
        default=Path("data/corpora"),
        metavar="DIR",
        help="folder of all corpora (default data/corpora)",
    )
    add("--yes", action="store_true", help="agree to the licence without being asked")
    add("--url", metavar="URL", help="another address of the same archive: a mirror")
    add("--sha256", metavar="SUM", help="the checksum to expect, if it was packed anew")
    add("--keep-archive", action="store_true", help="keep the archive beside the corpus")
    add("--quiet", action="store_true", help="no progress bars")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Find the recordings that a command line names, and where each belongs below the output."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prepare_data.errors import UserError
from prepare_data.scan import Scanner

Problem = tuple[Path, str]
"""What could not be used, and why."""


@dataclass(frozen=True)
class Recording:
    """A file to denoise.

    Attributes:
        source: the file.
        relative: its name below the output folder, with the suffix it has now.
    """

    source: Path
    relative: Path


def find_recordings(inputs: Sequence[Path], out: Path) -> tuple[list[Recording], list[Problem]]:
    """List the recordings in files and folders, each once.

    What lies in a single folder goes directly below the output; with several inputs each folder
    keeps its own name there. Files that are named directly are taken whatever their suffix.

    Args:
        inputs: files and folders; folders are searched in depth, hidden names passed over.
        out: the output folder, which is not searched where it lies in an input.

    Returns:
        The recordings in the order of the inputs, and what could not be used.

    Raises:
        UserError: if an input does not exist, is the output folder, or nothing is found at all.
    """
    scanner = Scanner(excluded=out)
    found: dict[str, Recording] = {}
    problems: list[Problem] = []
    for path in inputs:
        recordings = (
            _in_folder(path, out, scanner, keep_name=len(inputs) > 1)
            if path.is_dir()
            else [_file(path)]
        )
        if recordings is not None and not recordings:
            problems.append((path, "holds no recordings"))
        for recording in recordings or ():
            found.setdefault(os.path.abspath(recording.source), recording)
    problems += scanner.problems
    if not found:
        raise UserError("; ".join(f"{path} {reason}" for path, reason in problems) + ".")
    return list(found.values()), problems


def _in_folder(
    path: Path, out: Path, scanner: Scanner, *, keep_name: bool
) -> list[Recording] | None:
    """List a folder's recordings; None for a folder that was listed with another input."""
    if out.exists() and out.samefile(path):
        raise UserError(f"--out {out} is the input folder {path} itself; name another folder.")
    folder = scanner.scan(path)
    if folder is None:
        return [] if any(problem[0].samefile(path) for problem in scanner.problems) else None
    prefix = Path(folder.path.name) if keep_name else Path()
    return [Recording(file, prefix / file.relative_to(folder.path)) for file in folder.walk()]


def _file(path: Path) -> Recording:
    if not path.exists():
        raise UserError(f"{path} does not exist.")
    if not path.is_file():
        raise UserError(f"{path} is neither a file nor a folder.")
    return Recording(path, Path(path.name))

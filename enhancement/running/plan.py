"""Decide, before anything is denoised, what each recording becomes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from enhancement.running.inputs import Problem, Recording
from enhancement.running.writing import AudioFormat, as_wav, can_write, read_format
from prepare_data.audio_io import AUDIO_SUFFIXES
from prepare_data.errors import AudioError, UserError

_WAV_SUFFIXES = (".wav", ".wave")


@dataclass(frozen=True)
class Task:
    """A recording and the file that it becomes.

    Attributes:
        source: the recording.
        target: the file to write.
        audio_format: to write.
        keeps_format: whether that is the recording's own.
        bytes_in: size of the recording, for the progress bar.
    """

    source: Path
    target: Path
    audio_format: AudioFormat
    keeps_format: bool
    bytes_in: int


def plan_tasks(recordings: Sequence[Recording], out: Path) -> tuple[list[Task], list[Problem]]:
    """Choose format and name for every recording.

    A recording whose format cannot be written becomes NAME.wav, or NAME.SUFFIX.wav if its folder
    holds other recordings called NAME; so a name never depends on what else is denoised with it.

    Returns:
        The tasks, and the recordings that cannot be read.

    Raises:
        UserError: if two recordings would become one file, or a result would replace a recording.
    """
    stems: dict[Path, Counter[str]] = {}
    tasks: list[Task] = []
    problems: list[Problem] = []
    for recording in recordings:
        try:
            source_format = read_format(recording.source)
        except AudioError as error:
            problems.append((recording.source, str(error)))
            continue
        keeps_format = can_write(source_format)
        chosen = source_format if keeps_format else as_wav(source_format)
        relative = recording.relative if keeps_format else _wav_name(recording, stems)
        size = recording.source.stat().st_size
        tasks.append(Task(recording.source, out / relative, chosen, keeps_format, size))
    _refuse_collisions(tasks)
    _refuse_replacing_inputs(tasks, recordings)
    return tasks, problems


def _wav_name(recording: Recording, stems: dict[Path, Counter[str]]) -> Path:
    suffix = recording.relative.suffix.lower()
    if suffix in _WAV_SUFFIXES:
        return recording.relative
    folder = recording.source.parent
    if folder not in stems:
        stems[folder] = _stems_in(folder)
    shared = stems[folder][recording.source.stem] > 1
    if shared or suffix not in AUDIO_SUFFIXES:
        return recording.relative.with_name(recording.relative.name + ".wav")
    return recording.relative.with_suffix(".wav")


def _stems_in(folder: Path) -> Counter[str]:
    """Count the recordings of each name, whatever their suffix."""
    names = (Path(name) for name in os.listdir(folder) if not name.startswith("."))
    return Counter(name.stem for name in names if name.suffix.lower() in AUDIO_SUFFIXES)


def _refuse_collisions(tasks: Sequence[Task]) -> None:
    sources: dict[Path, Path] = {}
    for task in tasks:
        other = sources.setdefault(task.target, task.source)
        if other != task.source:
            raise UserError(
                f"{other} and {task.source} would both become {task.target}; denoise them into "
                "different folders (--out), or name the folder that holds both."
            )


def _refuse_replacing_inputs(tasks: Sequence[Task], recordings: Sequence[Recording]) -> None:
    """Compare files, not names: links lead to a recording under other names."""
    inputs = {_identity(recording.source): recording.source for recording in recordings}
    for task in tasks:
        source = inputs.get(_identity(task.target)) if task.target.exists() else None
        if source is not None:
            raise UserError(
                f"{task.target} would overwrite the recording {source}; name another --out."
            )


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino

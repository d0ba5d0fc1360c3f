"""Feed files to a model, as many at once as it likes, and keep apart what becomes of each."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import closing

import numpy as np
from tqdm import tqdm

from enhancement.denoiser import Denoiser, Recording
from enhancement.running.effects import Effects
from enhancement.running.one_file import FileRun, Result
from enhancement.running.plan import Task
from prepare_data.errors import UserError
from prepare_data.files import explained

Outcome = Result | UserError
"""What became of a file, or why nothing did."""


def denoise_files(
    tasks: Sequence[Task], denoiser: Denoiser, effects: Effects, *, silent: bool = False
) -> list[Outcome]:
    """Denoise files, with a progress bar.

    Args:
        tasks: what is to become what.
        denoiser: any; it says how many files it has in hand at once.
        effects: what is done after denoising.
        silent: whether there is no bar.

    Returns:
        What became of each.

    Raises:
        UserError: if the disk is full.
    """
    total = sum(task.bytes_in for task in tasks)
    with (
        progress_bar(total, silent=silent) as bar,
        closing(_Files(tasks, effects, bar)) as files,
    ):
        for number, part in denoiser.denoise_several(files.recordings()):
            files.take(number, part)
    return [files.outcomes[index] for index in range(len(tasks))]


def progress_bar(total_bytes: int, *, silent: bool = False) -> tqdm:
    """Return a bar that counts bytes of input, for terminals alone."""
    disable = silent or None
    return tqdm(total=total_bytes, desc="denoising", unit="B", unit_scale=True, disable=disable)


class _Files:
    """The files that a model has in hand, and the outcomes of those before them."""

    def __init__(self, tasks: Sequence[Task], effects: Effects, bar: tqdm) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._tasks = tasks
        self._effects = effects
        self._bar = bar
        self._given: list[int] = []  # the model's count of its recordings to ours of the tasks
        self._running: dict[int, FileRun] = {}
        self._advances: dict[int, _Advance] = {}

    def recordings(self) -> Iterator[Recording]:
        """Open file after file for the model; one that cannot be is left out."""
        for index, task in enumerate(self._tasks):
            self._bar.set_postfix_str(f"{index + 1}/{len(self._tasks)} {task.source.name}")
            self._advances[index] = _Advance(self._bar, task)
            try:
                self._running[index] = self._opened(task, self._advances[index])
            except UserError as error:
                self._done(index, error)
                continue
            self._given.append(index)
            yield self._running[index].tap, task.audio_format.sample_rate

    def take(self, number: int, part: np.ndarray | UserError | None) -> None:
        """Take a part of the model's answer to a recording, or its end."""
        index = self._given[number]
        run = self._running.get(index)
        if run is None:
            return  # it has failed, and only the model does not know
        try:
            with explained(self._tasks[index].target):
                if isinstance(part, UserError):
                    raise part
                if part is not None:
                    run.add(part)
                    return
                outcome: Outcome = run.finish()
        except UserError as error:
            outcome = error
        self._done(index, outcome)

    def close(self) -> None:
        """Let go of the files in hand."""
        for run in self._running.values():
            run.close()

    def _opened(self, task: Task, advance: _Advance) -> FileRun:
        with explained(task.target):
            task.target.parent.mkdir(parents=True, exist_ok=True)
            return FileRun(
                task.source, task.target, task.audio_format, self._effects, progress=advance
            )

    def _done(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, UserError) and _is_disk_full(outcome):
            raise outcome
        self.outcomes[index] = outcome
        if run := self._running.pop(index, None):
            run.close()
        self._advances.pop(index).finish()


class _Advance:
    """Moves the bar, which counts bytes of input, by the frames read of one file."""

    def __init__(self, bar: tqdm, task: Task) -> None:
        frames = task.audio_format.frames
        self._bar = bar
        self._left = float(task.bytes_in)
        self._bytes_per_frame = task.bytes_in / frames if frames else 0.0

    def __call__(self, frames: int) -> None:
        self._move(min(frames * self._bytes_per_frame, self._left))

    def finish(self) -> None:
        """Move by what is left of the file, whatever it was."""
        self._move(self._left)

    def _move(self, count: float) -> None:
        self._left -= count
        self._bar.update(count)


def _is_disk_full(error: UserError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)

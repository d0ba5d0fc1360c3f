"""Denoise many files and say what became of them."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from enhancement.denoiser import Denoiser
from enhancement.running.effects import Effects
from enhancement.running.inputs import Problem, find_recordings
from enhancement.running.one_file import denoise_file
from enhancement.running.plan import Task, plan_tasks
from prepare_data.errors import UserError
from prepare_data.files import explained

_LISTED = 20


@dataclass(frozen=True)
class Job:
    """What to denoise, into which folder, and how."""

    inputs: tuple[Path, ...]
    out: Path
    effects: Effects
    overwrite: bool


@dataclass
class Report:
    """What became of the files."""

    files: int = 0
    seconds: float = 0.0
    elapsed_seconds: float = 0.0
    kept: int = 0
    as_wav: list[str] = field(default_factory=list)
    turned_down: list[str] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)


def run(job: Job, load: Callable[[], Denoiser]) -> int:
    """Denoise every recording of a job and print a summary.

    Args:
        job: what to do.
        load: gives the model; called only if there is something to denoise.

    Returns:
        0, or 1 if recordings were skipped because of errors.

    Raises:
        UserError: for wrong inputs, a model that cannot be loaded, or a full disk.
    """
    if job.out.exists() and not job.out.is_dir():
        raise UserError(f"--out {job.out} is a file; name a folder.")
    recordings, problems = find_recordings(job.inputs, job.out)
    tasks, unreadable = plan_tasks(recordings, job.out)
    report = Report(skipped=problems + unreadable)
    waiting = [task for task in tasks if job.overwrite or not task.target.exists()]
    report.kept = len(tasks) - len(waiting)
    if waiting:
        with explained(job.out):
            job.out.mkdir(parents=True, exist_ok=True)
        _denoise_all(waiting, load(), job.effects, report)
    print(describe(report, job.out))
    return 1 if report.skipped else 0


def describe(report: Report, out: Path) -> str:
    """Return the summary of a run, a few lines long."""
    lines = [f"denoised {_count(report.files, 'file')} into {out}"]
    if report.files:
        factor = report.elapsed_seconds / report.seconds
        lines[0] += (
            f": {report.seconds / 60:.1f} minutes of sound in {report.elapsed_seconds:.1f} s "
            f"(real-time factor {factor:.3f})"
        )
    if report.kept:
        lines.append(f"kept {_count(report.kept, 'result')} from before; --overwrite replaces them")
    lines += _listed("written as WAV, because their own format cannot be written", report.as_wav)
    lines += _listed("turned down so that nothing clips", report.turned_down)
    lines += _listed("skipped", [f"{path}: {reason}" for path, reason in report.skipped])
    return "\n".join(lines)


def _denoise_all(
    tasks: Sequence[Task], denoiser: Denoiser, effects: Effects, report: Report
) -> None:
    total = sum(task.bytes_in for task in tasks)
    with tqdm(total=total, desc="denoising", unit="B", unit_scale=True, disable=None) as bar:
        for index, task in enumerate(tasks):
            bar.set_postfix_str(f"{index + 1}/{len(tasks)} {task.source.name}")
            try:
                _denoise_one(task, denoiser, effects, report, _Advance(bar, task))
            except UserError as error:
                if _is_disk_full(error):
                    raise
                report.skipped.append((task.source, str(error)))
            bar.n = sum(done.bytes_in for done in tasks[: index + 1])
            bar.refresh()


def _denoise_one(
    task: Task, denoiser: Denoiser, effects: Effects, report: Report, progress: _Advance
) -> None:
    started = time.monotonic()
    with explained(task.target):
        task.target.parent.mkdir(parents=True, exist_ok=True)
        result = denoise_file(
            task.source, task.target, task.audio_format, denoiser, effects, progress=progress
        )
    report.files += 1
    report.seconds += result.seconds
    report.elapsed_seconds += time.monotonic() - started
    if not task.keeps_format:
        report.as_wav.append(f"{task.source} -> {task.target}")
    if result.turned_down_db > 0:
        report.turned_down.append(f"{task.target}: by {result.turned_down_db:.2f} dB")


class _Advance:
    """Moves the bar, which counts bytes of input, by the frames read of one file."""

    def __init__(self, bar: tqdm, task: Task) -> None:
        frames = task.audio_format.frames
        self._bar = bar
        self._bytes_per_frame = task.bytes_in / frames if frames else 0.0

    def __call__(self, frames: int) -> None:
        self._bar.update(frames * self._bytes_per_frame)


def _is_disk_full(error: UserError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def _listed(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    rest = len(items) - _LISTED
    more = [f"  and {rest} more"] if rest > 0 else []
    return [f"{title} ({len(items)}):", *(f"  {item}" for item in items[:_LISTED]), *more]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

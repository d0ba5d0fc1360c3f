"""Denoise many files and say what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from enhancement.denoiser import Denoiser
from enhancement.running.effects import Effects
from enhancement.running.inputs import Problem, find_recordings
from enhancement.running.parallel import denoise_in_processes
from enhancement.running.plan import Task, plan_tasks
from enhancement.running.several import Outcome, denoise_files
from prepare_data.errors import UserError
from prepare_data.files import explained

_LISTED = 20


@dataclass(frozen=True)
class Job:
    """What to denoise, into which folder, and how, in how many processes."""

    inputs: tuple[Path, ...]
    out: Path
    effects: Effects
    overwrite: bool
    jobs: int = 1


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

    def add(self, task: Task, outcome: Outcome) -> None:
        """Add what became of a file."""
        if isinstance(outcome, UserError):
            self.skipped.append((task.source, str(outcome)))
            return
        self.files += 1
        self.seconds += outcome.seconds
        if not task.keeps_format:
            self.as_wav.append(f"{task.source} -> {task.target}")
        if outcome.turned_down_db > 0:
            self.turned_down.append(f"{task.target}: by {outcome.turned_down_db:.2f} dB")


def run(job: Job, load: Callable[[], Denoiser]) -> int:
    """Denoise every recording of a job and print a summary.

    Args:
        job: what to do.
        load: gives the model; called only if there is something to denoise. With several jobs it
            is called in each process, and must be what can be pickled.

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
        outcomes, report.elapsed_seconds = _denoised(waiting, load, job)
        for task, outcome in zip(waiting, outcomes, strict=True):
            report.add(task, outcome)
    print(describe(report, job.out))
    return 1 if report.skipped else 0


def _denoised(
    tasks: Sequence[Task], load: Callable[[], Denoiser], job: Job
) -> tuple[list[Outcome], float]:
    """Return what became of each, and the seconds it took, with several jobs loading included."""
    jobs = min(job.jobs, len(tasks))
    if jobs > 1:
        started = time.monotonic()
        outcomes = denoise_in_processes(tasks, load, job.effects, jobs=jobs)
    else:
        denoiser = load()
        started = time.monotonic()
        outcomes = denoise_files(tasks, denoiser, job.effects)
    return outcomes, time.monotonic() - started


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


def _listed(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    rest = len(items) - _LISTED
    more = [f"  and {rest} more"] if rest > 0 else []
    return [f"{title} ({len(items)}):", *(f"  {item}" for item in items[:_LISTED]), *more]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

"""Denoise several files at once, in processes of which each has a model of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from enhancement.denoiser import Denoiser
from enhancement.pool import results_of
from enhancement.running.effects import Effects
from enhancement.running.plan import Task
from enhancement.running.several import Outcome, denoise_files, progress_bar
from prepare_data.errors import UserError
from prepare_data.workers import usable_cpus

# A process takes so many small files at once: a model may be quicker with several in hand.
_MOST_FILES = 8
_SHARES = 8  # of the work for each process, so that none waits long for the last one
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB")
_models: list[Denoiser] = []  # of this process


@dataclass(frozen=True)
class _Work:
    """Some files, by their places in the list of all, and what is done to them."""

    places: tuple[int, ...]
    tasks: tuple[Task, ...]
    load: Callable[[], Denoiser]
    effects: Effects


def denoise_in_processes(
    tasks: Sequence[Task], load: Callable[[], Denoiser], effects: Effects, *, jobs: int
) -> list[Outcome]:
    """Denoise files, with a progress bar; the results do not depend on the processes.

    Args:
        tasks: what is to become what.
        load: gives the model, in each process once; it must be what can be pickled.
        effects: what is done after denoising.
        jobs: processes.

    Returns:
        What became of each.

    Raises:
        UserError: if the model cannot be loaded, or the disk is full.
        BrokenProcessPool: if one process dies after the other.
    """
    outcomes: dict[int, Outcome] = {}
    total = sum(task.bytes_in for task in tasks)
    with _shared_processors(jobs), progress_bar(total) as bar:
        works = [
            _Work(places, tuple(tasks[place] for place in places), load, effects)
            for places in _groups([task.bytes_in for task in tasks], jobs)
        ]
        for done in results_of(_denoised, works, jobs=jobs, crashed=_died):
            outcomes |= done
            bar.update(sum(tasks[place].bytes_in for place in done))
    return [outcomes[place] for place in range(len(tasks))]


def _groups(sizes: Sequence[int], jobs: int) -> list[tuple[int, ...]]:
    """Put the places of files into groups: the largest first and alone, small ones together."""
    most = sum(sizes) / (jobs * _SHARES)
    groups: list[list[int]] = []
    size = 0
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        if not groups or len(groups[-1]) == _MOST_FILES or size + sizes[place] > most:
            groups.append([])
            size = 0
        groups[-1].append(place)
        size += sizes[place]
    return [tuple(group) for group in groups]


def _denoised(work: _Work) -> dict[int, Outcome]:
    with _stoppable():
        outcomes = denoise_files(work.tasks, _loaded(work.load), work.effects, silent=True)
    return dict(zip(work.places, outcomes, strict=True))


def _died(work: _Work) -> dict[int, Outcome]:
    error = UserError("the process that denoised it died; it may have run out of memory")
    return dict.fromkeys(work.places, error)


def _loaded(load: Callable[[], Denoiser]) -> Denoiser:
    """Return the process's model; a process is for one run."""
    if not _models:
        _models.append(load())
    return _models[0]


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work as errors do, which take unfinished files away."""
    previous = {
        number: signal.signal(number, handler)
        for number, handler in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGTERM, lambda *_: sys.exit(143)),
        )
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _shared_processors(jobs: int) -> Iterator[None]:
    """Let processes that start here have their share of the processors, unless told otherwise."""
    threads = str(max(1, usable_cpus() // jobs))
    names = [f"{library}_NUM_THREADS" for library in _THREADS]
    unset = [name for name in names if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, threads))
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]

"""Which samples make an epoch, in which order, and which of them a process gets.

The samples are one endless stream of seeded permutations of the training set, cut into epochs of a
fixed number of whole batches. What stands at a place of the stream depends on the seed alone, so
that resuming needs one integer and any number of processes sees the same batches.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, get_worker_info

from prepare_data.errors import UserError


@dataclass(frozen=True)
class Share:
    """Which process this is, of how many."""

    rank: int
    processes: int

    def of(self, batch_size: int) -> slice:
        """Return this process's part of a batch over all processes."""
        local = batch_size // self.processes
        return slice(self.rank * local, (self.rank + 1) * local)


@dataclass
class Position:
    """A place between two batches: the epoch, and the batches of it that are done."""

    epoch: int = 0
    batch: int = 0


class EpochBatches(BatchSampler):
    """The batches of indices that a process gets in the epoch where `position` stands.

    Args:
        size: of the training set.
        batch_size: over all processes together.
        steps: batches an epoch.
        seed: of the permutations.
        share: this process's.
        position: where to start; whoever trains moves it from epoch to epoch.
    """

    def __init__(
        self, size: int, batch_size: int, *, steps: int, seed: int, share: Share, position: Position
    ) -> None:
        self.size = size
        self.batch_size = batch_size
        self.drop_last = True
        self.steps = steps
        self.seed = seed
        self.share = share
        self.position = position

    def __iter__(self) -> Iterator[list[int]]:
        first = self.position.epoch * self.steps
        mine = self.share.of(self.batch_size)
        order = _Order(self.size, self.seed)
        for step in range(first + self.position.batch, first + self.steps):
            places = range(step * self.batch_size, (step + 1) * self.batch_size)[mine]
            yield [order.index(place) for place in places]

    def __len__(self) -> int:
        return self.steps


class IterableShare(IterableDataset):
    """A process's items of an iterable data set, an epoch at a time.

    The data set is read from its start every epoch, and again if an epoch is longer; every process
    and every worker reads it all and keeps its part, so a map-style one is better where reading
    costs. A `set_epoch` that it has is called.
    """

    def __init__(
        self,
        items: IterableDataset,
        batch_size: int,
        *,
        steps: int,
        share: Share,
        position: Position,
    ) -> None:
        self.items = items
        self.batch_size = batch_size
        self.steps = steps
        self.share = share
        self.position = position

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        workers, me = (worker.num_workers, worker.id) if worker else (1, 0)
        mine = self.share.of(self.batch_size)
        first = self.position.batch
        for place, item in zip(range(self.steps * self.batch_size), self._endless(), strict=False):
            batch = place // self.batch_size - first
            here = mine.start <= place % self.batch_size < mine.stop
            if batch >= 0 and batch % workers == me and here:
                yield item

    def __len__(self) -> int:
        return self.steps * (self.batch_size // self.share.processes)

    def set_epoch(self, epoch: int) -> None:
        """Tell the data set which epoch begins, where it wants to know."""
        if hasattr(self.items, "set_epoch"):
            self.items.set_epoch(epoch)

    def set_progress(self, progress: float) -> None:
        """Tell the data set how far the run is, where it wants to know."""
        if hasattr(self.items, "set_progress"):
            self.items.set_progress(progress)

    def _endless(self) -> Iterator[Any]:
        while True:
            empty = True
            for item in self.items:
                empty = False
                yield item
            if empty:
                return


class _Order:
    """Places of the stream to indices, with one permutation in memory."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._turn = -1
        self._permutation = np.empty(0, dtype=np.int64)

    def index(self, place: int) -> int:
        turn, rest = divmod(place, self._size)
        if turn != self._turn:
            self._turn = turn
            self._permutation = np.random.default_rng([self._seed, turn]).permutation(self._size)
        return int(self._permutation[rest])


def steps_per_epoch(train: Dataset, samples: int | None, batch_size: int) -> int:
    """Return the whole batches in an epoch, 1 at least.

    Raises:
        UserError: if the training set is empty, or its size is unknown and no number was given.
    """
    size = _size(train)
    if size == 0:
        raise UserError("the training set is empty; make a data set with more samples.")
    if samples is None:
        samples = size
    if samples is None:
        raise UserError("the training set has no size; say what an epoch is: --samples-per-epoch.")
    return max(1, samples // batch_size)


def training_loader(
    train: Dataset,
    batch_size: int,
    *,
    steps: int,
    seed: int,
    share: Share,
    position: Position,
    workers: int,
    collate: Callable[[list[Any]], Any] | None,
    pin_memory: bool,
) -> DataLoader:
    """Return a loader of this process's batches from `position` on."""
    common = _common(seed, workers, collate, pin_memory)
    if isinstance(train, IterableDataset):
        items = IterableShare(train, batch_size, steps=steps, share=share, position=position)
        return DataLoader(items, batch_size // share.processes, **common)
    size = _size(train)
    assert size is not None
    batches = EpochBatches(size, batch_size, steps=steps, seed=seed, share=share, position=position)
    return DataLoader(train, batch_sampler=batches, **common)


def validation_loader(
    val: Dataset,
    batch_size: int,
    *,
    seed: int,
    share: Share,
    workers: int,
    collate: Callable[[list[Any]], Any] | None,
    pin_memory: bool,
) -> DataLoader:
    """Return a loader of this process's part of the validation set, each sample once.

    Raises:
        UserError: if the validation set is empty.
    """
    local = max(1, batch_size // share.processes)
    common = _common(seed, workers, collate, pin_memory)
    if isinstance(val, IterableDataset):
        return DataLoader(_EveryNth(val, share), local, **common)
    size = _size(val)
    if not size:
        raise UserError("the validation set is empty; make a data set with more samples.")
    indices = range(share.rank, size, share.processes)
    return DataLoader(val, local, sampler=indices, **common)


class _EveryNth(IterableDataset):
    """Every n-th item of an iterable data set, n being all workers of all processes."""

    def __init__(self, items: IterableDataset, share: Share) -> None:
        self.items = items
        self.share = share

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        workers, me = (worker.num_workers, worker.id) if worker else (1, 0)
        every = workers * self.share.processes
        first = self.share.rank * workers + me
        for place, item in enumerate(self.items):
            if place % every == first:
                yield item


def _common(
    seed: int, workers: int, collate: Callable[[list[Any]], Any] | None, pin_memory: bool
) -> dict[str, Any]:
    return {
        "num_workers": workers,
        "collate_fn": collate,
        "pin_memory": pin_memory,
        # Its own generator: a loader draws from the global one otherwise, and a resumed run, which
        # makes one loader more, would go on with other random numbers.
        "generator": torch.Generator().manual_seed(seed),
        "worker_init_fn": _leave_signals_to_the_parent,
    }


def _leave_signals_to_the_parent(worker: int) -> None:
    # Ctrl-C reaches the whole process group; the parent still needs its data for the current step.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _size(data: Dataset) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None

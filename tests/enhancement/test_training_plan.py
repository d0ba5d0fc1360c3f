"""Options, schedule and sampling: what a run will do, before it does it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader, Dataset, IterableDataset

from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)
from enhancement.training.sampling import (
    Position,
    Share,
    steps_per_epoch,
    training_loader,
    validation_loader,
)
from enhancement.training.schedule import rate_factor, run_progress
from prepare_data.errors import UserError


def _parsed(*arguments: str, **defaults: Any) -> TrainingOptions:
    parser = argparse.ArgumentParser()
    add_training_arguments(parser, defaults=TrainingOptions(**defaults))
    return training_options(parser.parse_args(arguments))


def test_a_model_has_its_own_defaults() -> None:
    assert _parsed(epochs=7, max_minutes=50.0) == TrainingOptions(epochs=7, max_minutes=50.0)


def test_options_reach_the_dataclass() -> None:
    line = "--out runs/a --max-minutes 5 --batch-size 8 --lr 1e-3 --resume --seed 3 --tensorboard"
    expected = TrainingOptions(
        out=Path("runs/a"),
        max_minutes=5.0,
        batch_size=8,
        lr=1e-3,
        resume=True,
        seed=3,
        tensorboard=True,
    )
    assert _parsed(*line.split()) == expected
    assert _parsed("--resume", "runs/b").resume == Path("runs/b")


@pytest.mark.parametrize(
    "line",
    [
        "--epochs 0",
        "--lr 0",
        "--max-minutes -1",
        "--ema-decay 1",
        "--devices 3",
        "--workers -1",
        "--samples-per-epoch 0",
    ],
)
def test_options_out_of_range_are_one_sentence(line: str) -> None:
    with pytest.raises(UserError, match="--"):
        _parsed(*line.split())


def test_progress_is_the_further_of_steps_and_time() -> None:
    assert run_progress(25, 100, 0.0, None) == 0.25
    assert run_progress(25, 100, 30.0, 1.0) == 0.5
    assert run_progress(75, 100, 30.0, 1.0) == 0.75
    assert run_progress(1, 100, 99.0, 1.0) == 1.0


def test_the_rate_warms_up_and_comes_down_to_nothing() -> None:
    rates = [rate_factor(step / 1000, step, warmup_steps=50) for step in range(1000)]
    top = rates.index(max(rates))
    assert rates[0] == pytest.approx(1 / 50, rel=1e-3)
    assert 40 <= top <= 50
    assert max(rates) > 0.99
    assert all(a > b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-1] < 1e-5


def test_a_short_run_warms_up_in_a_tenth_of_it() -> None:
    rates = [rate_factor(step / 20, step, warmup_steps=1000) for step in range(20)]
    assert max(rates) == rates[2] > 0.9
    assert rate_factor(0.0, 0, warmup_steps=0) == 1.0


class Numbers(Dataset):
    """The numbers below `size`; as a stream it is `NumberStream`."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> int:
        return index


class NumberStream(IterableDataset):
    def __init__(self, size: int) -> None:
        self.size = size

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.size))


def _epoch(
    data: Dataset, *, epoch: int = 0, batch: int = 0, share: Share | None = None, workers: int = 0
) -> list[list[int]]:
    loader: DataLoader = training_loader(
        data,
        4,
        steps=5,
        seed=1,
        share=share or Share(0, 1),
        position=Position(epoch, batch),
        workers=workers,
        collate=None,
        pin_memory=False,
    )
    assert len(loader) == 5
    return [batch.tolist() for batch in loader]


def test_every_sample_comes_equally_often_whatever_an_epoch_is() -> None:
    epochs = [_epoch(Numbers(30), epoch=epoch) for epoch in range(3)]  # 60 samples, twice 30
    drawn = [number for epoch in epochs for batch in epoch for number in batch]
    assert sorted(drawn) == sorted(list(range(30)) * 2)
    assert sorted(drawn[:30]) == list(range(30))
    assert drawn[:30] != drawn[30:]


@pytest.mark.parametrize("data", [Numbers(30), NumberStream(30)])
@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_goes_on_where_it_was_left(data: Dataset, workers: int) -> None:
    whole = _epoch(data)
    assert _epoch(data, batch=2, workers=workers) == whole[2:]


@pytest.mark.parametrize("data", [Numbers(30), NumberStream(7)])
def test_processes_share_each_batch(data: Dataset) -> None:
    whole = _epoch(data, epoch=1)
    first, second = (_epoch(data, epoch=1, share=Share(rank, 2)) for rank in range(2))
    assert [a + b for a, b in zip(first, second, strict=True)] == whole


@pytest.mark.parametrize("data", [Numbers(11), NumberStream(11)])
@pytest.mark.parametrize("workers", [0, 2])
def test_validation_uses_each_sample_once(data: Dataset, workers: int) -> None:
    seen: list[int] = []
    for rank in range(2):
        loader = validation_loader(
            data, 4, seed=0, share=Share(rank, 2), workers=workers, collate=None, pin_memory=False
        )
        seen += [number for batch in loader for number in batch.tolist()]
    assert sorted(seen) == list(range(11))


def test_epochs_are_whole_batches() -> None:
    assert steps_per_epoch(Numbers(30), None, 4) == 7
    assert steps_per_epoch(Numbers(30), 100, 4) == 25
    assert steps_per_epoch(Numbers(3), None, 4) == 1
    assert steps_per_epoch(NumberStream(3), 8, 4) == 2


def test_data_sets_without_samples_or_size_are_refused() -> None:
    with pytest.raises(UserError, match="training set is empty"):
        steps_per_epoch(Numbers(0), 10, 4)
    with pytest.raises(UserError, match="--samples-per-epoch"):
        steps_per_epoch(NumberStream(3), None, 4)

"""A regression network that trains in a blink, for the tests; also a command of its own."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, IterableDataset

from enhancement.checkpoints import Header
from enhancement.training.driver import FitResult, fit
from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)
from enhancement.training.task import TrainingTask
from prepare_data.guard import guarded


class TinyData(Dataset):
    """Points of a smooth function; item `bad`, if any, is NaN."""

    def __init__(self, size: int, seed: int, bad: int | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.inputs = torch.randn(size, 4, generator=generator)
        self.targets = (0.3 * self.inputs.sum(1, keepdim=True)).tanh()
        if bad is not None:
            self.targets[bad] = torch.nan

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"x": self.inputs[index], "y": self.targets[index], "id": f"{index:06d}"}


class TinyStream(IterableDataset):
    """The same points one after the other, without a length."""

    def __init__(self, data: TinyData) -> None:
        self.data = data

    def __iter__(self) -> Any:
        return (self.data[index] for index in range(len(self.data)))


class TinyTask(TrainingTask):
    """Two layers; keeps what each step came to.

    Attributes:
        losses: of the steps, in order.
        ids: of the samples, step by step.
        rates: the learning rate of each step.
    """

    def __init__(self, *, dropout: float = 0.0, width: int = 8, stop_at: int = 0) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(4, width), nn.Tanh(), nn.Dropout(dropout), nn.Linear(width, 1)
        )
        self.losses: list[float] = []
        self.ids: list[list[str]] = []
        self.rates: list[float] = []
        self._stop_at = stop_at

    def loss(self, batch: dict[str, Any]) -> Tensor:
        return (self.network(batch["x"]) - batch["y"]).square().mean()

    def header(self, training: dict[str, Any]) -> Header:
        return Header("tiny", {"width": self.network[0].out_features}, 16_000, training)

    def pictures(self, batch: dict[str, Any]) -> list[tuple[str, list[np.ndarray]]]:
        ramp = np.linspace(0, 1, 32).reshape(4, 8)
        return [(name, [ramp, ramp[::-1]]) for name in batch["id"][:2]]

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        if self.trainer.global_step + 1 == self._stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        loss = super().training_step(batch, batch_idx)
        self.losses.append(self.step_loss)
        self.ids.append(list(batch["id"]))
        self.rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        return loss


def tiny_options(out: Path, **changes: Any) -> TrainingOptions:
    """Three epochs of five steps, in this process."""
    given: dict[str, Any] = {
        "epochs": 3,
        "samples_per_epoch": 20,
        "lr": 0.01,
        "workers": 0,
        "precision": "32-true",
        "quiet": True,
        "out": out,
    }
    return TrainingOptions(**(given | changes))


def tiny_fit(task: TinyTask, options: TrainingOptions) -> FitResult:
    """Train on 32 points, validate on 10."""
    return fit(task, TinyData(32, seed=0), TinyData(10, seed=1), options)


def tiny_task(**changes: Any) -> TinyTask:
    """The same weights every time."""
    torch.manual_seed(0)
    return TinyTask(**changes)


def main() -> int:
    """Train and leave each step's loss in losses.json."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    add_training_arguments(parser, defaults=tiny_options(Path("runs/tiny")))
    options = training_options(parser.parse_args())
    task = tiny_task()
    tiny_fit(task, options)
    if task.global_rank == 0:
        (options.out / "losses.json").write_text(json.dumps(task.losses))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(main, program="tiny"))

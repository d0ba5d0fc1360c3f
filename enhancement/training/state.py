"""Where a run stands: what resume.ckpt holds besides Lightning's own state, and how it is read."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch

from enhancement.training.sampling import Position
from prepare_data.errors import UserError
from prepare_data.files import explained

KEY = "enhancement"
RESUME = "resume.ckpt"


@dataclass
class RunState:
    """Where a run stands.

    Attributes:
        steps: batches an epoch.
        position: the next batch.
        loss_sum: of the training losses of the epoch so far.
        seconds: spent in earlier sessions.
        finished: whether the run came to its end, by epochs or by time.
        random: the states of the random generators to go on with, one entry a process.
        saved_step: the optimiser's step in the last resume.ckpt; None before there is one.
    """

    steps: int
    position: Position = field(default_factory=Position)
    loss_sum: float = 0.0
    seconds: float = 0.0
    finished: bool = False
    random: list[dict[str, Any]] = field(default_factory=list)
    saved_step: int | None = None
    _began: float | None = None

    def start_clock(self) -> None:
        """Count time from now on."""
        self._began = monotonic()

    def elapsed(self) -> float:
        """Return the seconds spent in training, over all sessions."""
        return self.seconds + (0.0 if self._began is None else monotonic() - self._began)

    def place(self) -> int:
        """Return how many batches of the whole run lie before the next one."""
        return self.position.epoch * self.steps + self.position.batch

    def plain(self, trainer: pl.Trainer) -> dict[str, Any]:
        """Return the state as plain types and tensors; every process must call it."""
        return {
            "epoch": self.position.epoch,
            "batch": self.position.batch,
            "loss_sum": self.loss_sum,
            "seconds": self.elapsed(),
            "finished": self.finished,
            "steps": self.steps,
            "random": _of_all(trainer, _random_state()),
        }

    def take(self, plain: dict[str, Any], step: int) -> None:
        """Go on from a saved state, at this step of the optimiser."""
        self.position = Position(plain["epoch"], plain["batch"])
        self.loss_sum = plain["loss_sum"]
        self.seconds = plain["seconds"]
        self.finished = plain["finished"]
        self.random = plain["random"]
        self.saved_step = step

    def restore_random(self, rank: int) -> None:
        """Set the random generators as they were; once, and not in a new run."""
        if rank < len(self.random):
            _set_random_state(self.random[rank])
        self.random = []


def read_resume(path: Path) -> dict[str, Any]:
    """Read a resume.ckpt, tensors and plain types only.

    Raises:
        UserError: if it is missing, damaged or another kind of file.
    """
    if not path.is_file():
        raise UserError(f"there is nothing to resume: {path} is missing; leave out --resume.")
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # torch.load documents no list of what it raises for a damaged file
        content = None
    if not isinstance(content, dict) or KEY not in content:
        raise UserError(
            f"{path} is damaged or no resume.ckpt of this program; start again without --resume, "
            "or from the run's weights with --init."
        )
    return content


def save_resume(trainer: pl.Trainer, path: Path) -> None:
    """Write resume.ckpt, whole or not at all; every process must call it.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with explained(path):
        try:
            trainer.save_checkpoint(partial)
            if trainer.is_global_zero:
                os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def _random_state() -> dict[str, Any]:
    version, numbers, gauss = random.getstate()
    # The global generator is saved for the sake of other people's code that draws from it.
    name, keys, place, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [name, np.asarray(keys).tolist(), int(place), int(has_gauss), float(cached)],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
    }


def _set_random_state(state: dict[str, Any]) -> None:
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _of_all(trainer: pl.Trainer, own: dict[str, Any]) -> list[dict[str, Any]]:
    if trainer.world_size == 1:
        return [own]
    everyones: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(everyones, own)
    return everyones

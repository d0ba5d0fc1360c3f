"""What a person sees of a run: a bar, the expected end, a line an epoch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
from tqdm import tqdm

from enhancement.training.history import Epoch
from enhancement.training.options import TrainingOptions
from enhancement.training.schedule import run_progress
from enhancement.training.state import RunState
from enhancement.training.task import TrainingTask

# The estimate is made over these steps after the first one, which is slower than the others.
_STEPS_TO_JUDGE = 10
_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"


class Display(pl.Callback):
    """Shows how training goes on; the bar only on a terminal and without --quiet.

    Args:
        options: of the run.
        state: where the run stands.
    """

    def __init__(self, options: TrainingOptions, state: RunState) -> None:
        self._options = options
        self._state = state
        self._total = options.epochs * state.steps
        self._bar: tqdm | None = None
        self._seen = 0
        self._first = (0.0, 0.0)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the bar."""
        if trainer.is_global_zero:
            self._bar = tqdm(
                total=self._total,
                initial=self._state.place(),
                disable=True if self._options.quiet else None,
                unit="step",
                bar_format=_BAR,
                dynamic_ncols=True,
            )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: TrainingTask, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar, and say once how long the run will take."""
        if self._bar is None:
            return
        self._seen += 1
        self._bar.update()
        if self._seen == 1:
            self._first = (self._state.elapsed(), self._progress())
        if self._seen == 1 + _STEPS_TO_JUDGE and not self._options.quiet:
            self._say(f"about {_duration(self._estimate())} in all, validation not counted")
        if trainer.global_step % self._options.log_every == 0:
            self._show(trainer, pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say why the bar stands still."""
        if self._bar is not None:
            self._bar.set_description_str("validating")

    def epoch_done(self, trainer: pl.Trainer, epoch: Epoch, *, best: bool) -> None:
        """Print an epoch's line."""
        self._say(
            f"epoch {epoch.epoch}/{self._options.epochs}  step {epoch.step}  "
            f"{epoch.minutes:.1f} min  lr {epoch.lr:.1e}  train {epoch.train_loss:.5g}  "
            f"val {epoch.val_loss:.5g}{'  best' if best else ''}"
        )
        _log(trainer, {"train_loss": epoch.train_loss, "val_loss": epoch.val_loss})

    def close(self) -> None:
        """Close the bar, however training ended."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show(self, trainer: pl.Trainer, task: TrainingTask) -> None:
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        _log(trainer, {"step_loss": task.step_loss, "lr": rate})
        assert self._bar is not None
        left = _duration(max(0.0, self._estimate() - self._state.elapsed()))
        self._bar.set_description_str(
            f"epoch {self._state.position.epoch + 1}/{self._options.epochs}", refresh=False
        )
        self._bar.set_postfix_str(
            f"loss {task.step_loss:.4g}, lr {rate:.1e}, {left} left", refresh=False
        )

    def _progress(self) -> float:
        return run_progress(
            self._state.place(), self._total, self._state.elapsed(), self._options.max_minutes
        )

    def _estimate(self) -> float:
        """Return the seconds of the whole run, from the pace of this process since its start."""
        seconds, progress = self._first
        gained = self._progress() - progress
        if gained <= 0:
            return self._state.elapsed()
        return seconds + (self._state.elapsed() - seconds) / gained * (1 - progress)

    def _say(self, line: str) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.write(line, file=sys.stdout)
        else:
            print(line, flush=True)


def _log(trainer: pl.Trainer, values: Mapping[str, float]) -> None:
    for logger in trainer.loggers:
        logger.log_metrics(dict(values), step=trainer.global_step)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

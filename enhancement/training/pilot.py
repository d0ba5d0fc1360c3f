"""The callback that steers a run: learning rate, place, time, saving and stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from enhancement.training.options import TrainingOptions
from enhancement.training.schedule import rate_factor, run_progress
from enhancement.training.signals import Stopped, StopSignals
from enhancement.training.state import KEY, RESUME, RunState, save_resume
from enhancement.training.task import NonFiniteLoss, TrainingTask

# Against power cuts and SIGKILL, which give no chance to save.
_SAVE_EVERY_SECONDS = 600.0


class Pilot(pl.Callback):
    """Steers a run.

    It must stand after the averaging callback, so that what is saved after a step holds the average
    of that step.

    Args:
        options: of the run.
        state: where the run stands; kept up to date here.
        signals: Ctrl-C and SIGTERM.

    Attributes:
        out_of_time: whether `max_minutes` are over.
        stopped_early: whether they were over before the epochs were.
    """

    def __init__(self, options: TrainingOptions, state: RunState, signals: StopSignals) -> None:
        self._options = options
        self._state = state
        self._signals = signals
        self._path: Path = options.out / RESUME
        self._total = options.epochs * state.steps
        self._saved_at = 0.0
        self._seconds = state.seconds
        self.out_of_time = False
        self.stopped_early = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over from Lightning and go on with the random numbers of a saved run."""
        self._signals.listen()
        self._state.restore_random(trainer.global_rank)
        self._state.start_clock()
        self._saved_at = self._seconds

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: TrainingTask, batch: Any, batch_idx: int
    ) -> None:
        """Set the learning rate."""
        place = self._state.place()
        progress = run_progress(place, self._total, self._seconds, self._options.max_minutes)
        factor = rate_factor(progress, place, self._options.warmup_steps)
        groups = trainer.optimizers[0].param_groups
        for group, rate in zip(groups, pl_module.base_rates, strict=True):
            group["lr"] = rate * factor

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: TrainingTask, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the step; save, stop or end where it is time to."""
        state = self._state
        state.position.batch += 1
        state.loss_sum += pl_module.step_loss
        self._seconds, number = self._agreed(trainer)
        # Lightning cannot be resumed between the last step of an epoch and its validation. What is
        # saved one step earlier can: the resumed run repeats that step and then validates.
        last = state.position.batch == state.steps
        if not last and (number or self.out_of_time or self._is_due()):
            self._save(trainer)
        if number:
            raise Stopped(number)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Stop within a validation if asked to; several processes stop after it, all together."""
        if self._signals.number and trainer.world_size == 1:
            raise Stopped(self._signals.number)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell the training set which epoch begins and how far the run is, where it asks."""
        data = trainer.train_dataloader.dataset
        set_epoch(data, self._state.position.epoch)
        set_progress(data, epoch_progress(self._state, self._options, self._seconds))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Move on to the next epoch and save; the epoch is validated and written by now."""
        state = self._state
        self._seconds, number = self._agreed(trainer)
        whole = state.position.batch == state.steps
        state.position.epoch += 1
        state.position.batch = 0
        state.loss_sum = 0.0
        all_epochs = state.position.epoch >= self._options.epochs
        state.finished = self.out_of_time or all_epochs
        self.stopped_early = self.out_of_time and not (whole and all_epochs)
        self._save(trainer)
        if number and not state.finished:
            raise Stopped(number)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the run's own state beside Lightning's."""
        options = self._options
        checkpoint[KEY] = {
            **self._state.plain(trainer),
            "batch_size": options.batch_size,
            "seed": options.seed,
            "precision": options.precision,
        }

    def _is_due(self) -> bool:
        before_last = self._state.position.batch == self._state.steps - 1
        return before_last or self._seconds - self._saved_at >= _SAVE_EVERY_SECONDS

    def _save(self, trainer: pl.Trainer) -> None:
        weights = trainer.lightning_module.parameters()
        if not all(bool(torch.isfinite(weight).all()) for weight in weights):
            raise NonFiniteLoss("the weights are", trainer.global_step, [])
        save_resume(trainer, self._path)
        self._state.saved_step = trainer.global_step
        self._saved_at = self._seconds

    def _agreed(self, trainer: pl.Trainer) -> tuple[float, int]:
        """Return the seconds spent and the signal that came, the same on every process.

        When time is over, Lightning is told to validate and end.
        """
        seconds, number = self._state.elapsed(), self._signals.number
        if trainer.world_size > 1:
            device = trainer.lightning_module.device
            shared = torch.tensor([seconds, float(number)], device=device)
            seconds, highest = trainer.strategy.reduce(shared, reduce_op="max").tolist()
            number = int(highest)
        limit = self._options.max_minutes
        self.out_of_time = limit is not None and seconds >= 60 * limit
        trainer.should_stop = self.out_of_time
        return seconds, number


def epoch_progress(state: RunState, options: TrainingOptions, seconds: float) -> float:
    """Return how far a run was when its epoch began, or by time is now, from 0 to 1.

    Without a limit of time a resumed run thus gets what it would have got.
    """
    epochs = state.position.epoch
    return run_progress(epochs, options.epochs, seconds, options.max_minutes)


def set_progress(data: Any, progress: float) -> None:
    """Call a data set's `set_progress`, if it has one."""
    if hasattr(data, "set_progress"):
        data.set_progress(progress)


def set_epoch(data: Any, epoch: int) -> None:
    """Call a data set's `set_epoch`, if it has one."""
    if hasattr(data, "set_epoch"):
        data.set_epoch(epoch)

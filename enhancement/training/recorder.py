"""What an epoch leaves on disk: history, checkpoints, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from enhancement.checkpoints import save_weights
from enhancement.training.display import Display
from enhancement.training.history import Epoch, History
from enhancement.training.pictures import write_loss, write_samples
from enhancement.training.state import RunState
from enhancement.training.task import TrainingTask

BEST = "best.safetensors"
LAST = "last.safetensors"


class Recorder(pl.Callback):
    """Writes what an epoch came to.

    It must stand before the averaging callback: at the end of a validation the network then still
    holds the averaged weights, which are the ones to keep and to look at.

    Args:
        folder: the run's.
        state: where the run stands.
        history: of the run.
        display: prints the epoch's line.
    """

    def __init__(self, folder: Path, state: RunState, history: History, display: Display) -> None:
        self._folder = folder
        self._state = state
        self._history = history
        self._display = display
        self._batch: dict[str, Any] | None = None

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: TrainingTask,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first batch for the pictures."""
        if batch_idx == 0:
            self._batch = batch

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: TrainingTask) -> None:
        """Write the epoch."""
        val_loss = pl_module.validation_loss()  # a collective: all processes take part
        batch, self._batch = self._batch, None
        if not trainer.is_global_zero:
            return
        best = val_loss < self._history.best_loss()
        epoch = self._epoch(trainer, val_loss)
        weights = pl_module.network.state_dict()
        header = pl_module.header(vars(epoch))
        if best:
            save_weights(self._folder / BEST, weights, header)
        save_weights(self._folder / LAST, weights, header)
        self._history.add(epoch)
        write_loss(self._folder / "loss.png", self._history.epochs)
        if batch is not None:
            write_samples(self._folder / "samples.png", pl_module.pictures(batch))
        self._display.epoch_done(trainer, epoch, best=best)

    def _epoch(self, trainer: pl.Trainer, val_loss: float) -> Epoch:
        state = self._state
        return Epoch(
            epoch=state.position.epoch + 1,
            step=trainer.global_step,
            minutes=round(state.elapsed() / 60, 3),
            lr=trainer.optimizers[0].param_groups[0]["lr"],
            train_loss=state.loss_sum / state.position.batch,
            val_loss=val_loss,
        )

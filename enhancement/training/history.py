"""history.csv: a line an epoch."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from prepare_data.errors import UserError
from prepare_data.files import write_whole

NAME = "history.csv"


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to.

    Attributes:
        epoch: from 1.
        step: of the optimiser, at its end.
        minutes: since the run began, over all sessions.
        lr: the learning rate of the last step.
        train_loss: mean over the epoch's steps.
        val_loss: of the averaged weights.
    """

    epoch: int
    step: int
    minutes: float
    lr: float
    train_loss: float
    val_loss: float


class History:
    """The epochs of a run, in memory and in history.csv.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.epochs: list[Epoch] = []

    def read(self, path: Path, *, before: int) -> None:
        """Take over the first epochs of a history, those that a resumed run will not do again.

        Raises:
            UserError: if the file is damaged.
        """
        if not path.is_file():
            return
        try:
            with path.open(newline="") as file:
                epochs = [_epoch(row) for row in csv.DictReader(file)]
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise UserError(f"{path} is damaged; move it away and resume again.") from error
        self.epochs = [epoch for epoch in epochs if epoch.epoch <= before]

    def best_loss(self) -> float:
        """Return the lowest validation loss so far; infinite before the first epoch."""
        return min((epoch.val_loss for epoch in self.epochs), default=float("inf"))

    def add(self, epoch: Epoch) -> None:
        """Add an epoch and write the file.

        Raises:
            UserError: if the file cannot be written.
        """
        self.epochs.append(epoch)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(field.name for field in fields(Epoch))
        writer.writerows(astuple(epoch) for epoch in self.epochs)
        write_whole(self.path, text.getvalue().encode())


def _epoch(row: dict[str, str]) -> Epoch:
    return Epoch(
        epoch=int(row["epoch"]),
        step=int(row["step"]),
        minutes=float(row["minutes"]),
        lr=float(row["lr"]),
        train_loss=float(row["train_loss"]),
        val_loss=float(row["val_loss"]),
    )

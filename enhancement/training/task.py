"""What a model brings to its training: a network, a loss, a header and pictures."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor, nn

from enhancement.checkpoints import Header, load_strictly


class NonFiniteLoss(Exception):
    """A loss, or the weights, became NaN or infinite.

    Attributes:
        what: for instance "the training loss is".
        step: of the optimiser, from 1.
        ids: of the samples in the batch; empty if no batch is to blame.
    """

    def __init__(self, what: str, step: int, ids: list[str]) -> None:
        super().__init__(f"{what} not finite at step {step}")
        self.what = what
        self.step = step
        self.ids = ids


class TrainingTask(pl.LightningModule):
    """The base of a model's training.

    A subclass sets `self.network` and implements `loss` and `header`. A batch is a dict of tensors
    with the samples' names, list[str], under "id".

    Attributes:
        network: what is trained and saved.
        step_loss: the last training step's loss, over all processes.
        base_rates: the highest learning rate of each group of parameters.
    """

    network: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self.step_loss = float("nan")
        self.base_rates: list[float] = []
        self._lr = 1e-3
        self._weight_decay = 0.0
        self._validation: list[tuple[float, int]] = []

    @abstractmethod
    def loss(self, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch, the mean over its samples: a scalar."""

    @abstractmethod
    def header(self, training: dict[str, Any]) -> Header:
        """Return what a checkpoint of this model says, with this summary of its training."""

    def start_from(
        self, weights: Mapping[str, Tensor], source: str | Path, config: Mapping[str, Any]
    ) -> None:
        """Take weights over that the run begins with.

        Args:
            weights: of the network.
            source: where they are from, for the error.
            config: the sizes of the network that they are of, if its checkpoint says them.

        Raises:
            UserError: if they do not fit the network.
        """
        load_strictly(self.network, weights, source)

    def parameter_groups(self, weight_decay: float, lr: float) -> list[dict[str, Any]]:
        """Return the groups of parameters for AdamW; vectors and scalars do not decay."""
        matrices = [p for p in self.network.parameters() if p.requires_grad and p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [
            {"params": matrices, "lr": lr, "weight_decay": weight_decay},
            {"params": vectors, "lr": lr, "weight_decay": 0.0},
        ]
        return [group for group in groups if group["params"]]

    def pictures(self, batch: dict[str, Any]) -> list[tuple[str, list[np.ndarray]]]:
        """Return what to look at of a validation batch; nothing by default.

        Returns:
            For each of a few samples a caption and grey pictures, values in [0, 1] with 1 white, of
            shape (height, width), for instance noisy, predicted and true.
        """
        return []

    def optimise_with(self, *, lr: float, weight_decay: float) -> None:
        """Set what the optimiser will be made with."""
        self._lr = lr
        self._weight_decay = weight_decay

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW over the parameter groups (Loshchilov and Hutter 2019)."""
        groups = self.parameter_groups(self._weight_decay, self._lr)
        self.base_rates = [group.get("lr", self._lr) for group in groups]
        return torch.optim.AdamW(groups, lr=self._lr, weight_decay=self._weight_decay)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return a batch's loss.

        Raises:
            NonFiniteLoss: on every process, if it is not finite on one of them.
        """
        loss = self.loss(batch)
        # The mean over the processes: a NaN of one of them stops them all, rather than leave the
        # others waiting for its gradients. A clone, because reducing works in place.
        mean = self.trainer.strategy.reduce(loss.detach().clone(), reduce_op="mean")
        self.step_loss = float(mean)
        if not math.isfinite(self.step_loss):
            step = self.trainer.global_step + 1
            raise NonFiniteLoss("the training loss is", step, self._ids_of_all(batch, loss))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Forget the losses of the last validation."""
        self._validation = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Take note of a batch's loss and size.

        Raises:
            NonFiniteLoss: if it is not finite.
        """
        loss = float(self.loss(batch))
        if not math.isfinite(loss):
            step = self.trainer.global_step
            raise NonFiniteLoss("the validation loss is", step, list(batch["id"]))
        self._validation.append((loss, len(batch["id"])))

    def validation_loss(self) -> float:
        """Return the mean loss over the validation samples of all processes."""
        total = sum(loss * size for loss, size in self._validation)
        sums = torch.tensor([total, sum(size for _, size in self._validation)], device=self.device)
        total, size = self.trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        return total / size

    def _ids_of_all(self, batch: dict[str, Any], loss: Tensor) -> list[str]:
        ids = [] if torch.isfinite(loss) else list(batch["id"])
        if self.trainer.world_size == 1:
            return ids
        everyones: list[list[str]] = [[] for _ in range(self.trainer.world_size)]
        torch.distributed.all_gather_object(everyones, ids)
        return [name for part in everyones for name in part]

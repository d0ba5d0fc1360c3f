"""Lightning's Trainer for a run, and the averaging of weights."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from enhancement.training.options import TrainingOptions
from prepare_data.errors import UserError


def build_trainer(options: TrainingOptions, callbacks: list[pl.Callback]) -> pl.Trainer:
    """Build Lightning's Trainer for a run.

    Raises:
        UserError: if there are fewer devices than asked for, or TensorBoard is not installed.
    """
    several = options.devices * options.nodes > 1
    present = torch.cuda.device_count() if torch.cuda.is_available() else options.devices
    if options.devices > present:
        raise UserError(f"--devices is {options.devices}, but this machine has {present}.")
    return pl.Trainer(
        accelerator="auto",
        strategy="ddp" if several else "auto",  # gloo between processes without an accelerator
        devices=options.devices,
        num_nodes=options.nodes,
        precision=options.precision,
        max_epochs=options.epochs,
        gradient_clip_val=options.grad_clip or None,
        callbacks=callbacks,
        logger=_tensorboard(options) if options.tensorboard else False,
        log_every_n_steps=options.log_every,
        default_root_dir=options.out,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def averaging(decay: float) -> WeightAveraging:
    """Return the callback that averages weights exponentially.

    The decay starts low and rises to `decay`, min(decay, (1 + n) / (10 + n)) at step n, so that the
    average of a short run is not made of its first weights; Lightning's `EMAWeightAveraging`, of
    the same base class, has a constant one.
    """

    def average(averaged: list[Tensor], current: list[Tensor], steps: Tensor | int) -> None:
        count = int(steps)
        warm = min(decay, (1 + count) / (10 + count))
        get_ema_multi_avg_fn(warm)(averaged, current, steps)

    return WeightAveraging(multi_avg_fn=average)


def _tensorboard(options: TrainingOptions) -> Any:
    if find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs TensorBoard; install it: pip install tensorboard.")
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(save_dir=options.out, name="", version="tensorboard")

"""`python -m waveform_unet_lru train`: train a waveform model on the recordings of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)
from prepare_data.errors import UserError

if TYPE_CHECKING:
    from waveform_unet_lru.dataset import WaveformPairs

SUMMARY = "train on the recordings of a data set"
_TO_BALANCE = 16  # recordings that the first weights are made for
_MODELS = ("unet-lru",)
_LOSSES = ("mse", "spectral", "multi")
_DEFAULTS = TrainingOptions(out=Path("runs/unet-lru"), batch_size=8, lr=1e-3)
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    parser.description = (
        "Train a network with a Linear Recurrent Unit to predict the voice from the noisy voice, "
        "waveform to waveform."
    )
    parser.add_argument(
        "--model", choices=_MODELS, default=_MODELS[0], help="which (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/processed"),
        metavar="DIR",
        help="data set, from python -m prepare_data (default: %(default)s)",
    )
    parser.add_argument(
        "--loss",
        choices=_LOSSES,
        default="multi",
        help="what to make small: the squared error of the waveform, that of STFT magnitudes "
        "(phases are then free), or SNR and compressed spectra together (default: %(default)s)",
    )
    parser.add_argument(
        "--features",
        type=int,
        nargs="+",
        default=(16, 32, 64, 128),
        metavar="N",
        help="channels of the network's levels (default: 16 32 64 128, as published)",
    )
    parser.add_argument(
        "--segment-seconds",
        type=float,
        default=1.0,
        metavar="S",
        help="length of the random stretches that it trains on (default: %(default)s)",
    )
    add_training_arguments(parser, defaults=_DEFAULTS)


def command(namespace: argparse.Namespace) -> int:
    """Run `train`.

    Raises:
        UserError: for wrong options or data.
    """
    options = training_options(namespace)
    if not _SHORTEST_SECONDS <= namespace.segment_seconds <= _LONGEST_SECONDS:
        raise UserError(
            f"--segment-seconds is {namespace.segment_seconds}; it must be {_SHORTEST_SECONDS} to "
            f"{_LONGEST_SECONDS}."
        )
    if min(namespace.features) < 1:
        raise UserError(f"--features holds {min(namespace.features)}; 1 or more is wanted.")

    import torch
    from lightning.pytorch.utilities import rank_zero_only

    from enhancement.training.driver import fit
    from waveform_unet_lru.start import start_from_input
    from waveform_unet_lru.task import WaveformTask

    train, val = (_pairs(namespace, split, options.seed) for split in ("train", "val"))
    if val.sample_rate != train.sample_rate:
        raise UserError(
            f"{namespace.data} has {train.sample_rate} Hz in train and {val.sample_rate} in val; "
            "both need the same."
        )
    torch.manual_seed(options.seed)
    task = WaveformTask(namespace.features, loss=namespace.loss, sample_rate=train.sample_rate)
    few = [train[index]["noisy"] for index in range(min(_TO_BALANCE, len(train)))]
    start_from_input(task.network, torch.stack(few))
    result = fit(task, train, val, options)
    if rank_zero_only.rank == 0:
        print(
            f"Denoise with it: python -m waveform_unet_lru denoise --model {result.best.parent} "
            "FILE"
        )
    return 0


def _pairs(namespace: argparse.Namespace, split: str, seed: int) -> WaveformPairs:
    from waveform_unet_lru.dataset import WaveformPairs

    folder = namespace.data / split / "audio"
    return WaveformPairs(folder, segment_seconds=namespace.segment_seconds, seed=seed)

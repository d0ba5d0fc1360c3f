"""`python -m spectrogram_unet train`: train the U-Net on the pictures of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)

if TYPE_CHECKING:
    from spectrogram_unet.geometry import Geometry

SUMMARY = "train on the pictures of a data set"
_DEFAULTS = TrainingOptions(out=Path("runs/spectrogram-unet"))
_ACCELERATOR_CHANNELS = 64
_CPU_CHANNELS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    parser.description = "Train the spectrogram U-Net to predict the noise picture."
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("data/processed"),
        metavar="DIR",
        help="data set with pictures, from python -m prepare_data (default: %(default)s)",
    )
    parser.add_argument(
        "--base-channels",
        type=int,
        metavar="N",
        help="width of the network (default: "
        f"{_ACCELERATOR_CHANNELS} on an accelerator, {_CPU_CHANNELS} on a CPU)",
    )
    parser.add_argument(
        "--crop-frames",
        type=int,
        metavar="N",
        help="train on random stretches of so many frames, a multiple of 16 (default: all 512)",
    )
    parser.add_argument(
        "--loudness-power",
        type=float,
        default=6.0,
        metavar="P",
        help="power of a pixel's darkness by which it counts in the loss; 0 counts all alike "
        "(default: %(default)s)",
    )
    add_training_arguments(parser, defaults=_DEFAULTS)


def command(namespace: argparse.Namespace) -> int:
    """Run `train`.

    Raises:
        UserError: for wrong options or data.
    """
    options = training_options(namespace)

    import torch
    from lightning.pytorch.utilities import rank_zero_only

    from enhancement.training.driver import fit
    from spectrogram_unet.dataset import PicturePairs
    from spectrogram_unet.task import SpectrogramTask

    folders = {split: namespace.data / split / "spectrogram" for split in ("train", "val")}
    train = PicturePairs(folders["train"], crop_frames=namespace.crop_frames, seed=options.seed)
    val = PicturePairs(folders["val"])
    torch.manual_seed(options.seed)
    task = SpectrogramTask(
        namespace.base_channels or _default_channels(),
        geometry_of(train.first_picture()),
        loudness_power=namespace.loudness_power,
    )
    task.balance(torch.stack([train[index]["noisy"] for index in range(min(8, len(train)))]))
    result = fit(task, train, val, options)
    if rank_zero_only.rank == 0:
        print(
            f"Denoise with it: python -m spectrogram_unet denoise --model {result.best.parent} FILE"
        )
    return 0


def geometry_of(picture: Path) -> Geometry:
    """Return how sound became this picture, as the picture itself says.

    Raises:
        UserError: if it does not say so.
    """
    from prepare_data.picture import read_picture
    from prepare_data.settings import PICTURE_SIZE
    from spectrogram_unet.geometry import Geometry

    _, scale = read_picture(picture)
    return Geometry(
        sample_rate=scale.sample_rate,
        n_fft=scale.n_fft,
        hop_length=scale.hop_length,
        frames=scale.frames or PICTURE_SIZE,
        picture_scale=scale.scale,
    )


def _default_channels() -> int:
    import torch

    return _ACCELERATOR_CHANNELS if torch.cuda.is_available() else _CPU_CHANNELS

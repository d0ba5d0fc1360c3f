"""Pictures in pairs, noisy voice and noise, as the network reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from enhancement.pairing import paired_files
from prepare_data.errors import UserError
from prepare_data.settings import PICTURE_SIZE
from spectrogram_unet.network import MULTIPLE

_KINDS = ("noisy_voice", "noise")
_SUFFIXES = frozenset({".png"})


class SpectrogramDataset(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of pictures in `root_path/noisy_voice` and `root_path/noise` that have the same name.

    An item is (noisy, noise), two float32 tensors of shape (1, 512, 512) in [0, 1], greys as they
    are in the files: 0 is black, which is loud. Pictures of other sizes are resized.

    Args:
        root_path: the folder with `noisy_voice` and `noise`, PNG files in each.

    Attributes:
        names: of the pairs, sorted: file names without the suffix.

    Warns:
        UserWarning: that names pictures without a partner; they are left out.

    Raises:
        UserError: if a folder is missing or there is no pair.
    """

    def __init__(self, root_path: str | Path) -> None:
        self.root_path = Path(root_path)
        pairs = paired_files(self.root_path, _KINDS, suffixes=_SUFFIXES, what="PNG pictures")
        self.names = [noisy.stem for noisy, _ in pairs]
        self._files = {
            noisy.stem: dict(zip(_KINDS, (noisy, noise), strict=True)) for noisy, noise in pairs
        }

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        name = self.names[index]
        noisy, noise = self.greys(name)
        return _in_unit_range(noisy), _in_unit_range(noise)

    def greys(self, name: str) -> tuple[Tensor, Tensor]:
        """Return the noisy and the noise picture of this name, uint8 of shape (1, 512, 512)."""
        return _read(self.path("noisy_voice", name)), _read(self.path("noise", name))

    def path(self, kind: str, name: str) -> Path:
        """Return the file of a "noisy_voice" or "noise" picture."""
        return self._files[name][kind]


@dataclass(frozen=True)
class _Crop:
    """Which frames of a picture: a random stretch of so many, drawn by a seed."""

    frames: int
    seed: int

    def start(self, width: int, epoch: int, index: int) -> int:
        # Drawn by its place alone, so that a resumed run sees the same crops.
        generator = np.random.default_rng([self.seed, epoch, index])
        return int(generator.integers(width - self.frames + 1))


class PicturePairs(Dataset[dict[str, Any]]):
    """Pairs of pictures for training: dicts with "id", "noisy" and "noise".

    Args:
        root_path: as for `SpectrogramDataset`.
        crop_frames: how many of a picture's columns an item has, a random stretch that is another
            one each epoch; None for all of them. A multiple of 16.
        seed: of the crops.

    Raises:
        UserError: as `SpectrogramDataset` does, or for a crop that the network cannot read.
    """

    def __init__(
        self, root_path: str | Path, *, crop_frames: int | None = None, seed: int = 0
    ) -> None:
        self._pictures = SpectrogramDataset(root_path)
        self._crop = None if crop_frames is None else _Crop(_fitting(crop_frames), seed)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; its crops are others."""
        self._epoch = epoch

    def first_picture(self) -> Path:
        """Return the file of the first noisy picture."""
        return self._pictures.path("noisy_voice", self._pictures.names[0])

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> dict[str, Any]:
        name = self._pictures.names[index]
        noisy, noise = self._pictures.greys(name)
        if self._crop is not None:
            start = self._crop.start(noisy.shape[-1], self._epoch, index)
            columns = slice(start, start + self._crop.frames)
            noisy, noise = noisy[..., columns], noise[..., columns]
        return {"id": name, "noisy": _in_unit_range(noisy), "noise": _in_unit_range(noise)}


def _read(path: Path) -> Tensor:
    try:
        with Image.open(path) as image:
            greys = np.array(image.convert("L"))
    except OSError as error:
        raise UserError(f"{path} cannot be read as a picture: {error}.") from error
    picture = torch.from_numpy(greys)[None]
    if greys.shape != (PICTURE_SIZE, PICTURE_SIZE):
        picture = _resized(picture)
    return picture


def _in_unit_range(greys: Tensor) -> Tensor:
    return greys.to(torch.float32) / 255


def _resized(picture: Tensor) -> Tensor:
    from torchvision.transforms import v2

    return v2.functional.resize(picture, [PICTURE_SIZE, PICTURE_SIZE], antialias=True)


def _fitting(frames: int) -> int:
    if not 0 < frames <= PICTURE_SIZE or frames % MULTIPLE:
        raise UserError(
            f"--crop-frames is {frames}; a multiple of {MULTIPLE} up to {PICTURE_SIZE} is wanted."
        )
    return frames

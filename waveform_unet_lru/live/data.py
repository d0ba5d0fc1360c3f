"""Mixtures to train on without end: what is to be mixed, and the numbers that say how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from prepare_data.random_numbers import generator
from waveform_unet_lru.live.augment import filter_numbers
from waveform_unet_lru.live.draws import Draw, Ranges, draw_mixture
from waveform_unet_lru.live.material import (
    Material,
    PackMaterial,
    SetMaterial,
    babble,
    two_noises,
)

_LONG_FROM = 0.8  # of the run


class Mixtures(Dataset[dict[str, Any]]):
    """Voices and noises, cut and ready to be filtered and mixed on the device.

    An item is a dict of "id"; "voice" and "noise", float32 of shape (samples,); "snr_db",
    "level_dbfs" and "highest_hz", scalars; "noise_filter" and "channel_filter", of shape (8,), see
    `augment.filter_numbers`. The seed, the split, the epoch and the index alone decide it.

    The last fifth of a run is on longer stretches, so that what is to be remembered for seconds
    is learned too.

    Args:
        material: what to cut from.
        split: its name.
        size: how many mixtures are an epoch.
        seconds: length of the items.
        last_seconds: their length in the last fifth of the run; `seconds` if None.
        ranges: what to draw from.
        seed: of everything.

    Attributes:
        sample_rate: in hertz.
    """

    def __init__(
        self,
        material: Material,
        split: str,
        *,
        size: int,
        seconds: float,
        last_seconds: float | None = None,
        ranges: Ranges | None = None,
        seed: int = 0,
    ) -> None:
        self.sample_rate = material.sample_rate
        self._material = material
        self._split = split
        self._size = size
        self._seconds = (seconds, seconds if last_seconds is None else last_seconds)
        self._ranges = ranges or Ranges()
        self._seed = seed
        self._epoch = 0
        self._progress = 0.0

    @property
    def samples(self) -> int:
        """Length of the items now."""
        return round(self._seconds[self._progress >= _LONG_FROM] * self.sample_rate)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; its mixtures are others."""
        self._epoch = epoch

    def set_progress(self, progress: float) -> None:
        """Say how far the run is, from 0 to 1."""
        self._progress = progress

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self._size:
            raise IndexError(f"{index} is no index of {self._size} mixtures")
        rng = generator(self._seed, "live", self._split, self._epoch, index)
        draw = draw_mixture(rng, self._ranges, index)
        speaker, voice = self._material.voice(rng, self.samples)
        noise = self._noise(draw, rng, speaker)
        filters = filter_numbers([draw.noise_filter, draw.channel_filter])
        return {
            "id": f"{self._split} {self._epoch}/{index}",
            "voice": torch.from_numpy(voice if draw.has_voice else np.zeros_like(voice)),
            "noise": torch.from_numpy(noise if draw.has_noise else np.zeros_like(noise)),
            "snr_db": torch.tensor(draw.snr_db),
            "level_dbfs": torch.tensor(draw.level_dbfs),
            "highest_hz": torch.tensor(draw.highest_hz),
            "noise_filter": filters[0],
            "channel_filter": filters[1],
        }

    def _noise(self, draw: Draw, rng: np.random.Generator, speaker: str) -> np.ndarray:
        if draw.kind == "coloured":
            return rng.standard_normal(self.samples, dtype=np.float32)
        if draw.kind == "babble":
            return babble(rng, self._material, self.samples, speaker=speaker)
        if draw.second_noise:
            return two_noises(rng, self._material, self.samples)
        return self._material.noise(rng, self.samples)


class PackMixtures(Mixtures):
    """Mixtures of a training pack's recordings.

    Args:
        path: of the pack, see `prepare_data.pack`.
        split: "train", "val" or "test".
        size: how many mixtures are an epoch.
        settings: see `Mixtures`.

    Raises:
        UserError: if the pack cannot be read or the split has no voice or no noise.
    """

    def __init__(self, path: Path, split: str, *, size: int, **settings: Any) -> None:
        super().__init__(PackMaterial(path, split), split, size=size, **settings)


class SetMixtures(Mixtures):
    """Mixtures of a data set's recordings, mixed anew; as many an epoch as it has samples.

    Args:
        folder: of the data set.
        split: "train", "val" or "test".
        settings: see `Mixtures`.

    Raises:
        UserError: if there are no recordings, or they cannot be used.
    """

    def __init__(self, folder: Path, split: str, **settings: Any) -> None:
        material = SetMaterial(folder, split)
        super().__init__(material, split, size=len(material), **settings)

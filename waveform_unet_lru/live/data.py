"""Mixtures to train on without end: what is to be mixed, and the numbers that say how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from prepare_data.random_numbers import generator
from waveform_unet_lru.live.augment import filter_numbers
from waveform_unet_lru.live.draws import Ranges, draw_mixture
from waveform_unet_lru.live.material import Material
from waveform_unet_lru.live.noises import make_noise
from waveform_unet_lru.live.own_noises import OWN_SHARE, Sources, WithNoises
from waveform_unet_lru.live.pack_material import PackMaterial
from waveform_unet_lru.live.rooms import room_numbers
from waveform_unet_lru.live.set_material import SetMaterial
from waveform_unet_lru.live.shapes import draw_shaping
from waveform_unet_lru.live.speeds import played, stretch_length

_LONG_FROM = 0.8  # of the run


class Mixtures(Dataset[dict[str, Any]]):
    """Voices and noises, cut and ready to be shaped and mixed on the device.

    An item is a dict of "id"; "voice" and "noise", float32 of shape (samples,); and the numbers
    that `blending.blended` asks for. The seed, the split, the epoch and the index alone decide it.

    The last fifth of a run is on longer stretches, so that what is to be remembered for seconds
    is learned too.

    Args:
        material: what to cut from.
        split: its name.
        size: how many mixtures are an epoch.
        seconds: length of the items.
        last_seconds: their length in the last fifth of the run; `seconds` if None.
        ranges: what to draw from.
        noises: others beside the material's, see `waveform_unet_lru.live.own_noises`.
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
        noises: Sources | None = None,
        seed: int = 0,
    ) -> None:
        self.sample_rate = material.sample_rate
        self._material = WithNoises(material, noises, share=OWN_SHARE) if noises else material
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
        key = (self._split, self._epoch, index)
        rng = generator(self._seed, "live", *key)
        draw = draw_mixture(rng, self._ranges, index)
        shaping_rng = generator(self._seed, "live shaping", *key)
        shaping = draw_shaping(shaping_rng, self._ranges, draw)
        length = stretch_length(self.samples, shaping.voice_speed)
        speaker, stretch = self._material.voice(rng, length)
        voice = played(stretch, self.samples)
        noise = make_noise(
            rng,
            self._material,
            self.samples,
            draw=draw,
            shaping=shaping,
            speakers=self._ranges.speakers,
            speaker=speaker,
        )
        filters = filter_numbers([draw.noise_filter, draw.channel_filter])
        rooms = room_numbers([shaping.voice_room, shaping.noise_room])
        return {
            "id": f"{self._split} {self._epoch}/{index}",
            "voice": torch.from_numpy(voice if draw.has_voice else np.zeros_like(voice)),
            "noise": torch.from_numpy(noise if draw.has_noise else np.zeros_like(noise)),
            "snr_db": torch.tensor(draw.snr_db),
            "level_dbfs": torch.tensor(draw.level_dbfs),
            "highest_hz": torch.tensor(draw.highest_hz),
            "noise_filter": filters[0],
            "channel_filter": filters[1],
            "voice_curve": torch.from_numpy(shaping.voice_curve),
            "noise_curve": torch.from_numpy(shaping.noise_curve),
            "voice_room": rooms[0],
            "noise_room": rooms[1],
            "clip_db": torch.tensor(shaping.clip_db),
        }


class PackMixtures(Mixtures):
    """Mixtures of a training pack's recordings.

    Args:
        path: of the pack, see `prepare_data.pack`.
        split: "train", "val" or "test", or several joined by "+".
        size: how many mixtures are an epoch.
        without: see `PackMaterial`.
        settings: see `Mixtures`.

    Raises:
        UserError: see `PackMaterial`.
    """

    def __init__(
        self, path: Path, split: str, *, size: int, without: Sequence[str] = (), **settings: Any
    ) -> None:
        pause = _longest_pause(settings)
        material = PackMaterial(path, split, longest_pause=pause, without=without)
        super().__init__(material, split, size=size, **settings)


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
        material = SetMaterial(folder, split, longest_pause=_longest_pause(settings))
        super().__init__(material, split, size=len(material), **settings)


def _longest_pause(settings: dict[str, Any]) -> float:
    return (settings.get("ranges") or Ranges()).longest_pause

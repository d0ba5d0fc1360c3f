"""Shape and mix a batch of voices and noises as its numbers say, on any device."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from waveform_unet_lru.live.augment import filtered
from waveform_unet_lru.live.mixing import MixedBatch, clipped, mix
from waveform_unet_lru.live.rooms import reverberated


def blended(batch: dict[str, Any], *, sample_rate: int) -> MixedBatch:
    """Shape voices and noises and mix them at the ratios asked for, of what they then are.

    The target is the voice as it was played, in its bands, its room and its microphone; only
    clipping is not in it.

    Args:
        batch: "voice" and "noise" of shape (batch, samples); numbers of shape (batch,): "snr_db",
            "level_dbfs", "highest_hz"; of shape (batch, 8): "noise_filter", "channel_filter". It
            may have "voice_curve" and "noise_curve", see `augment.filtered`, "voice_room" and
            "noise_room", see `rooms.reverberated`, and "clip_db", see `mixing.clipped`.
        sample_rate: in hertz.
    """
    rate = sample_rate
    noise = filtered(
        batch["noise"], batch["noise_filter"], sample_rate=rate, curve=batch.get("noise_curve")
    )
    noise = _in_room(noise, batch.get("noise_room"), rate)
    voice = _in_room(batch["voice"], batch.get("voice_room"), rate)
    channel = {"sample_rate": rate, "highest_hz": batch["highest_hz"]}
    noise = filtered(noise, batch["channel_filter"], **channel)
    # Filters may change places with rooms, and what bends a voice is then one filter.
    voice = filtered(voice, batch["channel_filter"], curve=batch.get("voice_curve"), **channel)
    mixed = mix(
        voice, noise, sample_rate=rate, snr_db=batch["snr_db"], level_dbfs=batch["level_dbfs"]
    )
    return clipped(mixed, batch["clip_db"]) if "clip_db" in batch else mixed


def _in_room(audio: Tensor, numbers: Tensor | None, sample_rate: int) -> Tensor:
    return audio if numbers is None else reverberated(audio, numbers, sample_rate=sample_rate)

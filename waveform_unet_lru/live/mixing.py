"""Blend a batch of voices with noises at given signal-to-noise ratios, on any device.

The same arithmetic as `prepare_data.mixing.mix`, many mixtures at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from prepare_data.mixing import PEAK_LIMIT
from prepare_data.speech_level import HANGOVER_SECONDS, MARGIN_DB, SMOOTHING_SECONDS

# The envelope's kernel is cut where it has fallen to a billionth of its largest.
_KERNEL_TIME_CONSTANTS = 25
_STEPS = 14  # as prepare_data searches the threshold


@dataclass(frozen=True)
class MixedBatch:
    """Voices, noises and their sums, float32 of shape (batch, samples), full scale at 1."""

    voice: Tensor
    noise: Tensor
    noisy: Tensor


def mix(
    voice: Tensor, noise: Tensor, *, sample_rate: int, snr_db: Tensor, level_dbfs: Tensor
) -> MixedBatch:
    """Blend so that each active voice stands `snr_db` above its noise.

    A silent voice leaves the noise alone, and silence the voice; where there is nothing at all,
    silence is returned.

    Args:
        voice: shape (batch, samples), full scale at 1.
        noise: the same shape.
        sample_rate: in hertz.
        snr_db: ratio of active speech level to noise power, shape (batch,).
        level_dbfs: RMS level of the sums, shape (batch,); lowered where a peak of voice, noise or
            sum would pass full scale.

    Returns:
        The mixtures, each scaled by one gain.

    Raises:
        ValueError: if the shapes differ.
    """
    if voice.shape != noise.shape or voice.ndim != 2:
        raise ValueError(
            f"voice {tuple(voice.shape)} and noise {tuple(noise.shape)} must both be "
            "(batch, samples)"
        )
    noise_db = power_db(noise)
    wanted_db = active_speech_level(voice, sample_rate) - snr_db.double()
    both = torch.isfinite(wanted_db) & torch.isfinite(noise_db)
    noise_gain = torch.where(both, 10 ** ((wanted_db - noise_db) / 20), 1.0)
    noise = noise.double() * noise_gain[:, None]
    voice = voice.double()
    noisy = voice + noise
    gain = 10 ** ((level_dbfs.double() - power_db(noisy)) / 20)
    peak = torch.stack([part.abs().amax(-1) for part in (voice, noise, noisy)]).amax(0)
    gain = torch.where(peak * gain > PEAK_LIMIT, PEAK_LIMIT / peak, gain)
    gain = torch.where(peak > 0, gain, 0.0)[:, None]
    return MixedBatch(*((gain * part).float() for part in (voice, noise, noisy)))


def clipped(mixed: MixedBatch, clip_db: Tensor) -> MixedBatch:
    """Clip mixtures as a microphone does that is too loud.

    The voice stays what it was before, and what clipping adds counts as noise: a model is to give
    back the voice that was there, and the three still add up.

    Args:
        mixed: see `mix`.
        clip_db: from a mixture's peak down to where it is clipped, shape (batch,); 0 for none.
    """
    limit = (mixed.noisy.abs().amax(-1) * 10 ** (-clip_db / 20))[:, None]
    over = mixed.noisy - mixed.noisy.clamp(-limit, limit)
    return MixedBatch(mixed.voice, mixed.noise - over, mixed.noisy - over)


def power_db(audio: Tensor) -> Tensor:
    """Return the mean power over the last axis in dB relative to full scale, float64."""
    return 10 * torch.log10(audio.double().square().mean(-1))


def active_speech_level(voice: Tensor, sample_rate: int) -> Tensor:
    """Measure active speech levels by ITU-T P.56 (method B).

    The same as `prepare_data.speech_level.active_speech_level`. The hangover is a running maximum
    of the envelope: a sample is active if the envelope was above the threshold within 0.2 s.

    Args:
        voice: shape (batch, samples), full scale at 1.
        sample_rate: in hertz.

    Returns:
        Levels in dB relative to full scale, float64 of shape (batch,); -inf for silence.
    """
    signal = voice.double()
    envelope = _envelope(signal, sample_rate)
    held = _running_maximum(envelope, 1 + math.ceil(HANGOVER_SECONDS * sample_rate))
    energy = signal.square().sum(-1)
    silent = energy <= 0
    energy = torch.where(silent, 1.0, energy)
    low = 10 * torch.log10(energy / signal.shape[-1]) - MARGIN_DB
    high = torch.maximum(low, 20 * torch.log10(envelope.amax(-1)))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        active = (held >= 10 ** (middle[:, None] / 20)).sum(-1)
        above = 10 * torch.log10(energy / active) - middle > MARGIN_DB
        above &= active > 0
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return torch.where(silent, -math.inf, (low + high) / 2 + MARGIN_DB)


def _envelope(signal: Tensor, sample_rate: int) -> Tensor:
    """Smooth the rectified signal with two one-pole filters in a row, as one convolution."""
    seconds = SMOOTHING_SECONDS
    pole = math.exp(-1 / (sample_rate * seconds))
    length = math.ceil(_KERNEL_TIME_CONSTANTS * seconds * sample_rate)
    places = torch.arange(length, dtype=torch.float64, device=signal.device)
    kernel = (1 - pole) ** 2 * (places + 1) * torch.exp(-places / (sample_rate * seconds))
    samples = signal.shape[-1]
    size = fast_size(samples + length)
    spectrum = torch.fft.rfft(signal.abs(), size) * torch.fft.rfft(kernel, size)
    # What rounding makes of nothing must not be below nothing.
    return torch.fft.irfft(spectrum, size)[..., :samples].clamp_min(0)


def _running_maximum(signal: Tensor, width: int) -> Tensor:
    """Return the largest of the last `width` samples, by doubling the width that is covered."""
    covered = 1
    while covered < width:
        step = min(covered, width - covered)
        later = torch.maximum(signal[..., step:], signal[..., : signal.shape[-1] - step])
        signal = torch.cat([signal[..., :step], later], dim=-1)
        covered += step
    return signal


def fast_size(size: int) -> int:
    """Return the next power of two, or three quarters of it where that is enough."""
    power = 1 << (size - 1).bit_length()
    return 3 * power // 4 if 3 * power // 4 >= size else power

"""Bend the spectra of a batch of recordings: colours of noise, microphones, rooms, narrow bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple

import torch
from torch import Tensor

from waveform_unet_lru.live.draws import Filter
from waveform_unet_lru.live.shapes import CURVE_HZ

_LOWEST_HZ = 20.0  # below, a tilt goes no further
_STEEPNESS = 4.0  # of the shelves, an octave
_TRANSITION = 0.05  # of a band limit, relative to its frequency


def filter_numbers(filters: Sequence[Filter]) -> Tensor:
    """Return filters as numbers, float32 of shape (len(filters), 8)."""
    return torch.tensor([astuple(one) for one in filters], dtype=torch.float32)


def filtered(
    audio: Tensor,
    numbers: Tensor,
    *,
    sample_rate: int,
    highest_hz: Tensor | None = None,
    curve: Tensor | None = None,
) -> Tensor:
    """Filter each recording with its own curve, without delay.

    Args:
        audio: shape (batch, samples).
        numbers: of the filters, shape (batch, 8), see `filter_numbers`.
        sample_rate: in hertz.
        highest_hz: where a recording ends in frequency, shape (batch,); infinite for no end.
        curve: decibels at `shapes.CURVE_HZ` on top of the filters, shape (batch, points).

    Returns:
        The same shape. A flat filter without a band limit returns its recording as it was.
    """
    bent = (numbers[:, [0, 1, 3, 5]] != 0).any(-1)
    if highest_hz is not None:
        bent |= torch.isfinite(highest_hz)
    if curve is not None:
        bent |= (curve != 0).any(-1)
    rows = bent.nonzero()[:, 0]
    if not len(rows):
        return audio
    samples = audio.shape[-1]
    frequencies = torch.fft.rfftfreq(samples, 1 / sample_rate, device=audio.device)
    gain = response(numbers[rows], frequencies)
    if curve is not None:
        gain = gain * curve_response(curve[rows], frequencies)
    if highest_hz is not None:
        gain = gain * _below(highest_hz[rows], frequencies)
    changed = torch.fft.irfft(torch.fft.rfft(audio[rows].float()) * gain, samples)
    return audio.index_copy(0, rows, changed.to(audio.dtype))


def response(numbers: Tensor, frequencies: Tensor) -> Tensor:
    """Return the gains of filters.

    Args:
        numbers: shape (batch, 8), see `filter_numbers`.
        frequencies: in hertz, shape (bins,).

    Returns:
        Factors of the amplitude, shape (batch, bins).
    """
    tilt, low_db, low_hz, high_db, high_hz, peak_db, peak_hz, octaves = numbers.T[..., None]
    octave = torch.log2(frequencies.clamp_min(_LOWEST_HZ))
    decibels = tilt * (octave - torch.log2(torch.full_like(tilt, 1000.0)))
    decibels = decibels + low_db * torch.sigmoid(_STEEPNESS * (torch.log2(low_hz) - octave))
    decibels = decibels + high_db * torch.sigmoid(_STEEPNESS * (octave - torch.log2(high_hz)))
    away = (octave - torch.log2(peak_hz)) / octaves
    decibels = decibels + peak_db * torch.exp(-away.square())
    return 10 ** (decibels / 20)


def curve_response(curve: Tensor, frequencies: Tensor) -> Tensor:
    """Return the gains of curves.

    Args:
        curve: decibels at `shapes.CURVE_HZ`, shape (batch, points); they go straight between the
            points, over the logarithm of frequency, and go on beyond them as they end.
        frequencies: in hertz, shape (bins,).

    Returns:
        Factors of the amplitude, shape (batch, bins).
    """
    octaves = torch.log2(frequencies.clamp_min(CURVE_HZ[0]) / CURVE_HZ[0])
    last = len(CURVE_HZ) - 1
    place = (octaves * (last / math.log2(CURVE_HZ[-1] / CURVE_HZ[0]))).clamp(max=last)
    left = place.long().clamp(max=last - 1)
    decibels = torch.lerp(curve[:, left], curve[:, left + 1], place - left)
    return 10 ** (decibels / 20)


def _below(highest_hz: Tensor, frequencies: Tensor) -> Tensor:
    """Return 1 up to each limit and 0 from a little above it on, shape (batch, bins)."""
    relative = frequencies / highest_hz[:, None]
    return ((1 + _TRANSITION - relative) / _TRANSITION).clamp(0, 1)

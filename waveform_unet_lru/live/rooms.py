"""Put a batch of recordings into rooms, on any device.

A room is a direct sound and a tail of noise that dies away exponentially (Polack 1988), here with
three decay times over frequency. That costs one convolution, and no geometry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple

import torch
from torch import Tensor

from waveform_unet_lru.live.mixing import fast_size
from waveform_unet_lru.live.shapes import LONGEST_RT60, Room

_BANDS_HZ = (250.0, 1000.0, 4000.0)  # with a decay time each
_60_DB = 3 * math.log(10)


def room_numbers(rooms: Sequence[Room]) -> Tensor:
    """Return rooms as numbers, float32 of shape (len(rooms), 5)."""
    return torch.tensor([astuple(one) for one in rooms], dtype=torch.float32)


def reverberated(audio: Tensor, numbers: Tensor, *, sample_rate: int) -> Tensor:
    """Put each recording into its own room, without delaying it.

    Args:
        audio: shape (batch, samples).
        numbers: of the rooms, shape (batch, 5), see `room_numbers`.
        sample_rate: in hertz.

    Returns:
        The same shape, about as loud. Without a room a recording is returned as it was.
    """
    rows = (numbers[:, 0] > 0).nonzero()[:, 0]
    if not len(rows):
        return audio
    responses = impulse_responses(numbers[rows], sample_rate=sample_rate)
    samples = audio.shape[-1]
    size = fast_size(samples + responses.shape[-1])
    spectrum = torch.fft.rfft(audio[rows].float(), size) * torch.fft.rfft(responses, size)
    heard = torch.fft.irfft(spectrum, size)[:, :samples]
    return audio.index_copy(0, rows, heard.to(audio.dtype))


def impulse_responses(numbers: Tensor, *, sample_rate: int) -> Tensor:
    """Return what rooms make of a click.

    Args:
        numbers: of the rooms, shape (rooms, 5), see `room_numbers`.
        sample_rate: in hertz.

    Returns:
        Float32 of shape (rooms, samples) and of energy 1, the direct sound first.
    """
    rt60, tail_db, delay, damping, seeds = numbers.T[..., None]
    length = round(LONGEST_RT60 * sample_rate)
    seconds = torch.arange(length, device=numbers.device) / sample_rate
    # Always the same length, so that a room's tail does not depend on the rooms beside it.
    spectrum = torch.fft.rfft(_white(seeds, length))
    tail = torch.zeros_like(seconds)
    for number, share in enumerate(_band_shares(length, sample_rate, numbers.device)):
        decay = _60_DB / (rt60 * damping**number)
        tail = tail + torch.fft.irfft(share * spectrum, length) * torch.exp(-decay * seconds)
    tail = tail * (seconds >= delay.clamp_min(1 / sample_rate))
    energy = tail.square().sum(-1, keepdim=True).clamp_min(1e-20)
    tail = tail * torch.sqrt(10 ** (tail_db / 10) / energy)
    tail[:, 0] = 1
    return tail / torch.sqrt(1 + 10 ** (tail_db / 10))


def _band_shares(length: int, sample_rate: int, device: torch.device) -> Tensor:
    """Return the share of each band at each frequency, shape (bands, bins); they add up to 1."""
    octaves = torch.log2(torch.fft.rfftfreq(length, 1 / sample_rate, device=device).clamp_min(1))
    lowest, between = math.log2(_BANDS_HZ[0]), math.log2(_BANDS_HZ[1] / _BANDS_HZ[0])
    place = ((octaves - lowest) / between).clamp(0, len(_BANDS_HZ) - 1)
    bands = torch.arange(len(_BANDS_HZ), device=device)[:, None]
    return (1 - (place - bands).abs()).clamp_min(0)


def _white(seeds: Tensor, length: int) -> Tensor:
    """Return noise that a seed alone decides, the same on every device, shape (seeds, length).

    A hash of the counter (lowbias32, Wellons 2018); torch's generators differ between devices.
    """
    mask = 0xFFFFFFFF
    counter = torch.arange(length, device=seeds.device)
    bits = (seeds.long() * 0x9E3779B1 + counter) & mask
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = ((bits ^ (bits >> shift)) * factor) & mask
    bits = bits ^ (bits >> 16)
    return bits.float() / mask - 0.5

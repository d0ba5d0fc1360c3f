"""The level of speech while it is active: ITU-T Recommendation P.56, method B."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

SMOOTHING_SECONDS = 0.03
HANGOVER_SECONDS = 0.2
MARGIN_DB = 15.9

_STEPS = 14  # halvings of a search interval of some 40 dB
_BLOCK_SECONDS = 6.0  # a weight of exp(200) at most; see `smooth_twice`


def active_speech_level(audio: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Measure the active speech level by ITU-T P.56 (method B).

    The envelope is the rectified signal smoothed twice with a time constant of 30 ms. Speech is
    active where the envelope is above a threshold, and for 0.2 s after; the threshold sought is
    the one that lies 15.9 dB below the level of the signal's power over the active time.

    Args:
        audio: shape (samples,), full scale at 1.
        sample_rate: in hertz.

    Returns:
        The level in dB relative to full scale (a constant 1 is 0 dBFS) and the share of the time
        that is active. Silence gives (-inf, 0).

    Raises:
        ValueError: if `audio` is not one-dimensional.
    """
    if audio.ndim != 1:
        raise ValueError(f"audio has shape {audio.shape}; one channel, shape (samples,), is wanted")
    signal = np.asarray(audio, dtype=np.float64)
    energy = energy_of(signal)
    if energy <= 0:
        return -math.inf, 0.0
    envelope = smooth_twice(np.abs(signal), SMOOTHING_SECONDS * sample_rate)
    hangover = math.ceil(HANGOVER_SECONDS * sample_rate)
    threshold_db = find_threshold(envelope, energy, hangover)
    # The threshold, unlike the count above it, moves smoothly with the signal.
    level = threshold_db + MARGIN_DB
    return level, min(1.0, energy / len(signal) / 10 ** (level / 10))


def energy_of(signal: np.ndarray) -> float:
    """Return the sum of the squares of a signal of shape (samples,), float64.

    The same on any number of cores, as a product by BLAS, which shares it out, is not.
    """
    return float(np.einsum("i,i", signal, signal))


def find_threshold(envelope: np.ndarray, energy: float, hangover: int) -> float:
    """Return the threshold that lies `MARGIN_DB` below the level over the time above it.

    Args:
        envelope: shape (samples,), an amplitude.
        energy: sum of the signal's squares.
        hangover: samples that stay active after the envelope was last above.

    Returns:
        The threshold in dB relative to full scale, to 0.003 dB.
    """
    low = 10 * math.log10(energy / len(envelope)) - MARGIN_DB
    high = max(low, 20 * math.log10(float(envelope.max())))
    # A higher threshold leaves less time above it, so the level over that time is no lower. A
    # count at one threshold therefore also tells on which side of the one sought all those lie
    # that are between it and where its own level would put it: most halvings need no count.
    too_low, too_high = -math.inf, math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if too_low < middle < too_high:
            active = _active_samples(envelope, 10 ** (middle / 20), hangover)
            wanted = 10 * math.log10(energy / active) - MARGIN_DB if active else middle
            if wanted > middle:
                too_low = wanted
            else:
                too_high = wanted
        if middle < too_high:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def smooth_twice(amplitude: np.ndarray, time_constant: float) -> np.ndarray:
    """Smooth with two equal one-pole filters in a row, from rest.

    With p = exp(-1 / time_constant) each filter is y[n] = p y[n-1] + (1 - p) x[n], which is to say
    that y[n] / p^n is the running sum of (1 - p) x[n] / p^n. Both filters together are then two
    running sums of the weighted input. As no input is negative nothing cancels, and the result is
    as exact as the recursion's. (`scipy.signal` has the filter, but takes a second to import.)

    Args:
        amplitude: shape (samples,), float64, none below zero; overwritten.
        time_constant: in samples.

    Returns:
        `amplitude`, smoothed.
    """
    weights, gains = _weights(time_constant)
    block_samples = len(gains)
    first = second = 0.0  # the running sums, as the next block's weights count them
    for start in range(0, len(amplitude), block_samples):
        block = amplitude[start : start + block_samples]
        block *= weights[: len(block)]
        block[0] += first
        np.cumsum(block, out=block)
        first = block[-1] / weights[len(block)]
        block[0] += second
        np.cumsum(block, out=block)
        second = block[-1] / weights[len(block)]
        block *= gains[: len(block)]
    return amplitude


@lru_cache(maxsize=4)
def _weights(time_constant: float) -> tuple[np.ndarray, np.ndarray]:
    """Return what a block's inputs are multiplied with, and one more, and what its sums are."""
    block_samples = math.ceil(_BLOCK_SECONDS / SMOOTHING_SECONDS * time_constant)
    places = np.arange(block_samples + 1) / time_constant
    gain = math.expm1(-1 / time_constant) ** 2
    return np.exp(places), gain * np.exp(-places[:-1])


def _active_samples(envelope: np.ndarray, threshold: float, hangover: int) -> int:
    """Count the samples at or above a threshold and up to `hangover` samples after each run."""
    above = envelope >= threshold
    changes = np.flatnonzero(above[1:] != above[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(above)]])
    lengths = edges[1:] - edges[:-1]  # not np.diff, which takes longer than all the rest
    first = 0 if above[0] else 1  # the runs alternate between above and below
    active = lengths[first::2].sum() + np.minimum(lengths[first + 1 :: 2], hangover).sum()
    return int(active)

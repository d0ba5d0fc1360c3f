"""The level of speech while it is active: ITU-T Recommendation P.56, method B."""

from __future__ import annotations

import math

import numpy as np

SMOOTHING_SECONDS = 0.03
HANGOVER_SECONDS = 0.2
MARGIN_DB = 15.9

_STEPS = 14  # halvings of a search interval of some 40 dB


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
    energy = float(signal @ signal)
    if energy <= 0:
        return -math.inf, 0.0
    envelope = _envelope(signal, sample_rate)
    hangover = math.ceil(HANGOVER_SECONDS * sample_rate)
    threshold_db = find_threshold(envelope, energy, hangover)
    # The threshold, unlike the count above it, moves smoothly with the signal.
    level = threshold_db + MARGIN_DB
    return level, min(1.0, energy / len(signal) / 10 ** (level / 10))


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
    for _ in range(_STEPS):
        middle = (low + high) / 2
        active = _active_samples(envelope, 10 ** (middle / 20), hangover)
        if active and 10 * math.log10(energy / active) - middle > MARGIN_DB:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _envelope(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    """Smooth the rectified signal with two one-pole filters in a row."""
    from scipy.signal import sosfilt

    pole = math.exp(-1 / (sample_rate * SMOOTHING_SECONDS))
    section = [1 - pole, 0, 0, 1, -pole, 0]
    # The same numbers as those of lfilter twice, in half the time.
    return sosfilt([section, section], np.abs(signal))


def _active_samples(envelope: np.ndarray, threshold: float, hangover: int) -> int:
    """Count the samples at or above a threshold and up to `hangover` samples after each run."""
    above = envelope >= threshold
    changes = np.flatnonzero(above[1:] != above[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(above)]])
    lengths = edges[1:] - edges[:-1]  # not np.diff, which takes longer than all the rest
    first = 0 if above[0] else 1  # the runs alternate between above and below
    active = lengths[first::2].sum() + np.minimum(lengths[first + 1 :: 2], hangover).sum()
    return int(active)

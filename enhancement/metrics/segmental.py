"""Segmental SNR."""

from __future__ import annotations

import numpy as np

from enhancement.metrics.frames import windowed_frames
from enhancement.metrics.pairs import checked_pair

_LOWEST_DB, _HIGHEST_DB = -10.0, 35.0
_TINY = float(np.finfo(np.float64).eps)


def segmental_snr(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the mean SNR of frames of 30 ms, each held between -10 and 35 dB.

    The frames are Loizou's: under a Hann window, 7.5 ms apart (three quarters overlap). Pauses
    count, as in his program: a frame in which the clean voice is digitally silent is worth -10 dB.
    The estimate is neither scaled nor freed of its mean, which some later ports do.

    Args:
        clean: the clean voice, shape (samples,), full scale at 1.
        estimate: the same shape.
        sample_rate: in hertz.

    Returns:
        Decibels, in [-10, 35].

    Raises:
        ValueError: if the shapes differ or are not (samples,), a sample is no finite number, or
            there is less than a frame and its hop (37.5 ms).
    """
    clean, estimate = checked_pair(clean, estimate)
    voice = np.square(windowed_frames(clean, sample_rate)).sum(axis=1)
    error = np.square(windowed_frames(clean - estimate, sample_rate)).sum(axis=1)
    ratios_db = 10 * np.log10(voice / (error + _TINY) + _TINY)
    return float(np.mean(np.clip(ratios_db, _LOWEST_DB, _HIGHEST_DB)))

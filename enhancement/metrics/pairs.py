"""What every metric asks of the clean voice and the estimate before it compares them."""

from __future__ import annotations

import numpy as np


def checked_pair(clean: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64.

    Raises:
        ValueError: if the shapes differ or are not (samples,), or a sample is no finite number.
    """
    if clean.shape != estimate.shape or clean.ndim != 1:
        raise ValueError(
            f"the clean voice has shape {clean.shape}, the estimate {estimate.shape}; both must be "
            "(samples,), with as many samples"
        )
    return checked(clean, "the clean voice"), checked(estimate, "the estimate")


def checked(audio: np.ndarray, what: str) -> np.ndarray:
    """Return audio as float64.

    Args:
        audio: shape (samples,).
        what: it is, for the message.

    Raises:
        ValueError: if it has another number of dimensions, or a sample is no finite number.
    """
    if audio.ndim != 1:
        raise ValueError(f"{what} has shape {audio.shape}; one channel, (samples,), is wanted")
    if not np.isfinite(audio).all():
        raise ValueError(f"{what} holds samples that are not numbers (NaN or infinite)")
    return audio.astype(np.float64)


def heard_pair(clean: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as float64, for metrics that have no answer to silence.

    Raises:
        ValueError: see `checked_pair`; or if one of them is silent.
    """
    pair = checked_pair(clean, estimate)
    for audio, what in zip(pair, ("the clean voice", "the estimate"), strict=True):
        if not audio.any():
            raise ValueError(f"{what} is silent")
    return pair


def at_rate(audio: np.ndarray, sample_rate: int, wanted_rate: int) -> np.ndarray:
    """Resample audio of shape (samples,) by soxr at high quality."""
    if sample_rate == wanted_rate:
        return audio
    import soxr

    return soxr.resample(audio, sample_rate, wanted_rate)

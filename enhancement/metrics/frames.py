"""The frames that segmental SNR and the spectral distances of the composite measures share."""

from __future__ import annotations

import math

import numpy as np

FRAME_SECONDS = 0.03
_KEPT = 0.95


def windowed_frames(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cut audio into frames of 30 ms, a quarter of that apart, under a Hann window.

    These are the frames of Loizou's programs (Speech Enhancement: Theory and Practice, 2007), down
    to the window, which is not zero at its ends, and to the last frame, which is left out.

    Args:
        audio: shape (samples,).
        sample_rate: in hertz.

    Returns:
        Shape (frames, samples of a frame), float64.

    Raises:
        ValueError: if the audio is shorter than a frame and its hop.
    """
    length = round(FRAME_SECONDS * sample_rate)
    hop = length // 4
    count = (len(audio) - length) // hop if hop else 0
    if count < 1:
        raise ValueError(
            f"{len(audio)} samples are too short for frames of {1e3 * FRAME_SECONDS:g} ms "
            f"at {sample_rate} Hz"
        )
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, length + 1) / (length + 1)))
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), length)
    return frames[: count * hop : hop] * window


def typical(distances: np.ndarray) -> float:
    """Return the mean of the lowest 95 % of the frames' distances, as Hu and Loizou do."""
    kept = max(1, math.floor(_KEPT * len(distances) + 0.5))
    return float(np.mean(np.sort(distances)[:kept]))

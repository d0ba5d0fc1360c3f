"""Play a stretch of sound faster or slower, its pitch with it."""

from __future__ import annotations

import numpy as np

# The spectrum of a stretch joins its end to its beginning; what that spoils is cut off.
_MARGIN = 256


def stretch_length(samples: int, speed: float) -> int:
    """Return how many samples to cut so that they can be played at a speed.

    Args:
        samples: of the stretch when it has been played.
        speed: 2 for an octave higher; kept to within about 2 %, so that the transforms are quick.
    """
    from scipy.fft import next_fast_len

    if speed == 1:
        return samples
    return next_fast_len(round(_played_length(samples) * speed))


def played(stretch: np.ndarray, samples: int) -> np.ndarray:
    """Play a stretch at the speed that it was cut for.

    Resampled by way of its spectrum, so that nothing aliases, and slower sounds have no high
    frequencies.

    Args:
        stretch: float32, with as many samples as `stretch_length` says.
        samples: wanted.

    Returns:
        Float32 of shape (samples,). A stretch of this length is returned as it is.
    """
    from scipy import fft

    if len(stretch) == samples:
        return stretch
    length = _played_length(samples)
    # The spectrum is cut off, or filled with zeros, at the new highest frequency.
    whole = fft.irfft(fft.rfft(stretch), length) * np.float32(length / len(stretch))
    return whole[_MARGIN : _MARGIN + samples]


def _played_length(samples: int) -> int:
    from scipy.fft import next_fast_len

    return next_fast_len(samples + 2 * _MARGIN)

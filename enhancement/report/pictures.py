"""Small coloured spectrograms: one scale of decibels for all files of a clip, quickly drawn."""

from __future__ import annotations

import io
from functools import cache

import numpy as np

from prepare_data.picture import hann

RANGE_DB = 80.0
WIDTH = 480
HEIGHT = 192
_WINDOW_SECONDS = 0.032
_FRAMES_PER_COLUMN = 2
_SHADES = 64  # a quarter fewer bytes than 256, and 1.3 dB apart nobody sees the steps


def power_columns(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the power of a sound over frequency and time, a column for each of the picture's.

    Time and memory do not grow with the length of the sound beyond the sound itself: a column is
    the mean of a few windows of 32 ms, spread evenly over its stretch.

    Args:
        audio: shape (samples,).
        sample_rate: in hertz.

    Returns:
        float32, shape (bins, `WIDTH`), low frequencies first, the Nyquist bin left out.
    """
    from scipy.fft import rfft

    n_fft = 2 * max(8, round(_WINDOW_SECONDS * sample_rate / 2))
    padded = np.pad(audio.astype(np.float32), n_fft // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, n_fft)
    count = WIDTH * _FRAMES_PER_COLUMN
    starts = (np.arange(count) + 0.5) / count * (len(windows) - 1)
    spectrum = rfft(windows[starts.astype(int)] * hann(n_fft).astype(np.float32))
    power = np.square(np.abs(spectrum[:, : n_fft // 2]))
    return power.reshape(WIDTH, _FRAMES_PER_COLUMN, -1).mean(axis=1).T


def picture_bytes(power: np.ndarray, *, loudest: float) -> bytes:
    """Return a PNG, `WIDTH` x `HEIGHT`, low frequencies at the bottom.

    Args:
        power: shape (bins, columns), low frequencies first.
        loudest: the power of the brightest colour, that of the clip's loudest file; 80 dB below
            it and less are darkest.
    """
    from PIL import Image

    if loudest > 0:
        decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (-RANGE_DB / 10)))
        share = np.clip(1 + decibels / RANGE_DB, 0, 1)
    else:
        share = np.zeros(power.shape)
    shades = Image.fromarray(np.rint(255 * share).astype(np.uint8)[::-1])
    sized = np.asarray(shades.resize((WIDTH, HEIGHT), Image.Resampling.BOX))
    picture = Image.fromarray((sized.astype(np.uint16) * (_SHADES - 1) // 255).astype(np.uint8))
    picture.putpalette(_palette())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


@cache
def _palette() -> bytes:
    """Return the colours of the shades, dark to bright, as red, green and blue bytes.

    Straight stretches between five points of matplotlib's magma, whose brightness rises evenly;
    importing matplotlib would take each worker process longer than a dozen pictures.
    """
    points = np.array([0, 0.25, 0.5, 0.75, 1])
    colours = np.array(
        [[0, 0, 4], [80, 18, 123], [182, 54, 121], [251, 136, 97], [252, 253, 191]], np.float64
    )
    shares = np.linspace(0, 1, _SHADES)
    channels = [np.interp(shares, points, colours[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8).tobytes()

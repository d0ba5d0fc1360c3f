"""The weighted spectral slope distance (Klatt 1982)."""

from __future__ import annotations

import numpy as np

from enhancement.metrics.frames import FRAME_SECONDS, typical, windowed_frames
from enhancement.metrics.pairs import checked_pair

_CENTERS_HZ = """
    50 120 190 260 330 400 470 540 617.372 703.378 798.717 904.128 1020.38 1148.30 1288.72 1442.54
    1610.70 1794.16 1993.93 2211.08 2446.71 2701.97 2978.04 3276.17 3597.63
"""
_WIDTHS_HZ = """
    70 70 70 70 70 70 70 77.3724 86.0056 95.3398 105.411 116.256 127.914 140.423 153.823 168.154
    183.457 199.776 217.153 235.631 255.255 276.072 298.126 321.465 346.136
"""
_FLOOR_DB = -100.0
_GLOBAL, _LOCAL = 20.0, 1.0  # Klatt's constants of the two weights
_LEAST_WEIGHT = np.exp(-30 / (2 * 2.303))
_TINY = float(np.finfo(np.float64).eps)


def weighted_spectral_slope(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the weighted spectral slope distance as the composite measures use it.

    The spectra of each frame are taken in 25 critical bands up to 4 kHz. The squared differences of
    their slopes from band to band are averaged with weights that are large near the spectra's peaks
    (Klatt 1982), and of the frames' distances the lowest 95 % (Hu and Loizou 2008). Bands, filters
    and the choice of the nearest peak are those of the program that the composite measures were
    fitted with, where the way up to a peak ends one band before it.

    Args:
        clean: the clean voice, shape (samples,), full scale at 1.
        estimate: the same shape.
        sample_rate: in hertz, 8000 or more.

    Returns:
        0 or more; 0 for a scaled copy, unless the level matters to bands near -100 dB.

    Raises:
        ValueError: see `segmental_snr`; or if the sample rate is lower than 8000 Hz.
    """
    if sample_rate < 8000:
        raise ValueError(f"the bands reach 4 kHz; a sample rate of {sample_rate} Hz is too low")
    clean, estimate = checked_pair(clean, estimate)
    levels = _band_levels(clean, sample_rate)
    other = _band_levels(estimate, sample_rate)
    weights = (_weights(levels) + _weights(other)) / 2
    differences = np.diff(levels, axis=1) - np.diff(other, axis=1)
    return typical(np.sum(weights * differences**2, axis=1) / np.sum(weights, axis=1))


def _band_levels(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the critical bands' levels in dB: shape (frames, bands)."""
    n_fft = _fft_size(sample_rate)
    spectra = np.fft.rfft(windowed_frames(audio + _TINY, sample_rate), n_fft)[:, : n_fft // 2]
    powers = np.square(np.abs(spectra)) @ _filters(n_fft // 2, sample_rate).T
    return 10 * np.log10(np.maximum(powers, 10 ** (_FLOOR_DB / 10)))


def _fft_size(sample_rate: int) -> int:
    """Return the least power of two that holds two frames."""
    return 1 << (2 * round(FRAME_SECONDS * sample_rate) - 1).bit_length()


def _filters(bins: int, sample_rate: int) -> np.ndarray:
    """Return Gaussian filters of equal area: shape (bands, bins)."""
    bins_per_hertz = bins / (sample_rate / 2)
    centers, widths = (
        np.array(text.split(), np.float64)[:, None] * bins_per_hertz
        for text in (_CENTERS_HZ, _WIDTHS_HZ)
    )
    centers = np.floor(centers)
    filters = widths[0] / widths * np.exp(-11 * ((np.arange(bins) - centers) / widths) ** 2)
    return np.where(filters > _LEAST_WEIGHT, filters, 0.0)


def _weights(levels: np.ndarray) -> np.ndarray:
    """Return Klatt's weights of the slopes: shape (frames, bands - 1)."""
    highest = levels.max(axis=1, keepdims=True)
    below = levels[:, :-1]
    near = _nearest_peaks(levels)
    return (_GLOBAL / (_GLOBAL + highest - below)) * (_LOCAL / (_LOCAL + near - below))


def _nearest_peaks(levels: np.ndarray) -> np.ndarray:
    """Return the level of the peak that each slope climbs to: shape (frames, bands - 1).

    To the right where the spectrum rises, to the left where it falls.
    """
    rising = np.diff(levels, axis=1) > 0
    slopes = rising.shape[1]
    here = np.arange(slopes)
    # The first slope from here on that does not rise, and the last one up to here that does.
    ends = np.minimum.accumulate(np.where(rising, slopes, here)[:, ::-1], axis=1)[:, ::-1]
    starts = np.maximum.accumulate(np.where(rising, here, -1), axis=1)
    return np.take_along_axis(levels, np.where(rising, ends - 1, starts + 1), axis=1)

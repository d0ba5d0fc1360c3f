"""The log likelihood ratio: how far the spectral envelope of an estimate is from the voice's."""

from __future__ import annotations

import numpy as np

from enhancement.metrics.frames import typical, windowed_frames
from enhancement.metrics.pairs import checked_pair

_WIDE_ORDER, _NARROW_ORDER = 16, 10
_WIDE_FROM_HZ = 10_000
_TINY = float(np.finfo(np.float64).eps)


def log_likelihood_ratio(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the log likelihood ratio distance as the composite measures use it.

    For each frame log(a_e R a_e' / a_c R a_c'): the prediction errors of the clean voice (of
    autocorrelation R) by the linear prediction of the estimate, a_e, and by its own, a_c. The order
    is 16, below 10 kHz 10. The mean is of the lowest 95 % of the frames (Hu and Loizou 2008), whose
    values are not held below 2 as they are where the distance is used alone.

    Args:
        clean: the clean voice, shape (samples,), full scale at 1.
        estimate: the same shape.
        sample_rate: in hertz.

    Returns:
        0 or more; 0 for a scaled copy.

    Raises:
        ValueError: see `segmental_snr`.
    """
    clean, estimate = checked_pair(clean, estimate)
    order = _WIDE_ORDER if sample_rate >= _WIDE_FROM_HZ else _NARROW_ORDER
    # The published program adds as much: silent frames then have a spectrum, and the same one.
    lags = autocorrelation(windowed_frames(clean + _TINY, sample_rate), order)
    other = autocorrelation(windowed_frames(estimate + _TINY, sample_rate), order)
    own_error = _error(linear_prediction(lags), lags)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.log(_error(linear_prediction(other), lags) / own_error)
    # Where rounding leaves no prediction error, there is no distance to be had.
    return typical(np.where(np.isfinite(distances), distances, 0.0))


def autocorrelation(frames: np.ndarray, order: int) -> np.ndarray:
    """Return the lags 0 to `order` of frames of shape (frames, samples)."""
    length = frames.shape[1]
    lags = [np.sum(frames[:, : length - k] * frames[:, k:], axis=1) for k in range(order + 1)]
    return np.stack(lags, axis=1)


def linear_prediction(lags: np.ndarray) -> np.ndarray:
    """Return the prediction error filters (1, a_1, ..., a_order) by the Levinson-Durbin recursion.

    Args:
        lags: shape (frames, order + 1).

    Returns:
        The same shape. The recursion stops where no error is left to predict.
    """
    filters = np.zeros_like(lags)
    filters[:, 0] = 1.0
    error = lags[:, 0].copy()
    for k in range(1, lags.shape[1]):
        ahead = np.sum(filters[:, :k] * lags[:, k:0:-1], axis=1)
        left = error > 0
        reflection = np.where(left, -ahead / np.where(left, error, 1.0), 0.0)[:, None]
        filters[:, : k + 1] = filters[:, : k + 1] + reflection * filters[:, k::-1]
        error = error * (1 - reflection[:, 0] ** 2)
    return filters


def _error(filters: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return a R a' for Toeplitz matrices R, given by their first rows."""
    products = autocorrelation(filters, filters.shape[1] - 1) * lags
    return products[:, 0] + 2 * products[:, 1:].sum(axis=1)

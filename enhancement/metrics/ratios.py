"""How near an estimate is to the clean voice, in decibels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from enhancement.metrics.pairs import checked_pair
from prepare_data.speech_level import MARGIN_DB, active_speech_level

_FRAME_SECONDS = 0.02


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the scale-invariant signal-to-distortion ratio (Le Roux et al. 2019).

    Args:
        reference: the clean voice, shape (samples,).
        estimate: the same shape.

    Returns:
        Decibels; inf for a scaled copy of the reference, -inf where either of them is silent.

    Raises:
        ValueError: if the shapes differ or are not (samples,), or a sample is no finite number.
    """
    reference, estimate = checked_pair(reference, estimate)
    energy = float(reference @ reference)
    scale = float(reference @ estimate) / energy if energy > 0 else 0.0
    target = scale * reference
    return _ratio_db(target, estimate - target)


def snr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Return the signal-to-noise ratio, everything that is not the reference being noise.

    Args:
        reference: the clean voice, shape (samples,).
        estimate: the same shape.

    Returns:
        Decibels; inf where they are equal, -inf for a silent reference.

    Raises:
        ValueError: if the shapes differ or are not (samples,), or a sample is no finite number.
    """
    reference, estimate = checked_pair(reference, estimate)
    return _ratio_db(reference, estimate - reference)


def calculate_snr(clean: ArrayLike, x: ArrayLike) -> float:
    """Return 10 log10(mean(clean^2) / mean((clean - x)^2)), as the published project does.

    The SNR improvement of a denoiser is the difference of two calls, for its output and its input.

    Args:
        clean: the clean voice, shape (samples,) or (batch, samples).
        x: what is compared with it; the shapes may differ in leading axes, as (samples,) and
            (1, samples) do, by numpy's rules.

    Returns:
        Decibels; inf where they are equal, -inf for a silent clean voice.

    Raises:
        ValueError: if the shapes do not fit, there are no samples, or one is no finite number.
    """
    reference, estimate = np.asarray(clean, np.float64), np.asarray(x, np.float64)
    shape = np.broadcast_shapes(reference.shape, estimate.shape)
    # (samples,) against (samples, 1) would compare each sample with every other.
    if shape[-1:] != reference.shape[-1:] or shape[-1:] != estimate.shape[-1:] or 0 in shape:
        raise ValueError(
            f"clean {reference.shape} and x {estimate.shape} must have as many samples, at least "
            "one, in their last axis"
        )
    if not (np.isfinite(reference).all() and np.isfinite(estimate).all()):
        raise ValueError("clean or x holds samples that are not numbers (NaN or infinite)")
    reference = np.broadcast_to(reference, shape)
    return _ratio_db(reference.ravel(), (reference - estimate).ravel())


def active_si_sdr(reference: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the SI-SDR over the samples where the voice speaks; see `active_samples`.

    Muting pauses earns nothing here. Arguments, result and errors are those of `si_sdr`, with the
    sample rate in hertz.
    """
    reference, estimate = checked_pair(reference, estimate)
    active = active_samples(reference, sample_rate)
    return si_sdr(reference[active], estimate[active])


def active_samples(voice: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mark where a clean voice speaks.

    A frame of 20 ms is active where its power is no more than 15.9 dB, the margin of ITU-T P.56,
    below the active speech level.

    Args:
        voice: shape (samples,).
        sample_rate: in hertz.

    Returns:
        Booleans of the same shape; all False for silence.
    """
    level_dbfs, _ = active_speech_level(voice, sample_rate)
    if not math.isfinite(level_dbfs):
        return np.zeros(len(voice), dtype=bool)
    frame = max(1, round(_FRAME_SECONDS * sample_rate))
    starts = np.arange(0, len(voice), frame)
    energies = np.add.reduceat(np.square(voice, dtype=np.float64), starts)
    sizes = np.minimum(frame, len(voice) - starts)
    active = energies / sizes >= 10 ** ((level_dbfs - MARGIN_DB) / 10)
    return np.repeat(active, sizes)


def _ratio_db(signal: np.ndarray, error: np.ndarray) -> float:
    power, error_power = float(signal @ signal), float(error @ error)
    if power <= 0:
        return -math.inf
    return 10 * math.log10(power / error_power) if error_power > 0 else math.inf

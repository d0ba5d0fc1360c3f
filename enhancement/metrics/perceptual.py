"""PESQ and STOI, measured by the packages of the extra `eval`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from enhancement.metrics.pairs import at_rate, heard_pair

_WIDE_HZ, _NARROW_HZ = 16_000, 8_000
_STOI_SECONDS = 0.4


def wb_pesq(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the wideband PESQ (ITU-T P.862.2), measured at 16 kHz.

    Args:
        clean: the clean voice, shape (samples,).
        estimate: the same shape.
        sample_rate: in hertz; from any other than 16000 both are resampled by soxr. What was
            sampled at 8 kHz has nothing above 4 kHz, and `nb_pesq` is the better measure of it.

    Returns:
        MOS-LQO, about 1.04 to 4.64.

    Raises:
        ValueError: if the shapes differ or are not (samples,), a sample is no finite number,
            either is silent, they are shorter than a quarter of a second, or no speech is found.
    """
    return _pesq(clean, estimate, sample_rate, _WIDE_HZ, "wb")


def nb_pesq(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the narrowband PESQ (ITU-T P.862.1).

    At 8 kHz it is measured as it is, at other rates after resampling to 16 kHz by soxr. Arguments
    and errors are those of `wb_pesq`.

    Returns:
        MOS-LQO, about 1.02 to 4.56.
    """
    rate = _NARROW_HZ if sample_rate == _NARROW_HZ else _WIDE_HZ
    return _pesq(clean, estimate, sample_rate, rate, "nb")


def stoi(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the short-time objective intelligibility (Taal et al. 2011).

    The package resamples to 10 kHz by itself and leaves out frames 40 dB below the loudest.

    Args:
        clean: the clean voice, shape (samples,).
        estimate: the same shape.
        sample_rate: in hertz.

    Returns:
        About 0 to 1; 1 for a scaled copy.

    Raises:
        ValueError: if the shapes differ or are not (samples,), a sample is no finite number,
            either is silent, or there are less than 0.4 s of speech.
    """
    return _stoi(clean, estimate, sample_rate, extended=False)


def estoi(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    """Return the extended STOI (Jensen and Taal 2016), which noise that fluctuates fools less.

    Arguments and errors are those of `stoi`.

    Returns:
        About 0 to 1; 1 for a scaled copy.
    """
    return _stoi(clean, estimate, sample_rate, extended=True)


def _pesq(clean: np.ndarray, estimate: np.ndarray, sample_rate: int, rate: int, mode: str) -> float:
    import pesq

    pair = [at_rate(audio, sample_rate, rate) for audio in heard_pair(clean, estimate)]
    try:
        return float(pesq.pesq(rate, *pair, mode))
    except pesq.BufferTooShortError as error:
        raise ValueError("PESQ needs a quarter of a second at least") from error
    except pesq.NoUtterancesError as error:
        raise ValueError("PESQ finds no speech in it") from error


def _stoi(clean: np.ndarray, estimate: np.ndarray, sample_rate: int, *, extended: bool) -> float:
    clean, estimate = heard_pair(clean, estimate)
    if len(clean) < _STOI_SECONDS * sample_rate:
        raise ValueError(f"STOI needs {_STOI_SECONDS:g} s of speech at least")
    with warnings.catch_warnings():
        # It would return 1e-5 and go on.
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        try:
            return float(_package_stoi()(clean, estimate, sample_rate, extended=extended))
        except RuntimeWarning as error:
            raise ValueError(f"STOI needs {_STOI_SECONDS:g} s of speech at least") from error


def _package_stoi() -> Any:
    from pystoi import stoi as package_stoi

    return package_stoi

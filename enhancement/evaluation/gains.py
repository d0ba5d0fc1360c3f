"""Gains in SI-SDR and the time they took, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.metrics import active_si_sdr, si_sdr
from prepare_data.dataset import Sample

Ceiling = Callable[[Sample], np.ndarray]
"""The best that a method could do with a sample: float32 of shape (samples,)."""


def measured(
    denoiser: Denoiser, samples: Iterable[Sample], *, ceiling: Ceiling | None = None
) -> Iterator[dict[str, Any]]:
    """Denoise samples and measure what it came to.

    Args:
        denoiser: any.
        samples: of a data set.
        ceiling: something to compare with, which may know more than the denoiser.

    Yields:
        For each sample its "id", "snr_db", "speaker" and "noises" (sources), "noisy_db" (SI-SDR of
        the input), "gain_db" and "active_gain_db" (in SI-SDR, over all and over active samples),
        with a ceiling "oracle_gain_db" and "oracle_active_gain_db", and the "seconds" of sound
        with the "processing_seconds" that the denoiser took.
    """
    for sample in samples:
        noisy, voice, sample_rate = noisy_and_voice(sample)
        began = perf_counter()
        estimate = denoiser.denoise(noisy, sample_rate)
        took = perf_counter() - began
        clip = {
            "id": sample.id,
            "snr_db": sample.line["snr_db"],
            "speaker": sample.line["voice"][0]["source"],
            "noises": sorted({entry["source"] for entry in sample.line["noises"]}),
            "noisy_db": si_sdr(voice, noisy),
            **gains(voice, noisy, estimate, sample_rate),
            "seconds": len(noisy) / sample_rate,
            "processing_seconds": took,
        }
        if ceiling is not None:
            best = gains(voice, noisy, ceiling(sample), sample_rate)
            clip |= {f"oracle_{name}": value for name, value in best.items()}
        yield clip


def gains(
    voice: np.ndarray, noisy: np.ndarray, estimate: np.ndarray, sample_rate: int
) -> dict[str, float]:
    """Return by how much an estimate is nearer to the voice than its input was.

    Args:
        voice: the clean voice, shape (samples,).
        noisy: the same shape.
        estimate: the same shape.
        sample_rate: in hertz.

    Returns:
        "gain_db" and "active_gain_db", in SI-SDR; not finite where something is silent, or the
        estimate holds what is no number.
    """
    if not np.isfinite(estimate).all():
        return {"gain_db": math.nan, "active_gain_db": math.nan}
    active_db = active_si_sdr(voice, noisy, sample_rate)
    return {
        "gain_db": si_sdr(voice, estimate) - si_sdr(voice, noisy),
        "active_gain_db": active_si_sdr(voice, estimate, sample_rate) - active_db,
    }


def noisy_and_voice(sample: Sample) -> tuple[np.ndarray, np.ndarray, int]:
    """Read a sample's noisy voice and voice, float32 of shape (samples,), and their rate."""
    import soundfile

    rate = int(soundfile.info(sample.audio_path("noisy_voice")).samplerate)
    return sample.audio("noisy_voice"), sample.audio("voice"), rate


def is_finite(clip: dict[str, Any]) -> bool:
    """Return whether all that was measured of a clip is finite, as it is of sound."""
    return all(math.isfinite(value) for value in clip.values() if isinstance(value, float))


def real_time_factor(clips: Sequence[dict[str, Any]]) -> float:
    """Return the seconds of processing for each second of sound."""
    sound = sum(clip["seconds"] for clip in clips)
    return float(sum(clip["processing_seconds"] for clip in clips) / sound)

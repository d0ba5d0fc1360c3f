"""What mixtures are cut from, whatever keeps it, and how stretches are cut and joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

FADE_SECONDS = 0.01
ATTEMPTS = 6
"""Draws until a stretch holds what it should; then the best of them is taken."""

_FULL_SCALE = 32_767
# Below this much under a noise's loudest, a stretch is a gap between sounds.
_SOUND_RANGE_DB = 40.0


class Material(Protocol):
    """What mixtures are made of, all of one split.

    Attributes:
        sample_rate: in hertz.
    """

    sample_rate: int

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """Draw a stretch of speech: its speaker, and float32 of shape (samples,)."""

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw a stretch of noise, float32 of shape (samples,)."""

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """Draw stretches of speech of other speakers than this, one after the other; or none."""


def joined(pieces: Iterable[np.ndarray], samples: int, fade: int) -> np.ndarray:
    """Join pieces, each faded into the next, until there are enough samples.

    Args:
        pieces: float32 arrays of one sample or more; as many as are needed, silence follows.
        samples: wanted.
        fade: samples that two pieces share, fewer where one is short.
    """
    whole = np.zeros(samples, dtype=np.float32)
    end = 0
    for piece in pieces:
        shared = min(fade, end, len(piece) // 2)
        ramp = np.linspace(0, 1, shared + 2, dtype=np.float32)[1:-1]
        start = end - shared
        whole[start:end] *= 1 - ramp
        whole[start:end] += ramp * piece[:shared]
        rest = piece[shared : samples - start]
        whole[end : end + len(rest)] = rest
        end += len(rest)
        if end >= samples:
            break
    return whole


def stretch_of_noise(
    recording: np.ndarray,
    rng: np.random.Generator,
    samples: int,
    *,
    loudest_dbfs: float,
    fade: int,
) -> np.ndarray:
    """Draw a stretch of a noise that is not a gap between its sounds; a short noise is repeated.

    Args:
        recording: int16 of one sample or more.
        rng: of the place.
        samples: wanted.
        loudest_dbfs: level of the recording's loudest frame.
        fade: samples that are shared where the noise is repeated.

    Returns:
        float32 of shape (samples,).
    """
    if len(recording) < samples:
        turned = np.roll(as_float(recording), rng.integers(len(recording)))
        return joined(without_end(turned), samples, fade)
    least = 10 ** ((loudest_dbfs - _SOUND_RANGE_DB) / 20)
    for _ in range(ATTEMPTS):
        audio = _stretch(recording, rng, samples)
        if _rms(audio) >= least:
            break
    return audio


def as_float(recording: np.ndarray) -> np.ndarray:
    """Return 16-bit samples as float32, full scale at 1."""
    return recording.astype(np.float32) / np.float32(_FULL_SCALE)


def without_end(recording: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the same recording again and again."""
    while True:
        yield recording


def _stretch(recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
    start = int(rng.integers(len(recording) - samples + 1))
    return as_float(recording[start : start + samples])


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(audio @ audio / len(audio)))

"""The noise of a mixture, of the kind that was drawn for it."""

from __future__ import annotations

import numpy as np

from waveform_unet_lru.live.bursts import clicks, moving_noise
from waveform_unet_lru.live.draws import Draw
from waveform_unet_lru.live.material import Material
from waveform_unet_lru.live.shapes import Shaping
from waveform_unet_lru.live.speeds import played, stretch_length
from waveform_unet_lru.live.tones import tonal

_FURTHER_NOISES_DB = 6.0  # lie within this of the first


def make_noise(
    rng: np.random.Generator,
    material: Material,
    samples: int,
    *,
    draw: Draw,
    shaping: Shaping,
    speakers: tuple[int, int],
    speaker: str,
) -> np.ndarray:
    """Cut or make the noise of a mixture; coloured noise is white until it is filtered.

    Args:
        rng: of the mixture.
        material: to cut from.
        samples: of the noise.
        draw: the mixture's numbers.
        shaping: how its sounds are shaped.
        speakers: fewest and most in a murmur.
        speaker: who is not in it, because it is the voice.

    Returns:
        Float32 of shape (samples,), its level by chance.
    """
    if draw.kind == "coloured":
        if shaping.modulated:
            return moving_noise(rng, samples, material.sample_rate)
        return rng.standard_normal(samples, dtype=np.float32)
    if draw.kind == "babble":
        return babble(rng, material, samples, speakers=speakers, speaker=speaker)
    if draw.kind == "tonal":
        return tonal(rng, samples, material.sample_rate)
    if draw.kind == "clicks":
        return clicks(rng, samples, material.sample_rate)
    length = stretch_length(samples, shaping.noise_speed)
    if draw.noises > 1:
        return played(several_noises(rng, material, length, draw.noises), samples)
    return played(material.noise(rng, length), samples)


def several_noises(
    rng: np.random.Generator, material: Material, samples: int, count: int
) -> np.ndarray:
    """Draw a noise and others about as loud beside it."""
    first, *others = [_levelled(material.noise(rng, samples)) for _ in range(count)]
    for other in others:
        gain = 10 ** (rng.uniform(-_FURTHER_NOISES_DB, _FURTHER_NOISES_DB) / 20)
        first = first + np.float32(gain) * other
    return first


def babble(
    rng: np.random.Generator,
    material: Material,
    samples: int,
    *,
    speakers: tuple[int, int],
    speaker: str,
) -> np.ndarray:
    """Draw a murmur of other speakers, all equally loud; a noise where there are no others."""
    wanted = int(rng.integers(speakers[0], speakers[1] + 1))
    murmur = np.zeros(samples, dtype=np.float32)
    others = material.voices_of_others(rng, samples, speaker=speaker)
    heard = 0
    for heard, other in enumerate(others, start=1):
        murmur += _levelled(other)
        if heard == wanted:
            break
    return murmur if heard else material.noise(rng, samples)


def _levelled(audio: np.ndarray) -> np.ndarray:
    """Bring a stretch to an RMS of 1; silence stays."""
    rms = float(np.sqrt(audio @ audio / len(audio)))
    return audio / np.float32(rms) if rms > 0 else audio

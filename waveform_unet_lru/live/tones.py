"""Sounds with a pitch that are no speech: mains hum, glides, chords and sirens."""

from __future__ import annotations

import numpy as np

from waveform_unet_lru.live.draws import log_uniform

_MAINS_HZ = (50.0, 60.0)
_MAINS_DRIFT = 0.002
_MAINS_HARMONICS = (4, 24)
_GLIDE_HZ = (50.0, 4000.0)
_GLIDE_TURNS = (2, 5)
_GLIDE_HARMONICS = (1, 4)
_CHORD_HZ = (80.0, 700.0)
_CHORD_NOTES = (2, 5)
_CHORD_STEPS = 25  # semitones above its lowest
_CHORD_HARMONICS = (1, 8)
_STRIKE_SECONDS = (0.2, 1.0)
_DECAY_SECONDS = (0.1, 1.0)
_STRUCK = 0.6  # of the chords; the others are held
_SIREN_HZ = (400.0, 1200.0)
_SIREN_WIDTH = (1.2, 2.5)
_SIREN_RATE_HZ = (0.2, 5.0)
_SIREN_HARMONICS = (1, 6)
_SLOPE_DB = (3.0, 12.0)  # of the harmonics, an octave
_UNEVEN_DB = 6.0
_HIGHEST = 0.45  # of the sample rate


def tonal(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Make a hum, a glide, a chord or a siren.

    Returns:
        Float32 of shape (samples,), its level by chance.
    """
    kinds = (_hum, _glide, _chord, _siren)
    return kinds[rng.integers(len(kinds))](rng, samples, sample_rate).astype(np.float32)


def harmonics(frequency: np.ndarray, amplitudes: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Add up the harmonics of a tone.

    Args:
        frequency: of the fundamental in hertz, shape (samples,).
        amplitudes: of the fundamental and what is above, shape (harmonics,); those that would
            come near half the sample rate are left out.
        sample_rate: in hertz.

    Returns:
        Float64 of shape (samples,).
    """
    most = int(_HIGHEST * sample_rate / frequency.max())
    phase = 2 * np.pi / sample_rate * np.cumsum(frequency)
    # sin kx out of sin (k - 1)x and sin (k - 2)x: a sine each would take most of an item's time.
    twice = 2 * np.cos(phase)
    last, tone = np.zeros_like(phase), np.sin(phase)
    total = np.zeros_like(phase)
    for amplitude in amplitudes[: max(most, 1)]:
        total += amplitude * tone
        last, tone = tone, twice * tone - last
    return total


def _hum(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    mains = rng.choice(_MAINS_HZ) * (1 + rng.uniform(-_MAINS_DRIFT, _MAINS_DRIFT))
    frequency = np.full(samples, mains)
    return harmonics(frequency, _amplitudes(rng, _MAINS_HARMONICS), sample_rate=sample_rate)


def _glide(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    turns = int(rng.integers(_GLIDE_TURNS[0], _GLIDE_TURNS[1] + 1))
    octaves = np.log2([log_uniform(rng, _GLIDE_HZ) for _ in range(turns)])
    places = np.linspace(0, samples - 1, turns)
    frequency = 2 ** np.interp(np.arange(samples), places, octaves)
    return harmonics(frequency, _amplitudes(rng, _GLIDE_HARMONICS), sample_rate=sample_rate)


def _chord(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    lowest = log_uniform(rng, _CHORD_HZ)
    notes = int(rng.integers(_CHORD_NOTES[0], _CHORD_NOTES[1] + 1))
    sound = np.zeros(samples)
    struck = rng.random() < _STRUCK
    for step in rng.choice(_CHORD_STEPS, notes, replace=False):
        frequency = np.full(samples, lowest * 2 ** (step / 12))
        note = harmonics(frequency, _amplitudes(rng, _CHORD_HARMONICS), sample_rate=sample_rate)
        if struck:
            note *= _strikes(rng, samples, sample_rate)
        sound += note
    return sound


def _siren(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Make a tone that goes up and down, or is one of two."""
    lowest, width = log_uniform(rng, _SIREN_HZ), rng.uniform(*_SIREN_WIDTH)
    turns = np.arange(samples) / sample_rate * log_uniform(rng, _SIREN_RATE_HZ) + rng.random()
    height = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    if rng.random() < 1 / 2:
        height = np.round(height)
    frequency = lowest * width**height
    return harmonics(frequency, _amplitudes(rng, _SIREN_HARMONICS), sample_rate=sample_rate)


def _amplitudes(rng: np.random.Generator, counts: tuple[int, int]) -> np.ndarray:
    """Draw how loud harmonics are: the higher, the fainter, and uneven."""
    count = int(rng.integers(counts[0], counts[1] + 1))
    octaves = np.log2(np.arange(1, count + 1))
    decibels = -rng.uniform(*_SLOPE_DB) * octaves + rng.uniform(-_UNEVEN_DB, _UNEVEN_DB, count)
    return 10 ** (decibels / 20)


def _strikes(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Return the envelope of a note that is struck again and again."""
    every = rng.uniform(*_STRIKE_SECONDS) * sample_rate
    since = (np.arange(samples) + rng.uniform(0, every)) % every
    return np.exp(-since / (log_uniform(rng, _DECAY_SECONDS) * sample_rate))

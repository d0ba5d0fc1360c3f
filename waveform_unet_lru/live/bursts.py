"""Noise whose level moves, and noise that is there for moments only: clicks and knocks."""

from __future__ import annotations

import numpy as np

from waveform_unet_lru.live.draws import log_uniform

_MODULATION_HZ = (0.5, 16.0)
_DEPTH = (0.3, 1.0)
_DRIFT_DB = 6.0
_DRIFT_SECONDS = 1.0
_CLICKS_A_SECOND = (1.0, 40.0)
_CLICK_SAMPLES = (1, 4)
_KNOCK_SECONDS = (0.001, 0.04)  # in which it falls by 8.7 dB
_KNOCK_HZ = (80.0, 6000.0)
_KNOCK_DECAYS = 6  # until nothing is left
_KNOCKS = 0.6  # of these noises, the others are of single clicks
_UNEVEN_DB = 10.0


def moving_noise(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Make white noise whose level swings at 0.5 to 16 Hz and drifts by up to 6 dB either way.

    Returns:
        Float32 of shape (samples,).
    """
    noise = rng.standard_normal(samples, dtype=np.float32)
    time = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    turns = time * np.float32(log_uniform(rng, _MODULATION_HZ)) + np.float32(rng.random())
    swing = 1 + np.float32(rng.uniform(*_DEPTH)) * np.sin(np.float32(2 * np.pi) * turns)
    knots = 2 + int(samples / sample_rate / _DRIFT_SECONDS)
    levels = rng.uniform(-_DRIFT_DB, _DRIFT_DB, knots)
    drift = np.interp(np.linspace(0, knots - 1, samples), np.arange(knots), levels)
    return noise * swing * 10 ** (drift.astype(np.float32) / 20)


def clicks(rng: np.random.Generator, samples: int, sample_rate: int) -> np.ndarray:
    """Make clicks of a few samples each, or knocks that ring for some milliseconds.

    Returns:
        Float32 of shape (samples,); there is always one at least.
    """
    expected = log_uniform(rng, _CLICKS_A_SECOND) * samples / sample_rate
    count = max(1, int(rng.poisson(expected)))
    one = _knock(rng, sample_rate) if rng.random() < _KNOCKS else _click(rng)
    sound = np.zeros(samples + len(one), dtype=np.float32)
    gains = 10 ** (rng.uniform(-_UNEVEN_DB, _UNEVEN_DB, count) / 20) * rng.choice((-1, 1), count)
    for place, gain in zip(rng.integers(0, samples, count), gains, strict=True):
        sound[place : place + len(one)] += np.float32(gain) * one
    return sound[:samples]


def _click(rng: np.random.Generator) -> np.ndarray:
    length = int(rng.integers(_CLICK_SAMPLES[0], _CLICK_SAMPLES[1] + 1))
    return rng.choice((-1, 1)) * np.ones(length, dtype=np.float32)


def _knock(rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Make a moment of noise and of a tone that die away together."""
    decay = log_uniform(rng, _KNOCK_SECONDS)
    time = np.arange(max(1, round(_KNOCK_DECAYS * decay * sample_rate))) / sample_rate
    tone = np.sin(2 * np.pi * log_uniform(rng, _KNOCK_HZ) * time + rng.uniform(0, 2 * np.pi))
    hiss = rng.standard_normal(len(time))
    share = rng.random()
    return ((share * tone + (1 - share) * hiss) * np.exp(-time / decay)).astype(np.float32)

"""Impulse responses made by hand, whose parts are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

ECHO_SECONDS = 0.06


def echo(sample_rate: int, gain: float, travel: int = 37) -> np.ndarray:
    """A direct sound after `travel` samples, and one echo 60 ms later."""
    response = np.zeros(travel + round(0.1 * sample_rate))
    response[travel] = 0.8
    response[travel + round(ECHO_SECONDS * sample_rate)] = 0.8 * gain
    return response


def decaying(sample_rate: int, rt60: float, seed: int = 0, travel: int = 50) -> np.ndarray:
    """A direct sound and noise that falls by 60 dB in `rt60` seconds."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(rt60 * sample_rate)) / sample_rate
    response = np.concatenate([np.zeros(travel), 0.05 * 10 ** (-3 * time / rt60)])
    response[travel:] *= rng.standard_normal(len(time))
    response[travel] = 0.7
    return response


def write_response(path: Path, *channels: np.ndarray, sample_rate: int = 16_000) -> Path:
    """Write channels of equal length as 32-bit floats."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack(channels, axis=1), sample_rate, "FLOAT")
    return path


def write_rooms(folder: Path, count: int = 6, sample_rate: int = 16_000) -> Path:
    """Write responses of one channel, each file a room."""
    for number in range(count):
        response = decaying(sample_rate, 0.2 + 0.1 * number, seed=number)
        write_response(folder / f"{number}.wav", response, sample_rate=sample_rate)
    return folder

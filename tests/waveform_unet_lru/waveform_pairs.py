"""Small sets of recordings in pairs for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def voice_and_noise(samples: int, seed: int) -> np.ndarray:
    """A gliding buzz in bursts, and white noise 6 dB below: float32 of shape (2, samples)."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(5 * time + seed)) / RATE
    voice = 0.05 * sum(np.sin(k * phase) / k for k in range(1, 8)) * (np.sin(9 * time) > -0.5)
    noise = generator.standard_normal(samples)
    noise *= 0.5 * voice.std() / noise.std()
    return np.stack([voice, noise]).astype(np.float32)


def write_pairs(
    folder: Path, lengths: list[int], *, suffix: str = ".wav", sample_rate: int = RATE
) -> Path:
    """Write voice/000000.wav, noisy_voice/000000.wav and so on, a pair for each length."""
    for index, samples in enumerate(lengths):
        voice, noise = voice_and_noise(samples, seed=index)
        for kind, audio in (("voice", voice), ("noisy_voice", voice + noise)):
            path = folder / kind / f"{index:06d}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, audio, sample_rate, subtype="PCM_16")
    return folder


def write_set(folder: Path, *, train: int = 4, val: int = 2, samples: int = 8000) -> Path:
    """Write train/audio and val/audio with so many pairs."""
    for split, count in (("train", train), ("val", val)):
        write_pairs(folder / split / "audio", [samples] * count)
    return folder

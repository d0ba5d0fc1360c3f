"""A training pack and sounds for the tests of the live model's training."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from prepare_data.pack import PACK_VERSION, PackEntry

RATE = 16_000


def bursts(samples: int, *, active: float, seed: int, level: float = 0.05) -> np.ndarray:
    """A buzz that sounds for a share of every second: float64 of shape (samples,)."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / RATE
    buzz = sum(np.sin(2 * np.pi * k * (130 + 20 * seed) * time) / k for k in range(1, 6))
    faint = 1e-4 * generator.standard_normal(samples)
    return level * (buzz * (time % 1 < active) + faint)


def write_pack(
    path: Path, voices: list[tuple[str, str, np.ndarray]], noises: list[tuple[str, str, np.ndarray]]
) -> Path:
    """Write a pack of (source, split, int16 samples); sources called "noisy ..." are babble.

    The first word of a noise is its category.
    """
    index: dict[str, object] = {"version": PACK_VERSION, "sample_rate": RATE}
    tensors = {}
    for kind, recordings in (("voices", voices), ("noises", noises)):
        tensors[kind] = np.concatenate([audio for _, _, audio in recordings])
        index[kind] = _entries(recordings, has_categories=kind == "noises")
    save_file(tensors, path, metadata={"pack": json.dumps(index)})
    return path


def demo_pack(path: Path) -> Path:
    """Two speakers and two noises in train, one of each in val."""
    voices, noises = [], []
    for number, split in enumerate(("train", "train", "val")):
        buzz = bursts(3 * RATE, active=0.7, seed=number)
        hiss = np.random.default_rng(number).uniform(-0.3, 0.3, 2 * RATE)
        voices.append((f"speaker {number}", split, as_int16(buzz)))
        noises.append((f"noise {number}", split, as_int16(hiss)))
    return write_pack(path, voices, noises)


def as_int16(audio: np.ndarray) -> np.ndarray:
    """Return samples as a pack holds them."""
    return np.rint(32_767 * audio).astype(np.int16)


def _entries(recordings: list[tuple[str, str, np.ndarray]], *, has_categories: bool) -> list[dict]:
    entries, start = [], 0
    for number, (source, split, audio) in enumerate(recordings):
        rms = np.sqrt(np.mean(np.square(audio / 32_767)))
        entry = PackEntry(
            corpus="tests",
            source=source,
            path=f"{number}.wav",
            split=split,
            start=start,
            length=len(audio),
            level_dbfs=float(20 * np.log10(rms)),
            snr_db=None,
            category=source.split()[0] if has_categories else "",
            babble=source.startswith("noisy"),
        )
        entries.append(asdict(entry))
        start += len(audio)
    return entries

"""Evaluations of tones, which take no time and whose scores can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from enhancement.__main__ import main
from tests.enhancement import small_set

SNRS_DB = (0.0, 0.0, 10.0)
"""Of the small set's test samples, unless it is told otherwise."""

QUICK = ["--metrics", "si_sdr", "snr"]


def evaluate(data: Path, out: Path, *more: str, jobs: int = 0) -> int:
    """Run `evaluate` on a data set by two quick metrics, in this process."""
    chosen = [] if "--metrics" in more else QUICK
    words = ["--data", str(data), "--out", str(out), "--jobs", str(jobs), *chosen, *more]
    return main(["evaluate", *words])


def write_results(folder: Path, attenuations_db: list[float], *, rate: int = 16_000) -> Path:
    """Write what a system would that turns down the small set's noise: 000000.wav and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, attenuation_db in enumerate(attenuations_db):
        snr_db = SNRS_DB[index] + attenuation_db
        audio = small_set.VOICE + small_set.noise_at(snr_db)
        soundfile.write(folder / f"{index:06d}.wav", audio, rate, subtype="FLOAT")
    return folder


def write_pairs(folder: Path, count: int = 3, *, rate: int = 16_000) -> tuple[Path, Path]:
    """Write folders of noisy and clean recordings of the same names, 10 dB apart."""
    for kind, audio in (
        ("noisy", small_set.VOICE + small_set.noise_at(10)),
        ("clean", small_set.VOICE),
    ):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            name = folder / kind / f"p232_{index:03d}.wav"
            soundfile.write(name, np.asarray(audio), rate, subtype="FLOAT")
    return folder / "noisy", folder / "clean"

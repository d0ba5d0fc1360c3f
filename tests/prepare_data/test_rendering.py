"""Parts of a sample: a noise that is too short, and the bytes of a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import Settings
from prepare_data.rendering import _repeat, audio_bytes

RATE = 16_000


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("length", [0, 1, 81_920])
def test_wav_files_are_those_of_soundfile(rate: int, length: int) -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_767, length).astype(np.int16)
    expected = io.BytesIO()
    soundfile.write(expected, samples, rate, "PCM_16", format="WAV")
    assert audio_bytes(samples, Settings(sample_rate=rate)) == expected.getvalue()


@pytest.mark.parametrize("frames", [RATE // 4, RATE + 1, 5 * RATE])
def test_a_short_noise_goes_round_from_where_its_line_says(tmp_path: Path, frames: int) -> None:
    sound = 0.1 * np.random.default_rng(frames).standard_normal(frames)
    soundfile.write(tmp_path / "noise.wav", sound, RATE, "FLOAT")
    settings = Settings(sample_rate=RATE)
    entry = {"root": 0, "path": "noise.wav", "start_frame": 0, "frames": frames}
    first, later = (
        _repeat(entry | {"rotation": rotation}, [tmp_path], settings) for rotation in (0.0, 0.3)
    )
    fade = min(RATE // 20, frames // 4)
    length = frames - fade  # of the loop, whose halves are joined by a cross-fade
    start = int(0.3 * length)
    assert len(first) == len(later) == settings.segment_samples
    assert np.array_equal(first[length:], first[: len(first) - length])
    assert np.array_equal(later[: len(first) - start], first[start:])
    half = sound[frames // 2 : frames - fade].astype(np.float32)
    assert np.array_equal(first[: len(half)], half)

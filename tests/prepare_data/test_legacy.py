"""The older function writes the older layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from prepare_data import CreateData


def test_create_data_writes_the_flat_layout(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    CreateData(
        str(demo_speech), str(demo_noise), 8000, 5 * 8000, 5, 4, 512, "data/processed/audio/"
    )
    for number in range(4):
        audio = {}
        for kind in ("voice", "noise", "noisy_voice"):
            audio[kind], rate = soundfile.read(
                tmp_path / "data/processed/audio" / kind / f"{number}.wav", dtype="int16"
            )
            assert (rate, len(audio[kind])) == (8000, 40_000)
            picture = tmp_path / "data/processed/spectrogram" / kind / f"{number}.png"
            with Image.open(picture) as image:
                assert (image.size, image.mode) == ((512, 512), "L")
                assert image.text["scale"] == "own"
                assert image.getextrema()[0] <= 8  # its own loudest bin is dark
        total = audio["voice"].astype(int) + audio["noise"].astype(int)
        assert np.array_equal(total, audio["noisy_voice"])

"""The older recipe on telephone recordings (.3gp), from the command line to files and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from prepare_data.__main__ import main
from tests.prepare_data.corpus_server import esc50, serving
from tests.prepare_data.sounds import encode_with_ffmpeg, speech_like

RECIPE = (
    *("--sample-rate", "8000", "--seconds", "5", "--hop-length", "512"),
    *("--noise-level", "0.2", "0.8", "--picture-scale", "own"),
)
AMR = "libopencore_amrnb"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Telephone recordings of 6 to 11 seconds, in one folder: who speaks is not known."""
    if AMR not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {AMR} to make .3gp recordings with")
    folder = tmp_path / "hindi"
    for number in range(6):
        sound = speech_like(6 + number, 8000, seed=number)
        encode_with_ffmpeg(folder / f"{number}.3gp", AMR, sound, 8000)
    return folder


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """ESC-50's layout, as `python -m prepare_data.download esc50` leaves it."""
    from prepare_data.download import download

    with serving() as server:
        server.content = esc50()
        return download(server.archive("esc50"), tmp_path / "corpora", quiet=True)


def test_the_older_recipe_blends_3gp_recordings_with_esc50(
    tmp_path: Path, recordings: Path, noises: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    corpora = ["--speech", str(recordings), "--noise", str(noises), "--out", str(out)]
    assert main([*corpora, *RECIPE, "--samples", "6", "2", "2", "--jobs", "1", "--quiet"]) == 0
    assert "hindi: flat folder: 6 recordings, 6 sources" in capsys.readouterr().out
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert len(lines) == 10
    assert {Path(entry["path"]).suffix for line in lines for entry in line["voice"]} == {".3gp"}
    for line in lines:
        assert 0.2 <= line["noise_level"] <= 0.8
        audio = {}
        for kind in ("voice", "noise", "noisy_voice"):
            path = out / line["split"] / "audio" / kind / f"{line['id']}.wav"
            audio[kind], rate = soundfile.read(path, dtype="int16")
            assert (rate, len(audio[kind])) == (8000, 40_000)
            assert np.any(audio[kind])
            picture = out / line["split"] / "spectrogram" / kind / f"{line['id']}.png"
            with Image.open(picture) as image:
                assert (image.size, image.mode) == ((512, 512), "L")
                text = image.text
            assert (text["scale"], text["hop_length"], text["sample_rate"]) == (
                "own",
                "512",
                "8000",
            )
        total = audio["voice"].astype(int) + audio["noise"].astype(int)
        assert np.array_equal(total, audio["noisy_voice"])

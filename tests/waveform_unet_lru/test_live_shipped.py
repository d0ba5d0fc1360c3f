"""The live weights in the package: both forms are one model, and it denoises as its card says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.metrics import si_sdr
from tests.spectrogram_unet.mixtures import RATE, real_mixtures, voice_and_noise
from waveform_unet_lru import load_pretrained
from waveform_unet_lru.live.config import PRESETS
from waveform_unet_lru.live.denoise import LiveDenoiser

_ROOT = Path(__file__).parents[2]
_WEIGHTS = sorted((_ROOT / "waveform_unet_lru" / "weights").glob("*.safetensors"))
_NAMES = [path.stem for path in _WEIGHTS]
# A synthetic voice beside a synthetic vacuum cleaner at 0 dB, of the built-in sounds.
_CLIP = _ROOT / "tests" / "clip"
# SI-SDR of the clip's result in dB, when the weights were shipped.
_SCORES = json.loads((_CLIP / "scores.json").read_text())


def test_every_file_has_its_other_form_and_a_name_of_a_preset() -> None:
    assert "small" in _NAMES
    assert set(_NAMES) <= set(PRESETS) and set(_NAMES) == set(_SCORES)
    assert all(path.with_suffix(".onnx").is_file() for path in _WEIGHTS)


@pytest.mark.parametrize("name", _NAMES)
def test_checkpoint_and_export_are_the_same_model(name: str) -> None:
    noisy = voice_and_noise(2.0).sum(axis=0)
    exported, checkpoint = (
        load_pretrained(name, backend=backend).denoise(noisy, RATE) for backend in ("onnx", "torch")
    )
    assert np.abs(exported - checkpoint).max() <= 1e-4 * np.abs(checkpoint).max()
    assert np.abs(exported - noisy).max() > 0.01 * np.abs(noisy).max()


@pytest.mark.parametrize("backend", ["onnx", "torch"])
@pytest.mark.parametrize("name", _NAMES)
def test_a_stored_clip_scores_as_it_did(name: str, backend: str) -> None:
    voice, noisy = (soundfile.read(_CLIP / f"{part}.flac")[0] for part in ("voice", "noisy_voice"))
    denoised = load_pretrained(name, backend=backend).denoise(noisy.astype(np.float32), RATE)
    assert si_sdr(voice, denoised) == pytest.approx(_SCORES[name], abs=0.02)


@pytest.mark.parametrize("name", _NAMES)
def test_silence_stays_silent(name: str) -> None:
    silence = np.zeros(RATE, np.float32)
    assert not load_pretrained(name).denoise(silence, RATE).any()


@pytest.mark.parametrize("backend", ["onnx", "torch"])
@pytest.mark.parametrize("name", _NAMES)
def test_square_waves_at_full_scale_and_what_follows_stay_bounded(name: str, backend: str) -> None:
    denoiser = load_pretrained(name, backend=backend)
    assert isinstance(denoiser, LiveDenoiser)
    stream = denoiser.stream(RATE)
    square = np.sign(np.sin(2 * np.pi * 100.5 * np.arange(5 * RATE) / RATE)).astype(np.float32)
    loud = stream.process(square)
    assert 0.1 < np.abs(loud).max() < 2
    assert all(np.isfinite(array).all() for array in stream.state().values())
    silence = stream.process(np.zeros(5 * RATE, np.float32))
    assert not silence[RATE:].any()
    assert all(np.isfinite(array).all() for array in stream.state().values())


def test_the_example_in_the_readme_does_what_denoise_does(tmp_path: Path) -> None:
    text = (_ROOT / "README.md").read_text()
    start = text.index('"""Denoise a 16 kHz mono 16-bit WAV with numpy and onnxruntime')
    (tmp_path / "example.py").write_text(text[start : text.index("```", start)])
    noisy = voice_and_noise(2.0).sum(axis=0)
    soundfile.write(tmp_path / "in.wav", noisy, RATE, subtype="PCM_16")
    weights = str(_ROOT / "waveform_unet_lru" / "weights" / "small.onnx")
    command = [sys.executable, "example.py", weights, "in.wav", "out.wav"]
    subprocess.run(command, cwd=tmp_path, check=True)
    rounded, _ = soundfile.read(tmp_path / "in.wav", dtype="float32")
    written, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == RATE and len(written) == len(rounded)
    expected = load_pretrained("small").denoise(rounded, RATE)
    assert np.abs(written - expected).max() < 2 / 2**15


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
@pytest.mark.parametrize("name", _NAMES)
def test_real_recordings_are_nearer_to_the_voice_than_before(
    speech_data: Path, name: str, snr_db: float
) -> None:
    denoiser = load_pretrained(name)
    gains = []
    for voice, noise in real_mixtures(speech_data, 4, snr_db=snr_db):
        noisy = voice + noise
        gains.append(si_sdr(voice, denoiser.denoise(noisy, RATE)) - si_sdr(voice, noisy))
    assert np.mean(gains) > 1

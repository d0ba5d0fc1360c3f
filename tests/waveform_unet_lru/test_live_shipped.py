"""The live weights in the package: both forms are one model, and it denoises as its card says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.metrics import si_sdr
from tests.spectrogram_unet.mixtures import RATE, real_mixtures, voice_and_noise
from waveform_unet_lru import load_pretrained
from waveform_unet_lru.live.config import PRESETS

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

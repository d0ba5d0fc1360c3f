"""The live weights in the package: both forms are one model, and it denoises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from enhancement.metrics import si_sdr
from tests.spectrogram_unet.mixtures import RATE, real_mixtures, voice_and_noise
from waveform_unet_lru.live.denoise import load_pretrained


def test_checkpoint_and_export_are_the_same_model() -> None:
    noisy = voice_and_noise(2.0).sum(axis=0)
    exported, checkpoint = (
        load_pretrained(backend=backend).denoise(noisy, RATE) for backend in ("onnx", "torch")
    )
    assert np.abs(exported - checkpoint).max() <= 1e-4 * np.abs(checkpoint).max()
    assert np.abs(exported - noisy).max() > 0.01 * np.abs(noisy).max()


def test_silence_stays_silent() -> None:
    silence = np.zeros(RATE, np.float32)
    assert not load_pretrained().denoise(silence, RATE).any()


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_real_recordings_are_nearer_to_the_voice_than_before(
    speech_data: Path, snr_db: float
) -> None:
    denoiser = load_pretrained()
    gains = []
    for voice, noise in real_mixtures(speech_data, 4, snr_db=snr_db):
        noisy = voice + noise
        gains.append(si_sdr(voice, denoiser.denoise(noisy, RATE)) - si_sdr(voice, noisy))
    assert np.mean(gains) > 1

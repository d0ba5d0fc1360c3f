"""The oracle: how far the method reaches when the noise is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.metrics import si_sdr
from prepare_data.errors import UserError
from spectrogram_unet import GainRule, oracle
from spectrogram_unet.known_noise import load
from tests.spectrogram_unet import mixtures

RATE = mixtures.RATE


def _gain_db(voice: np.ndarray, noise: np.ndarray, rule: str) -> float:
    noisy = voice + noise
    result = oracle(noisy, noise, RATE, rule=GainRule(rule, 1.0, -60.0))
    return si_sdr(voice, result) - si_sdr(voice, noisy)


def test_wiener_gains_much_at_0_db_and_more_than_subtraction() -> None:
    voice, noise = mixtures.voice_and_noise(snr_db=0.0)
    wiener, subtraction = (_gain_db(voice, noise, rule) for rule in ("wiener", "subtraction"))
    # This noise lies in the gaps between the harmonics too; real mixtures gain more.
    assert wiener >= 10
    assert wiener > subtraction + 0.5 > 9


def test_wiener_on_real_mixtures(speech_data: Path) -> None:
    for snr_db, least in ((0.0, 12.0), (20.0, 4.5)):
        blends = mixtures.real_mixtures(speech_data, 4, snr_db=snr_db)
        assert np.mean([_gain_db(blend[0], blend[1], "wiener") for blend in blends]) >= least


def test_longer_recordings_and_channels_keep_their_shape() -> None:
    voice, noise = mixtures.voice_and_noise(7.3)
    noisy = np.stack([voice + noise, voice], axis=1)
    result = oracle(noisy, np.stack([noise, 0 * noise], axis=1), RATE)
    assert result.shape == noisy.shape
    np.testing.assert_allclose(result[:, 1], voice, atol=1e-3)


def test_oracle_loads_by_the_file_of_the_noise(tmp_path: Path) -> None:
    voice, noise = mixtures.voice_and_noise(6.0)
    soundfile.write(tmp_path / "noise.wav", noise, RATE, subtype="FLOAT")
    stereo = np.stack([voice + noise, voice + noise], axis=1)
    loaded = load(None, noise=tmp_path / "noise.wav").denoise(stereo, RATE)
    expected = oracle(voice + noise, noise, RATE)
    np.testing.assert_allclose(loaded[:, 1], expected, atol=1e-6)


def test_oracle_without_noise_says_what_it_needs() -> None:
    with pytest.raises(UserError, match="noise=FILE"):
        load(None)


def test_noise_that_ends_early_is_an_error(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "noise.wav", np.full(8000, 0.1), RATE)
    with pytest.raises(UserError, match="shorter"):
        load(None, noise=tmp_path / "noise.wav").denoise(np.ones(RATE, np.float32), RATE)

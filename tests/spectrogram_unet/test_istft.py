"""The way back from the spectrogram is the exact inverse of the way there."""

from __future__ import annotations

import numpy as np
import pytest

from prepare_data import stft
from spectrogram_unet import istft


@pytest.mark.parametrize(
    ("n_fft", "hop_length"), [(1024, 160), (1024, 80), (1024, 441), (1024, 512), (512, 100)]
)
@pytest.mark.parametrize("samples", [1024, 16_000, 81_920])
def test_inverse_is_exact(n_fft: int, hop_length: int, samples: int) -> None:
    audio = np.random.default_rng(0).standard_normal(samples)
    spectrum = stft(audio, n_fft=n_fft, hop_length=hop_length)
    back = istft(spectrum, n_fft=n_fft, hop_length=hop_length)
    assert len(back) == samples // hop_length * hop_length
    np.testing.assert_allclose(back, audio[: len(back)], atol=1e-12)


def test_single_precision_stays_within_a_millionth() -> None:
    audio = np.random.default_rng(0).uniform(-1, 1, 81_920).astype(np.float32)
    back = istft(stft(audio, n_fft=1024, hop_length=160), n_fft=1024, hop_length=160)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, audio, atol=1e-6)

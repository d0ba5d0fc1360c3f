"""Played faster, a sound is shorter and higher, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.waveform_unet_lru.live_sounds import RATE
from waveform_unet_lru.live.speeds import played, stretch_length


def _tone(samples: int, hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(samples) / RATE).astype(np.float32)


@pytest.mark.parametrize("speed", [0.5, 0.8, 0.97, 1.25, 2.0])
@pytest.mark.parametrize("samples", [4000, 32_000, 12_345])
def test_speed_changes_length_and_pitch(speed: float, samples: int) -> None:
    length = stretch_length(samples, speed)
    assert length == pytest.approx((samples + 512) * speed, rel=0.03)
    heard = played(_tone(length, 1000), samples)
    assert heard.shape == (samples,) and heard.dtype == np.float32
    assert np.abs(heard).max() == pytest.approx(1, abs=0.02)
    crossings = np.count_nonzero(np.diff(np.signbit(heard)))
    assert crossings * RATE / 2 / samples == pytest.approx(1000 * speed, rel=0.03)


def test_a_speed_of_one_returns_the_stretch_itself() -> None:
    stretch = _tone(5000, 440)
    assert stretch_length(5000, 1.0) == 5000
    assert played(stretch, 5000) is stretch


def test_a_tone_stays_one_tone() -> None:
    heard = played(_tone(stretch_length(8000, 1.25), 300), 8000)
    inner = heard[200:-200]
    spectrum = np.abs(np.fft.rfft(inner * np.hanning(len(inner))))
    peak = int(spectrum.argmax())
    away = np.abs(np.arange(len(spectrum)) - peak) > 8
    assert spectrum[away].max() < 2e-3 * spectrum[peak]


def test_what_is_in_the_middle_stays_there() -> None:
    for speed in (0.5, 1.25, 2.0):
        length = stretch_length(8000, speed)
        middle = np.exp(-(((np.arange(length) - length / 2) / 20) ** 2)).astype(np.float32)
        heard = played(middle, 8000)
        # What is cut off before is fixed, and behind it is what the transform's length leaves.
        assert heard.max() == pytest.approx(1, abs=0.01)
        assert 0 <= int(heard.argmax()) - 4000 < 80


def test_nothing_aliases_and_nothing_is_made_up() -> None:
    samples = 16_000
    high = played(_tone(stretch_length(samples, 2.0), 6000), samples)[300:-300]
    assert np.abs(high).max() < 0.02  # 12 kHz is not heard at 16 kHz
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(stretch_length(samples, 0.5)).astype(np.float32)
    slow = played(noise, samples) * np.hanning(samples)
    power = np.abs(np.fft.rfft(slow)) ** 2
    assert power[4300:].mean() < 1e-5 * power[:3900].mean()

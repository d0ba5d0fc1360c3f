"""Strength, high-pass and level."""

from __future__ import annotations

import numpy as np
import pytest

from enhancement.running.effects import Effects, HighPass, blend
from enhancement.running.level import ActiveLevel
from prepare_data.errors import UserError
from prepare_data.speech_level import active_speech_level


def test_attenuation_is_limited_to_what_was_asked() -> None:
    noisy = np.ones((4, 1), np.float32)
    muted = np.zeros((4, 1), np.float32)
    result = blend(noisy, muted, wet=Effects(attenuation_limit_db=12).wet)
    np.testing.assert_allclose(20 * np.log10(result), -12, atol=1e-4)


def test_limit_and_mix_are_applied_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    noisy, denoised = rng.standard_normal((2, 50, 2)).astype(np.float32)
    limited = denoised + 10 ** (-6 / 20) * (noisy - denoised)
    expected = 0.3 * limited + 0.7 * noisy
    wet = Effects(attenuation_limit_db=6, mix=0.3).wet
    np.testing.assert_allclose(blend(noisy, denoised, wet=wet), expected, atol=1e-6)


def test_off_is_exactly_the_denoised_signal() -> None:
    assert Effects().wet == 1
    assert Effects(attenuation_limit_db=0).wet == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("attenuation_limit_db", -1.0),
        ("attenuation_limit_db", float("nan")),
        ("mix", 1.1),
        ("mix", float("nan")),
        ("highpass_hz", 0.0),
        ("highpass_hz", float("inf")),
        ("normalize_dbfs", 3.0),
        ("normalize_dbfs", float("nan")),
    ],
)
def test_values_out_of_range_are_refused(option: str, value: float) -> None:
    with pytest.raises(UserError, match="--"):
        Effects(**{option: value})


@pytest.mark.parametrize(("hertz", "expected_db"), [(50.0, -24.1), (100.0, -3.0), (1000.0, 0.0)])
def test_highpass_has_the_response_of_a_fourth_order_butterworth(
    hertz: float, expected_db: float
) -> None:
    time = np.arange(32000) / 16000
    tone = np.sin(2 * np.pi * hertz * time).astype(np.float32)[:, None]
    filtered = HighPass(100, 16000).filter(tone)[16000:]
    gain_db = 20 * np.log10(np.std(filtered) / np.std(tone[16000:]))
    assert gain_db == pytest.approx(expected_db, abs=0.1)


def test_highpass_does_not_depend_on_the_blocks_and_takes_an_offset_away_at_once() -> None:
    audio = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((5000, 2)).astype(np.float32)
    whole = HighPass(80, 16000).filter(audio)
    stream = HighPass(80, 16000)
    parts = [stream.filter(part) for part in np.split(audio, [0, 1, 17, 3000])]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    constant = HighPass(80, 16000).filter(np.full((100, 1), 0.5, np.float32))
    assert np.abs(constant).max() < 1e-6


def test_highpass_above_half_the_rate_is_refused() -> None:
    with pytest.raises(UserError, match="8000 Hz"):
        HighPass(4000, 8000)


def bursts(rate: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    gate = np.repeat(rng.random(40) < 0.5, rate // 4)
    return (0.05 * rng.standard_normal(len(gate)) * gate).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_level_in_blocks_agrees_with_the_level_of_the_whole(rate: int) -> None:
    audio = bursts(rate)
    meter = ActiveLevel(rate)
    for part in np.split(audio, [0, 1, 700, 33333]):
        meter.add(part[:, None])
    assert meter.level_dbfs() == pytest.approx(active_speech_level(audio, rate)[0], abs=0.05)


def test_level_of_equal_channels_is_that_of_one_and_of_silence_is_none() -> None:
    audio = bursts(8000)[:, None]
    one, three, silence = ActiveLevel(8000), ActiveLevel(8000), ActiveLevel(8000)
    one.add(audio)
    three.add(np.repeat(audio, 3, axis=1))
    silence.add(0 * audio)
    assert three.level_dbfs() == pytest.approx(one.level_dbfs(), abs=1e-3)
    assert silence.level_dbfs() == -np.inf

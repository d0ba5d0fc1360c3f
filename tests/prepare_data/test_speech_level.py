"""ITU-T P.56 against tone bursts worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import active_speech_level


def tone_bursts(sample_rate: int, on_seconds: float, period_seconds: float = 10.0) -> np.ndarray:
    """One minute of a 440 Hz tone of amplitude 0.1 that sounds for a part of each period."""
    time = np.arange(60 * sample_rate) / sample_rate
    return np.where(time % period_seconds < on_seconds, 0.1 * np.sin(2 * np.pi * 440 * time), 0)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("on_seconds", [3.0, 6.0])
def test_level_of_bursts_spreads_their_power_over_sound_and_hangover(
    sample_rate: int, on_seconds: float
) -> None:
    level, activity = active_speech_level(tone_bursts(sample_rate, on_seconds), sample_rate)
    # Each burst is active while it sounds and 0.2 s longer; the tone has half its peak's power.
    active = on_seconds + 0.2
    by_hand = 10 * math.log10(0.1**2 / 2 * on_seconds / active)
    assert level == pytest.approx(by_hand, abs=0.2)
    assert activity == pytest.approx(active / 10, abs=0.02)


def test_level_of_a_continuous_tone_is_its_power() -> None:
    level, activity = active_speech_level(tone_bursts(16_000, 10), 16_000)
    assert level == pytest.approx(10 * math.log10(0.1**2 / 2), abs=0.05)
    assert activity == pytest.approx(1, abs=0.01)


def test_quiet_background_in_the_pauses_does_not_count_as_activity() -> None:
    rng = np.random.default_rng(0)
    clean = tone_bursts(16_000, 3)
    noisy = clean + 0.1 * 10 ** (-40 / 20) * rng.standard_normal(len(clean))
    assert active_speech_level(noisy, 16_000)[0] == pytest.approx(
        active_speech_level(clean, 16_000)[0], abs=0.1
    )


def test_level_follows_gain_exactly() -> None:
    speech = np.random.default_rng(1).standard_normal(48_000) * np.linspace(0, 0.2, 48_000) ** 2
    level, activity = active_speech_level(speech, 16_000)
    louder, same_activity = active_speech_level(speech * 10, 16_000)
    assert louder == pytest.approx(level + 20, abs=1e-6)
    assert same_activity == pytest.approx(activity, abs=1e-6)


def test_rounding_to_16_bits_moves_the_level_by_next_to_nothing(demo_speech: Path) -> None:
    for path in sorted(demo_speech.glob("*/*.wav"))[::11]:
        audio, rate = soundfile.read(path)
        quiet = audio * 0.05
        rounded = np.rint(quiet * 32_768) / 32_768
        assert active_speech_level(rounded, rate)[0] == pytest.approx(
            active_speech_level(quiet, rate)[0], abs=0.02
        )


def test_silence_has_no_level() -> None:
    assert active_speech_level(np.zeros(1000), 16_000) == (-math.inf, 0.0)
    assert active_speech_level(np.zeros(0), 16_000) == (-math.inf, 0.0)


def test_one_sample_and_short_clicks_have_a_finite_level() -> None:
    for length in (1, 2, 100):
        level, activity = active_speech_level(np.full(length, 0.5), 16_000)
        assert math.isfinite(level)
        assert 0 < activity <= 1


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        active_speech_level(np.zeros((10, 2)), 16_000)

"""ITU-T P.56 against tone bursts worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from prepare_data import active_speech_level
from prepare_data.speech_level import (
    MARGIN_DB,
    SMOOTHING_SECONDS,
    find_threshold,
    smooth_twice,
)

RATES = [8000, 11_025, 16_000, 22_050, 44_100, 48_000]


def tone_bursts(sample_rate: int, on_seconds: float, period_seconds: float = 10.0) -> np.ndarray:
    """One minute of a 440 Hz tone of amplitude 0.1 that sounds for a part of each period."""
    time = np.arange(60 * sample_rate) / sample_rate
    return np.where(time % period_seconds < on_seconds, 0.1 * np.sin(2 * np.pi * 440 * time), 0)


def by_recursion(amplitude: np.ndarray, time_constant: float) -> np.ndarray:
    """Smooth twice as the filter is defined, number by number."""
    pole = math.exp(-1 / time_constant)
    smoothed, first, second = np.empty(len(amplitude)), 0.0, 0.0
    for place, value in enumerate(amplitude.tolist()):
        first = pole * first + (1 - pole) * value
        second = pole * second + (1 - pole) * first
        smoothed[place] = second
    return smoothed


def active_by_definition(envelope: np.ndarray, threshold_db: float, hangover: int) -> int:
    """Count what is above, or was less than a hangover ago."""
    active, left = 0, 0
    for above in (envelope >= 10 ** (threshold_db / 20)).tolist():
        left = hangover if above else left - 1
        active += above or left >= 0
    return active


def halved_without_a_short_cut(envelope: np.ndarray, energy: float, hangover: int) -> float:
    """Halve the interval fourteen times and count each time."""
    low = 10 * math.log10(energy / len(envelope)) - MARGIN_DB
    high = max(low, 20 * math.log10(envelope.max()))
    for _ in range(14):
        middle = (low + high) / 2
        active = active_by_definition(envelope, middle, hangover)
        if active and 10 * math.log10(energy / active) - middle > MARGIN_DB:
            low = middle
        else:
            high = middle
    return (low + high) / 2


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


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("length", [0, 1, 7, 100_000])
def test_running_sums_smooth_as_the_recursion_does(sample_rate: int, length: int) -> None:
    rng = np.random.default_rng(length)
    amplitude = np.abs(rng.standard_normal(length)) * 10 ** rng.uniform(-6, 0, length)
    amplitude[length // 3 : length // 2] = 0
    time_constant = SMOOTHING_SECONDS * sample_rate
    expected = by_recursion(amplitude, time_constant)
    np.testing.assert_allclose(smooth_twice(amplitude, time_constant), expected, rtol=1e-10)


def test_smoothing_goes_on_from_block_to_block_of_a_long_signal() -> None:
    amplitude = np.abs(np.random.default_rng(0).standard_normal(2000))
    expected = by_recursion(amplitude, 3.0)  # a block is 600 samples
    np.testing.assert_allclose(smooth_twice(amplitude, 3.0), expected, rtol=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-90, 0), st.integers(1, 60)), min_size=1, max_size=12),
    st.integers(0, 80),
    st.floats(-40, 10),
)
def test_search_finds_what_counting_at_every_threshold_finds(
    stretches: list[tuple[float, int]], hangover: int, energy_db: float
) -> None:
    levels_db, lengths = zip(*stretches, strict=True)
    envelope = np.repeat(10 ** (np.array(levels_db) / 20), lengths)
    envelope *= np.linspace(0.7, 1, len(envelope))
    energy = float(np.sum(envelope**2)) * 10 ** (energy_db / 10)
    assert find_threshold(envelope, energy, hangover) == halved_without_a_short_cut(
        envelope, energy, hangover
    )

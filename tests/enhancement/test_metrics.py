"""Ratios in decibels, by hand and at their ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from enhancement.metrics import (
    active_samples,
    active_si_sdr,
    calculate_snr,
    si_sdr,
    snr,
)

_VOICE = np.array([1.0, -1.0, 1.0, -1.0])
_OTHER = np.array([1.0, 1.0, -1.0, -1.0])  # at right angles to the voice


def test_si_sdr_by_hand_whatever_the_scale() -> None:
    for scale in (1.0, -3.0, 1e-3):
        assert si_sdr(_VOICE, scale * (_VOICE + 0.1 * _OTHER)) == pytest.approx(20.0)


def test_snr_by_hand_counts_the_scale() -> None:
    assert snr(_VOICE, _VOICE + 0.1 * _OTHER) == pytest.approx(20.0)
    assert snr(_VOICE, 0.5 * _VOICE) == pytest.approx(20 * math.log10(2))


def test_calculate_snr_by_hand() -> None:
    # Power 1 against (0.5^2 + 0 + 0 + 0) / 4 = 1 / 16.
    assert calculate_snr(_VOICE, _VOICE + np.eye(4)[0] / 2) == pytest.approx(10 * math.log10(16))
    assert calculate_snr([2.0], [1.0]) == pytest.approx(10 * math.log10(4))
    noisy, better = _VOICE + _OTHER, _VOICE + 0.1 * _OTHER
    assert calculate_snr(_VOICE, noisy) == pytest.approx(0.0)
    assert calculate_snr(_VOICE, better) - calculate_snr(_VOICE, noisy) == pytest.approx(20.0)


def test_calculate_snr_takes_what_a_network_returns() -> None:
    estimate = (_VOICE + 0.1 * _OTHER).astype(np.float32)
    expected = pytest.approx(20.0, abs=1e-5)
    assert calculate_snr(_VOICE, estimate[None]) == expected
    assert calculate_snr(_VOICE[None], estimate) == expected
    # Two rows: the voice's power 1 both times, the error's (0.01 + 1) / 2.
    both = np.stack([_VOICE + 0.1 * _OTHER, _VOICE + _OTHER])
    assert calculate_snr(_VOICE, both) == pytest.approx(10 * math.log10(1 / 0.505))
    assert calculate_snr(_VOICE, _VOICE[None]) == math.inf
    assert calculate_snr(np.zeros(4), _VOICE) == -math.inf


@pytest.mark.parametrize("shape", [(5,), (4, 1), (1,), (), (2, 5)])
def test_calculate_snr_compares_as_many_samples(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"samples|broadcast"):
        calculate_snr(_VOICE, np.ones(shape))
    with pytest.raises(ValueError, match=r"samples|broadcast"):
        calculate_snr(np.ones(shape), _VOICE)
    with pytest.raises(ValueError, match="samples"):
        calculate_snr([], [])


def test_perfect_and_silent_are_defined() -> None:
    silence = np.zeros(4)
    assert si_sdr(_VOICE, 2 * _VOICE) == math.inf
    assert snr(_VOICE, _VOICE) == math.inf
    for reference, estimate in ((_VOICE, silence), (silence, _VOICE), (silence, silence)):
        assert si_sdr(reference, estimate) == -math.inf
    assert snr(silence, _VOICE) == -math.inf
    assert snr(_VOICE, silence) == pytest.approx(0.0)


@pytest.mark.parametrize("metric", [si_sdr, snr])
def test_other_shapes_are_refused(metric: object) -> None:
    assert callable(metric)
    with pytest.raises(ValueError, match="samples"):
        metric(np.zeros(4), np.zeros(5))
    with pytest.raises(ValueError, match="samples"):
        metric(np.zeros((4, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_refused_instead_of_perfect(wrong: float) -> None:
    broken = np.where(np.arange(4) == 2, wrong, _VOICE)
    for metric in (si_sdr, snr, calculate_snr):
        for pair in ((_VOICE, broken), (broken, _VOICE)):
            with pytest.raises(ValueError, match="not numbers"):
                metric(*pair)
    with pytest.raises(ValueError, match="not numbers"):
        active_si_sdr(_VOICE, broken, 16_000)


def test_muting_pauses_earns_nothing_over_active_frames() -> None:
    generator = np.random.default_rng(0)
    speaking = np.repeat(np.tile([True, False], 5), 8000)
    voice = np.where(speaking, 1.0, 0.01) * np.sin(np.arange(len(speaking)) / 5)
    noisy = voice + 0.3 * generator.standard_normal(len(voice))
    active = active_samples(voice, 16_000)
    assert np.mean(active == speaking) > 0.99
    muted = np.where(active, noisy, 0.0)
    assert si_sdr(voice, muted) > si_sdr(voice, noisy) + 2
    assert active_si_sdr(voice, muted, 16_000) == active_si_sdr(voice, noisy, 16_000)


def test_silence_has_no_active_samples() -> None:
    assert not active_samples(np.zeros(1000), 16_000).any()

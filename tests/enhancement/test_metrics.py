"""Ratios in decibels, by hand and at their ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from enhancement.metrics import active_samples, active_si_sdr, si_sdr, snr

_VOICE = np.array([1.0, -1.0, 1.0, -1.0])
_OTHER = np.array([1.0, 1.0, -1.0, -1.0])  # at right angles to the voice


def test_si_sdr_by_hand_whatever_the_scale() -> None:
    for scale in (1.0, -3.0, 1e-3):
        assert si_sdr(_VOICE, scale * (_VOICE + 0.1 * _OTHER)) == pytest.approx(20.0)


def test_snr_by_hand_counts_the_scale() -> None:
    assert snr(_VOICE, _VOICE + 0.1 * _OTHER) == pytest.approx(20.0)
    assert snr(_VOICE, 0.5 * _VOICE) == pytest.approx(20 * math.log10(2))


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

"""Filters bend spectra by what their numbers say, and leave flat recordings alone."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from tests.waveform_unet_lru.live_sounds import RATE
from waveform_unet_lru.live.augment import curve_response, filter_numbers, filtered, response
from waveform_unet_lru.live.draws import Filter
from waveform_unet_lru.live.shapes import CURVE_HZ

_FREQUENCIES = torch.tensor([0.0, 62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0])


def _decibels(one: Filter) -> list[float]:
    return (20 * torch.log10(response(filter_numbers([one]), _FREQUENCIES)))[0].tolist()


def test_tilt_is_decibels_an_octave_around_one_kilohertz() -> None:
    assert _decibels(Filter(tilt_db=-3))[1:] == pytest.approx(
        [12, 9, 6, 3, 0, -3, -6, -9], abs=1e-4
    )


def test_shelves_and_peak_stand_where_they_should() -> None:
    low = _decibels(Filter(low_db=6, low_hz=250))
    assert low[0] == pytest.approx(6, abs=0.1) and low[3] == pytest.approx(3, abs=1e-3)
    assert low[-1] == pytest.approx(0, abs=0.01)
    high = _decibels(Filter(high_db=-8, high_hz=4000))
    assert high[-2] == pytest.approx(-4, abs=1e-3) and abs(high[3]) < 0.01
    peak = _decibels(Filter(peak_db=10, peak_hz=1000, peak_octaves=0.5))
    assert peak[5] == pytest.approx(10, abs=1e-3)
    assert peak[6] == pytest.approx(10 * math.exp(-4), abs=1e-3) == peak[4]


def test_curves_go_through_their_points_and_straight_between_them() -> None:
    points = torch.linspace(-20, 20, len(CURVE_HZ))[None]
    at_points = curve_response(points, torch.from_numpy(CURVE_HZ).float())
    torch.testing.assert_close(20 * torch.log10(at_points), points, rtol=0, atol=1e-3)
    # A quarter of the way from one point to the next; then below the first and above the last.
    between = torch.tensor([20 * 2 ** (8.25 / 8), 0.0, 24_000.0])
    decibels = 20 * torch.log10(curve_response(points, between))[0]
    assert decibels.tolist() == pytest.approx([-20 + 8.25 * 0.5, -20, 20], abs=1e-3)


def test_a_curve_bends_its_own_recording_only() -> None:
    audio = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    curve = torch.zeros(2, len(CURVE_HZ))
    curve[1] = 6
    flat = filter_numbers([Filter(), Filter()])
    changed = filtered(audio, flat, sample_rate=RATE, curve=curve)
    assert torch.equal(changed[0], audio[0])
    torch.testing.assert_close(changed[1], 10 ** (6 / 20) * audio[1], rtol=1e-4, atol=1e-4)


def test_only_what_is_bent_changes() -> None:
    audio = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0))
    before = audio.clone()
    numbers = filter_numbers([Filter(), Filter(tilt_db=2), Filter()])
    highest = torch.tensor([math.inf, math.inf, 3000.0])
    changed = filtered(audio, numbers, sample_rate=RATE, highest_hz=highest)
    assert torch.equal(audio, before)
    assert torch.equal(changed[0], audio[0])
    assert not torch.allclose(changed[1], audio[1]) and not torch.allclose(changed[2], audio[2])


def test_recordings_of_white_noise_get_the_colour_drawn_for_them() -> None:
    audio = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0))
    numbers = filter_numbers([Filter(tilt_db=-6), Filter(tilt_db=3)])
    power = torch.fft.rfft(filtered(audio, numbers, sample_rate=RATE)).abs().square()
    for row, octave_db in enumerate((-6, 3)):
        bands = [power[row, edge : 2 * edge].mean() for edge in (500, 1000, 2000)]
        for lower, upper in pairwise(bands):
            assert 10 * math.log10(upper / lower) == pytest.approx(octave_db, abs=0.7)


def test_nothing_is_left_above_a_band_limit() -> None:
    audio = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    flat = filter_numbers([Filter()])
    limited = filtered(audio, flat, sample_rate=RATE, highest_hz=torch.tensor([3000.0]))
    before, after = torch.fft.rfft(audio).abs(), torch.fft.rfft(limited).abs()
    assert float(after[0, 3200:].max()) < 1e-3 * float(before.max())
    torch.testing.assert_close(after[0, :3000], before[0, :3000], rtol=1e-3, atol=1e-3)

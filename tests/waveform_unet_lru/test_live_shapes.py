"""How sounds are shaped is drawn within its ranges, as often as it should be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prepare_data.random_numbers import generator
from waveform_unet_lru.live.draws import PLAIN, VALIDATION, Draw, Ranges, draw_mixture
from waveform_unet_lru.live.shapes import (
    CURVE_HZ,
    LONGEST_RT60,
    Room,
    Shaping,
    band_curve,
    draw_shaping,
    peak_curve,
)

_MANY = 4000


def _drawn(ranges: Ranges, many: int) -> list[tuple[Draw, Shaping]]:
    draws = [draw_mixture(generator(1, i), ranges, i) for i in range(many)]
    return [(one, draw_shaping(generator(2, i), ranges, one)) for i, one in enumerate(draws)]


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Draw, Shaping]]:
    return _drawn(Ranges(), _MANY)


def test_shares_are_those_asked_for(drawn: list[tuple[Draw, Shaping]]) -> None:
    ranges = Ranges()
    all_shapings = [shaping for _, shaping in drawn]
    recorded = [shaping for draw, shaping in drawn if draw.kind == "recorded"]
    coloured = [shaping for draw, shaping in drawn if draw.kind == "coloured"]
    others = [shaping for draw, shaping in drawn if draw.kind != "coloured"]
    for share, happened in (
        (ranges.noise_speed, [s.noise_speed != 1 for s in recorded]),
        (ranges.noise_bands, [s.noise_curve.any() for s in others]),
        (ranges.modulation, [s.modulated for s in coloured]),
        (ranges.voice_speed, [s.voice_speed != 1 for s in all_shapings]),
        (ranges.voice_bands, [s.voice_curve.any() for s in all_shapings]),
        (ranges.rooms, [s.voice_room != Room() for s in all_shapings]),
        (ranges.rooms / 2, [s.noise_room != Room() for s in all_shapings]),
        (ranges.clipping, [s.clip_db > 0 for s in all_shapings]),
    ):
        assert np.mean(happened) == pytest.approx(share, abs=4 * math.sqrt(share / len(happened)))
    assert all(s.noise_curve.any() for s in coloured)
    assert all(s.noise_speed == 1 for draw, s in drawn if draw.kind != "recorded")


def test_numbers_lie_in_their_ranges(drawn: list[tuple[Draw, Shaping]]) -> None:
    rooms = [shaping.voice_room for _, shaping in drawn if shaping.voice_room != Room()]
    for values, low, high in (
        ([s.noise_speed for _, s in drawn], 0.5, 2.0),
        ([s.voice_speed for _, s in drawn], 0.8, 1.25),
        ([float(db) for _, s in drawn for db in s.voice_curve[::10]], -6.0, 6.0),
        ([room.rt60 for room in rooms], 0.1, LONGEST_RT60),
    ):
        near = 0.05 * (high - low)
        assert low <= min(values) <= low + near and high - near <= max(values) <= high
    bands = [s.noise_curve for d, s in drawn if d.kind != "coloured" and s.noise_curve.any()]
    assert 9.9 < np.abs(bands).max() <= 10


def test_a_noise_is_in_another_room_than_the_voice_or_in_none(
    drawn: list[tuple[Draw, Shaping]],
) -> None:
    for _, shaping in drawn:
        assert shaping.noise_room == Room() or shaping.noise_room != shaping.voice_room
        assert shaping.voice_room != Room() or shaping.noise_room == Room()


@pytest.mark.parametrize("ranges", [PLAIN, VALIDATION])
def test_plain_ranges_shape_nothing(ranges: Ranges) -> None:
    for _, shaping in _drawn(ranges, 200):
        assert not shaping.voice_curve.any() and not shaping.noise_curve.any()
        assert shaping.voice_room == shaping.noise_room == Room()
        assert shaping.voice_speed == shaping.noise_speed == 1
        assert not shaping.modulated and shaping.clip_db == 0


def test_bands_are_octaves_with_straight_lines_between_them() -> None:
    curve = dict(zip(CURVE_HZ.round(3).tolist(), band_curve(np.arange(8.0)).tolist(), strict=True))
    octaves = np.log2(np.array(list(curve)) / 62.5)
    assert list(curve.values()) == pytest.approx(octaves.clip(0, 7).tolist(), abs=1e-4)


def test_peaks_stand_at_their_places_and_add_up() -> None:
    at = np.array([CURVE_HZ[40], CURVE_HZ[48]])  # an octave from each other
    curve = peak_curve(np.array([12.0, -6.0]), at, np.array([0.5, 1.0]))
    assert curve[40] == pytest.approx(12 - 6 * math.exp(-1), abs=1e-4)
    assert curve[48] == pytest.approx(-6 + 12 * math.exp(-4), abs=1e-4)
    assert abs(curve[0]) < 1e-3


def test_a_steep_colour_ends_towards_low_frequencies() -> None:
    """Tilt and curve together fall from 200 Hz on, and do not rise for ever below 30 Hz."""
    ranges = Ranges(coloured=1.0, colours_db=(-12.0, -12.0))
    total = np.zeros(len(CURVE_HZ))
    for draw, shaping in _drawn(ranges, 400):
        total += shaping.noise_curve + draw.noise_filter.tilt_db * np.log2(CURVE_HZ / 1000)
    slopes = np.diff(total / 400) * 8
    assert abs(slopes[CURVE_HZ[1:] < 30]).max() < 1
    assert slopes[CURVE_HZ[:-1] > 200] == pytest.approx(-12, abs=4)

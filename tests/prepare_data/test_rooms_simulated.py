"""Simulated rooms: that they last as long as was drawn, and are the same every time."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from prepare_data.random_numbers import generator
from prepare_data.rooms_simulated import draw_room, simulate

RATE = 8000


def reverberation_time(samples: np.ndarray) -> float:
    """Fit the decay from -5 to -25 dB of Schroeder's backward integral (ISO 3382-1's T20)."""
    energy = np.cumsum(samples[::-1] ** 2)[::-1]
    decibels = 10 * np.log10(energy[energy > 0] / energy[0])
    fitted = np.flatnonzero((decibels <= -5) & (decibels >= -25))
    slope, _ = np.polyfit(fitted / RATE, decibels[fitted], 1)
    return -60 / slope


def test_responses_decay_as_long_as_was_drawn() -> None:
    rooms = [draw_room(generator("decay", number)) for number in range(16)]
    ratios = np.array([reverberation_time(simulate(r, RATE)) / r["rt60_seconds"] for r in rooms])
    assert np.mean(ratios) == pytest.approx(1, abs=0.15)
    assert np.mean(np.abs(ratios - 1)) < 0.25


def test_rooms_are_drawn_over_the_whole_range_and_can_exist() -> None:
    rooms = [draw_room(generator("range", number)) for number in range(400)]
    times = np.array([room["rt60_seconds"] for room in rooms])
    assert 0.1 <= times.min() < 0.13
    assert 0.77 < times.max() <= 0.8
    assert np.mean(times) == pytest.approx(0.45, abs=0.03)
    for room in rooms:
        assert 0 < room["absorption"] <= 0.9
        for place in (room["mouth_metres"], room["microphone_metres"]):
            assert all(0.5 <= x <= s - 0.5 for x, s in zip(place, room["size_metres"], strict=True))
        assert math.dist(room["mouth_metres"], room["microphone_metres"]) >= 0.3


def test_the_response_does_not_depend_on_the_number_of_threads() -> None:
    import pyroomacoustics

    room = draw_room(generator("threads"))
    pyroomacoustics.constants.set("num_threads", 3)
    one = simulate(room, RATE)
    pyroomacoustics.constants.set("num_threads", 1)
    two = simulate(json.loads(json.dumps(room)), RATE)
    assert np.array_equal(one, two)

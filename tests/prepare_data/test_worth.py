"""What is remembered of a recording tells the same as its levels, which are not looked at again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prepare_data.errors import AudioError
from prepare_data.measure import Levels, find_speech, measure
from prepare_data.measurements import Measurements
from prepare_data.settings import Settings
from prepare_data.voices import why_no_speech
from prepare_data.worth import Worth, weigh
from tests.prepare_data.sounds import write_sound


def random_levels(rng: np.random.Generator) -> Levels:
    """Bursts of any length and loudness over a floor."""
    frames = int(rng.integers(10, 2000))
    codes = rng.integers(100, 140, frames)
    for _ in range(int(rng.integers(1, 6))):
        first = int(rng.integers(frames))
        codes[first : first + int(rng.integers(1, 400))] += int(rng.integers(20, 115))
    return Levels(16_000, 1, 160 * frames, 160, -10.0, np.minimum(codes, 255).astype(np.uint8))


@pytest.mark.parametrize("min_activity", [0.0, 0.4, 0.9])
def test_worth_promises_speech_only_where_the_levels_give_it(min_activity: float) -> None:
    settings = Settings(min_activity=min_activity)
    rng = np.random.default_rng(0)
    promised = 0
    for _ in range(300):
        levels = random_levels(rng)
        if weigh(levels).surely_speech(settings):
            promised += 1
            assert why_no_speech(levels, find_speech(levels), settings) is None
    assert promised > 100


def test_worth_is_remembered_to_the_last_bit(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 3)
    first = Measurements(tmp_path / "m.sqlite")
    levels = measure(path)
    first.put(path, levels)
    bad = write_sound(tmp_path / "bad.wav", 1)
    first.put(bad, AudioError("of no use"))
    first.close()
    second = Measurements(tmp_path / "m.sqlite")
    assert second.worth(path) == weigh(levels)
    assert isinstance(second.worth(path), Worth)
    assert second.worth(bad) == second.get(bad) == "of no use"
    assert second.worth(tmp_path / "never.wav") is None
    second.close()

"""From noise to gain."""

from __future__ import annotations

import numpy as np
import pytest

from prepare_data.errors import UserError
from spectrogram_unet import GainRule


def test_wiener_and_subtraction_by_hand() -> None:
    half_the_power = np.array([10 * np.log10(0.5)])
    assert GainRule("wiener", 1.0, -60).gains(half_the_power) == pytest.approx(0.5)
    assert GainRule("subtraction", 1.0, -60).gains(half_the_power) == pytest.approx(np.sqrt(0.5))
    assert GainRule("wiener", 1.5, -60).gains(half_the_power) == pytest.approx(0.25)


@pytest.mark.parametrize("rule", ["wiener", "subtraction"])
def test_gains_stay_between_floor_and_one(rule: str) -> None:
    gains = GainRule(rule, 2.0, -20.0).gains(np.linspace(-100, 100, 201))
    assert gains.min() == pytest.approx(0.1)
    assert gains[0] == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(gains) <= 0).all()


@pytest.mark.parametrize(
    ("options", "what"),
    [({"rule": "magic"}, "--rule"), ({"beta": 0.0}, "--beta"), ({"floor_db": 3.0}, "--floor-db")],
)
def test_impossible_rules_are_named(options: dict, what: str) -> None:
    with pytest.raises(UserError, match=what):
        GainRule(**options)

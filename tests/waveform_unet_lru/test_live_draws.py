"""What is drawn of a mixture lies in its ranges, as often as it should."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from prepare_data.random_numbers import generator
from waveform_unet_lru.live.draws import VALIDATION, Draw, Filter, Ranges, draw_mixture

_MANY = 4000


@pytest.fixture(scope="module")
def draws() -> list[Draw]:
    return [draw_mixture(generator(1, i), Ranges(), i) for i in range(_MANY)]


def test_the_same_generator_gives_the_same_draw(draws: list[Draw]) -> None:
    assert draw_mixture(generator(1, 7), Ranges(), 7) == draws[7]
    assert len({draw.snr_db for draw in draws}) == _MANY


def test_numbers_fill_their_ranges(draws: list[Draw]) -> None:
    snrs = [draw.snr_db for draw in draws]
    levels = [draw.level_dbfs for draw in draws]
    for values, (low, high) in ((snrs, Ranges().snr_db), (levels, Ranges().level_dbfs)):
        assert low <= min(values) < low + 0.1 and high - 0.1 < max(values) <= high
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=0.7)


def test_shares_are_those_asked_for(draws: list[Draw]) -> None:
    expected = {
        "without_voice": [not draw.has_voice for draw in draws],
        "without_noise": [not draw.has_noise for draw in draws],
        "coloured": [draw.kind == "coloured" for draw in draws],
        "babble": [draw.kind == "babble" for draw in draws],
        "second_noise": [draw.second_noise for draw in draws],
        "channel_filter": [draw.channel_filter != Filter() for draw in draws],
        "band_limit": [math.isfinite(draw.highest_hz) for draw in draws],
    }
    for name, drawn in expected.items():
        share = getattr(Ranges(), name)
        assert np.mean(drawn) == pytest.approx(share, abs=4 * math.sqrt(share / _MANY)), name
    assert all(draw.has_voice or draw.has_noise for draw in draws)
    recorded = [draw.noise_filter != Filter() for draw in draws if draw.kind == "recorded"]
    assert np.mean(recorded) == pytest.approx(Ranges().noise_filter, abs=0.04)
    assert all(draw.noise_filter.tilt_db for draw in draws if draw.kind == "coloured")


def test_validation_takes_the_ratios_in_turn_and_bends_nothing() -> None:
    drawn = [draw_mixture(generator(0, i), VALIDATION, i) for i in range(60)]
    counts = Counter(draw.snr_db for draw in drawn)
    assert counts == {snr_db: 10 for snr_db in (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)}
    for draw in drawn:
        assert draw.has_voice and draw.has_noise and draw.kind == "recorded"
        assert astuple(draw.noise_filter) == astuple(draw.channel_filter) == astuple(Filter())
        assert draw.highest_hz == math.inf

"""What is drawn of a mixture lies in its ranges, as often as it should."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest

from prepare_data.random_numbers import generator
from waveform_unet_lru.live.draws import (
    FAINT_SNR_DB,
    PLAIN,
    VALIDATION,
    Draw,
    Filter,
    Ranges,
    draw_mixture,
)

_MANY = 4000


@pytest.fixture(scope="module")
def draws() -> list[Draw]:
    return [draw_mixture(generator(1, i), Ranges(), i) for i in range(_MANY)]


def test_the_same_generator_gives_the_same_draw(draws: list[Draw]) -> None:
    assert draw_mixture(generator(1, 7), Ranges(), 7) == draws[7]
    assert len({draw.level_dbfs for draw in draws}) == _MANY


def test_numbers_fill_their_ranges(draws: list[Draw]) -> None:
    snrs = [draw.snr_db for draw in draws if draw.snr_db != FAINT_SNR_DB]
    levels = [draw.level_dbfs for draw in draws]
    for values, (low, high) in ((snrs, Ranges().snr_db), (levels, Ranges().level_dbfs)):
        assert low <= min(values) < low + 0.1 and high - 0.1 < max(values) <= high
        assert np.mean(values) == pytest.approx((low + high) / 2, abs=0.7)


def test_shares_are_those_asked_for(draws: list[Draw]) -> None:
    expected = {
        "without_voice": [not draw.has_voice for draw in draws],
        "without_noise": [not draw.has_noise for draw in draws],
        "faint_noise": [draw.snr_db == FAINT_SNR_DB for draw in draws],
        "coloured": [draw.kind == "coloured" for draw in draws],
        "babble": [draw.kind == "babble" for draw in draws],
        "tonal": [draw.kind == "tonal" for draw in draws],
        "clicks": [draw.kind == "clicks" for draw in draws],
        "second_noise": [draw.noises >= 2 for draw in draws],
        "third_noise": [draw.noises == 3 for draw in draws],
        "channel_filter": [draw.channel_filter != Filter() for draw in draws],
        "band_limit": [math.isfinite(draw.highest_hz) for draw in draws],
    }
    for name, drawn in expected.items():
        share = getattr(Ranges(), name)
        assert np.mean(drawn) == pytest.approx(share, abs=4 * math.sqrt(share / _MANY)), name
    assert all(draw.has_voice or draw.has_noise for draw in draws)
    recorded = np.mean([draw.kind == "recorded" for draw in draws])
    assert recorded == pytest.approx(0.4, abs=0.04)


def test_colours_fill_their_range(draws: list[Draw]) -> None:
    tilts = [draw.noise_filter.tilt_db for draw in draws if draw.kind == "coloured"]
    low, high = Ranges().colours_db
    assert low <= min(tilts) < low + 0.2 and high - 0.2 < max(tilts) <= high
    others = {astuple(draw.noise_filter) for draw in draws if draw.kind != "coloured"}
    assert others == {astuple(Filter())}


def test_plain_ranges_bend_half_of_the_recorded_noises_smoothly() -> None:
    drawn = [draw_mixture(generator(2, i), PLAIN, i) for i in range(_MANY)]
    recorded = [draw for draw in drawn if draw.kind == "recorded"]
    assert {draw.kind for draw in drawn} == {"recorded", "coloured", "babble"}
    assert {draw.noises for draw in drawn} == {1, 2}
    bent = np.mean([draw.noise_filter != Filter() for draw in recorded])
    assert bent == pytest.approx(PLAIN.noise_filter, abs=0.04)


def test_a_thing_that_is_never_drawn_changes_nothing_else() -> None:
    """What was drawn before there were further kinds of noise is drawn still."""
    rng = generator(0, 5)
    snr_db, level_dbfs = rng.uniform(-7, 30), rng.uniform(-45, -12)
    draw = draw_mixture(generator(0, 5), PLAIN, 5)
    assert (draw.snr_db, draw.level_dbfs) == (snr_db, level_dbfs)
    without = Ranges(tonal=0.0, clicks=0.0, faint_noise=0.0, third_noise=0.0)
    for index in range(200):
        all_kinds = draw_mixture(generator(index), Ranges(), index)
        fewer = draw_mixture(generator(index), without, index)
        if all_kinds.kind in ("coloured", "babble"):
            assert fewer.kind == all_kinds.kind
        assert fewer.channel_filter == all_kinds.channel_filter


def test_validation_takes_the_ratios_in_turn_and_bends_nothing() -> None:
    drawn = [draw_mixture(generator(0, i), VALIDATION, i) for i in range(60)]
    counts = Counter(draw.snr_db for draw in drawn)
    assert counts == {snr_db: 10 for snr_db in (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)}
    for draw in drawn:
        assert draw.has_voice and draw.has_noise and draw.kind == "recorded"
        assert astuple(draw.noise_filter) == astuple(draw.channel_filter) == astuple(Filter())
        assert draw.highest_hz == math.inf

"""The parts of the report: pictures, figures, the choice of clips, numbers for people."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from enhancement.evaluation.results import Results
from enhancement.report.choice import choose_clips
from enhancement.report.figures import figure_by_category, figure_by_snr
from enhancement.report.page import leading, number_text
from enhancement.report.pictures import HEIGHT, WIDTH, picture_bytes, power_columns
from tests.enhancement.report_results import HOSTILE, METRICS, RATE, voice, write_results


def test_a_tone_is_where_its_frequency_is() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    power = power_columns(tone, RATE)
    picture = Image.open(io.BytesIO(picture_bytes(power, loudest=float(power.max()))))
    assert picture.size == (WIDTH, HEIGHT)
    middle = np.asarray(picture)[:, WIDTH // 2]
    from_below = HEIGHT - 1 - int(np.argmax(middle))
    assert from_below == pytest.approx(1000 / 8000 * HEIGHT, abs=2)
    assert middle[: HEIGHT // 2].max() == 0


def test_time_runs_from_left_to_right_in_a_picture() -> None:
    audio = np.zeros(2 * RATE, np.float32)
    audio[RATE + RATE // 2 :] = np.random.default_rng(0).normal(0, 0.1, RATE // 2)
    columns = power_columns(audio, RATE).sum(axis=0)
    begins = int(np.argmax(columns > 0.1 * columns.max()))
    assert begins == pytest.approx(0.75 * WIDTH, abs=4)


def test_pictures_of_a_clip_share_one_scale() -> None:
    power = power_columns(voice(1.0, 0), RATE)
    loudest = float(power.max())
    shades = [
        int(np.asarray(Image.open(io.BytesIO(picture_bytes(p, loudest=loudest)))).max())
        for p in (power, power / 1e4)
    ]
    assert shades[0] >= 62  # two rows of the spectrum make one of the picture
    assert shades[0] - shades[1] == pytest.approx(63 * 40 / 80, abs=1)


def _many(count: int) -> list[dict[str, Any]]:
    return [{"snr_db": 5.0 * (n % 6), "category": "abcde"[n // 6 % 5]} for n in range(count)]


def test_all_clips_are_shown_where_there_is_room() -> None:
    choice = choose_clips(_many(12), {}, 12)
    assert choice.shown == tuple(range(12)) and choice.worst == 0


def test_the_choice_is_even_and_has_the_worst_clips() -> None:
    clips = _many(900)
    rng = np.random.default_rng(0)
    gains: Any = {s: dict(enumerate(rng.normal(size=900).tolist())) for s in ("one", "other")}
    choice = choose_clips(clips, gains, 200)
    assert choice == choose_clips(clips, gains, 200)
    assert len(set(choice.shown)) == 200 and list(choice.shown) == sorted(choice.shown)
    assert choice.worst == 50
    for by_clip in gains.values():
        assert set(sorted(by_clip, key=by_clip.__getitem__)[:20]) <= set(choice.shown)
    rest = choose_clips(clips, {}, 150).shown
    for key, times in (("snr_db", 25), ("category", 30)):
        assert set(Counter(clips[p][key] for p in rest).values()) == {times}


def test_the_choice_takes_what_little_is_known() -> None:
    clips = [{"snr_db": None, "category": None}] * 9
    gains: Any = {"one": {3: float("nan"), 4: -1.0}}
    assert 4 in choose_clips(clips, gains, 4).shown
    assert len(choose_clips(clips, gains, 4).shown) == 4


def test_figures_take_any_name_and_the_colours_of_the_page(tmp_path: Path) -> None:
    systems = ("noisy", "_hidden", "$\\frac{$", HOSTILE)
    summary = write_results(tmp_path, systems=systems[:3], categories=("$\\frac{$", HOSTILE))
    for draw, by in ((figure_by_snr, "snr_db"), (figure_by_category, "category")):
        rows = [row for row in summary["rows"] if row["by"] == by]
        svg = draw(rows, {**METRICS[0], "label": "$^{$"}, systems[:3])
        assert svg and svg.startswith("<svg") and "<script" not in svg
        assert "var(--system-0)" in svg and "var(--system-2)" in svg
        assert "currentColor" in svg and "#fe0" not in svg
        assert draw([], METRICS[0], systems) is None
    assert "&lt;script&gt;" in (svg or "")


def test_numbers_are_said_as_people_write_them() -> None:
    assert number_text(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert number_text(0.26, 1, signed=True) == "+0.3"
    assert number_text(-0.001, 2, signed=True) == "0.00"
    assert number_text(None, 2) == number_text(float("nan"), 2) == "\N{EN DASH}"


def _compared(better: str, **gains: tuple[float, float, float]) -> Results:
    """Return results of one metric, "score"; a system called oracle knows the answer."""
    kinds = {"noisy": "untouched", "oracle": "oracle"}
    names = ("gain", "gain_low", "gain_high")
    values: dict[str, dict[str, float | None]] = {
        name: dict(zip(names, gain, strict=True)) for name, gain in gains.items()
    }
    values["noisy"] = dict.fromkeys(names)
    return Results(
        folder=Path(),
        made={},
        data={},
        systems=[{"name": name, "kind": kinds.get(name, "folder")} for name in values],
        metrics=[{"name": "score", "better": better}],
        clips=[],
        rows=[
            {"system": name, "by": "all", "value": None, "metrics": {"score": value}}
            for name, value in values.items()
        ],
        failures=[],
        scores=[],
    )


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ({"a": (2.0, 1.5, 2.5), "b": (1.0, 0.5, 1.4)}, {"a"}),
        ({"a": (2.0, 1.5, 2.5), "b": (1.6, 1.2, 2.0)}, {"a", "b"}),
        ({"a": (2.0, 1.5, 2.5), "oracle": (9.0, 8.0, 9.5)}, {"a"}),
        ({"a": (-2.0, -2.5, -1.5), "b": (-1.0, -1.4, -0.5)}, {"noisy"}),
        ({"a": (0.1, -0.1, 0.3)}, {"a", "noisy"}),
    ],
)
def test_what_leads_is_not_clearly_below_the_largest_gain(
    gains: dict[str, tuple[float, float, float]], expected: set[str]
) -> None:
    assert leading(_compared("higher", **gains)) == {(name, "score") for name in expected}
    turned = {name: (-gain, -high, -low) for name, (gain, low, high) in gains.items()}
    assert leading(_compared("lower", **turned)) == {(name, "score") for name in expected}

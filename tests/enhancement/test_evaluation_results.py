"""Results on disk that are damaged, missing or of another time; and how intervals come about."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from enhancement.evaluation.clips import Clip
from enhancement.evaluation.results import read_results
from enhancement.evaluation.summary import Compared, summary_rows
from prepare_data.errors import UserError
from tests.enhancement import small_set
from tests.enhancement.evaluations import evaluate


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The results of an evaluation."""
    data = small_set.write_small_set(tmp_path / "set")
    assert evaluate(data, tmp_path / "out") == 0
    return tmp_path / "out"


def test_a_folder_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no results of `python -m enhancement evaluate`"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("summary.json", "{", "cannot be read"),
        ("summary.json", "[]", "format version None"),
        ("summary.json", '{"format_version": 2}', "format version 2; this program reads 1"),
        ("summary.json", '{"format_version": 1, "made": {}}', "it lacks data, systems"),
        ("scores.csv", None, "is not there"),
        ("scores.csv", "clip,system,si_sdr\na,b,loud\n", "is damaged"),
    ],
)
def test_damage_is_one_sentence(out: Path, name: str, content: str | None, message: str) -> None:
    if content is None:
        (out / name).unlink()
    else:
        (out / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_results(out)


def _compared(clips: list[Clip], gains_db: np.ndarray, **more: object) -> Compared:
    records = {}
    for index, clip in enumerate(clips):
        for system, value in (("noisy", 1.0), ("ours", 1.0 + gains_db[index])):
            record = {"scores": {"snr": value, "stoi": -value}, "failures": []}
            records[system, clip.id] = record
    options = {"reference": None, **more}
    return Compared(clips, ["noisy", "ours"], ["snr", "stoi"], records, "noisy", **options)  # type: ignore[arg-type]


def _clips(count: int, **known: object) -> list[Clip]:
    return [
        Clip(f"{index}", Path("noisy"), None, **{k: v[index] for k, v in known.items()})  # type: ignore[index]
        for index in range(count)
    ]


def _widths(clips: list[Clip], gains_db: np.ndarray) -> float:
    row = summary_rows(_compared(clips, gains_db))[1]
    values = row["metrics"]["snr"]
    assert values["gain_low"] <= values["gain"] <= values["gain_high"]
    return values["gain_high"] - values["gain_low"]


def test_intervals_resample_what_is_known() -> None:
    gains_db = np.repeat([0.0, 1.0, 2.0, 3.0], 25)
    speakers = [f"s{index // 25}" for index in range(100)]
    noises = [(f"n{index // 25}",) for index in range(100)]
    known = _widths(_clips(100, speaker=speakers), gains_db)
    by_noise = _widths(_clips(100, noises=noises), gains_db)
    unknown = _widths(_clips(100), gains_db)
    # The clips themselves: 1.96 standard errors to both sides.
    expected = 2 * 1.96 * gains_db.std() / 10
    assert unknown == pytest.approx(expected, rel=0.1)
    assert known > 3 * unknown and by_noise > 3 * unknown


def test_rows_are_of_all_clips_and_of_those_alike() -> None:
    clips = _clips(4, snr_db=[0.0, 0.0, 5.0, 5.0], category=["a", "b", None, "a"], corpus=["x"] * 4)
    rows = summary_rows(_compared(clips, np.array([1.0, 2.0, 3.0, 6.0])))
    found = {
        (row["by"], row["value"]): (row["clips"], row["metrics"]["snr"]["gain"])
        for row in rows
        if row["system"] == "ours"
    }
    assert found == {
        ("all", None): (4, 3.0),
        ("snr_db", 0.0): (2, 1.5),
        ("snr_db", 5.0): (2, 4.5),
        ("category", "a"): (2, 3.5),
        ("category", "b"): (1, 2.0),
        ("corpus", "x"): (4, 3.0),
    }
    assert rows[1]["metrics"]["stoi"]["gain"] == -3.0
    json.dumps(rows)  # plain types


def test_many_different_snrs_are_gathered_in_steps() -> None:
    clips = _clips(40, snr_db=[index / 2 for index in range(40)])
    rows = summary_rows(_compared(clips, np.zeros(40)))
    values = sorted({row["value"] for row in rows if row["by"] == "snr_db"})
    assert values == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_a_clip_that_one_system_lacks_counts_for_none() -> None:
    clips = _clips(3)
    compared = _compared(clips, np.array([1.0, 2.0, 30.0]))
    record = compared.records["ours", "2"]
    record["scores"].pop("stoi")
    record["failures"].append(["stoi", "too short"])
    assert [clip.id for clip in compared.common_clips()] == ["0", "1"]
    row = summary_rows(compared)[1]
    assert row["clips"] == 2 and row["metrics"]["snr"]["gain"] == 1.5
    assert compared.failures() == [
        {"clip": "2", "system": "ours", "metric": "stoi", "reason": "too short"}
    ]

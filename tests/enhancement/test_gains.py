"""Gains on a data set: worked out by hand, beside a ceiling, in a table and on disk."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from enhancement.evaluation.cli import add_evaluation_arguments, evaluate
from enhancement.evaluation.gains import is_finite, measured, real_time_factor
from prepare_data.dataset import DataSet
from prepare_data.errors import UserError
from tests.enhancement import small_set


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with a test sample at 0, 0 and 10 dB."""
    return small_set.write_small_set(tmp_path_factory.mktemp("small"))


def _arguments(data: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_evaluation_arguments(parser)
    return parser.parse_args(["--data", str(data), "--split", "test", *more])


def test_gains_by_hand(data: Path) -> None:
    denoiser = small_set.Knowing()
    clips = list(measured(denoiser, DataSet(data).samples("test")))
    assert [clip["id"] for clip in clips] == ["000000", "000001", "000002"]
    assert [clip["speaker"] for clip in clips] == ["speaker 0", "speaker 1", "speaker 0"]
    assert clips[2]["noises"] == ["noise 2"] and denoiser.rates == [small_set.RATE] * 3
    for clip in clips:
        assert clip["noisy_db"] == pytest.approx(clip["snr_db"], abs=0.01)
        assert clip["gain_db"] == pytest.approx(20, abs=0.01)
        assert clip["active_gain_db"] == pytest.approx(20, abs=0.01)
        assert clip["seconds"] == 1.0 and "oracle_gain_db" not in clip


def test_a_ceiling_may_know_more(data: Path) -> None:
    samples = DataSet(data).samples("test")
    best = measured(
        small_set.Knowing(),
        samples,
        ceiling=lambda sample: sample.audio("voice") + 0.01 * sample.audio("noise"),
    )
    for clip in best:
        assert clip["oracle_gain_db"] == pytest.approx(40, abs=0.01)
        assert clip["oracle_active_gain_db"] == pytest.approx(40, abs=0.01)


def test_the_real_time_factor_is_that_of_all_clips_together() -> None:
    clips = [
        {"seconds": 1.0, "processing_seconds": 0.5},
        {"seconds": 9.0, "processing_seconds": 0.5},
    ]
    assert real_time_factor(clips) == pytest.approx(0.1)


def test_evaluate_prints_a_table_and_writes_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new folder" / "gains.json"
    namespace = _arguments(data, "--out", str(out))
    assert evaluate(namespace, small_set.Knowing(), about={"rule": "none"}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["0", "2"], ["10", "1"], ["all", "3"]]
    assert lines[4].startswith("real-time factor ") and len(lines) == 5
    written = json.loads(out.read_text())
    assert [row["snr_db"] for row in written["rows"]] == [0.0, 10.0, None]
    assert written["rows"][2]["gain_db"] == pytest.approx(20, abs=0.01)
    assert written["rule"] == "none" and written["real_time_factor"] > 0


def test_a_muted_clip_is_listed_instead_of_averaged(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(_arguments(data), small_set.Knowing(muted=[1])) == 0
    shown = capsys.readouterr().out
    assert "left out, voice or result being silent (1): 000001" in shown
    assert "inf" not in shown and "nan" not in shown
    muted = list(measured(small_set.Knowing(muted=[0, 2]), DataSet(data).samples("test")))
    assert [is_finite(clip) for clip in muted] == [False, True, False]
    with pytest.raises(UserError, match="none of the 3 samples can be measured"):
        evaluate(_arguments(data), small_set.Knowing(muted=range(3)))


def test_a_result_that_is_no_number_is_listed_too(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(small_set.Knowing):
        def denoise(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
            found = super().denoise(audio, sample_rate)
            return found * np.nan if len(self.rates) == 2 else found

    assert evaluate(_arguments(data), Broken()) == 0
    assert "(1): 000001" in capsys.readouterr().out


def test_a_limit_takes_the_first_samples(data: Path) -> None:
    denoiser = small_set.Knowing()
    evaluate(_arguments(data, "--limit", "2"), denoiser)
    assert len(denoiser.rates) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0"], "--limit is 0"),
        (["--split", "val"], "no samples in val"),
        (["--out", "."], "is a folder"),
    ],
)
def test_what_cannot_be_is_said_before_the_work(
    data: Path, options: list[str], message: str
) -> None:
    denoiser = small_set.Knowing()
    with pytest.raises(UserError, match=message):
        evaluate(_arguments(data, *options), denoiser)
    assert denoiser.rates == []

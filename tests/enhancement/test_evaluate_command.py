"""`python -m enhancement evaluate`: what it measures, writes and shows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from enhancement.denoiser import Denoiser
from enhancement.evaluation.results import read_results
from tests.enhancement import small_set
from tests.enhancement.evaluations import evaluate, write_results

Use = Callable[[Denoiser], None]
MODEL = ("--system", "live")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with a test sample at 0, 0 and 10 dB."""
    return small_set.write_small_set(tmp_path / "set")


def _summary(out: Path) -> dict[str, Any]:
    return json.loads((out / "summary.json").read_text())


def _rows(out: Path, by: str) -> dict[tuple[str, Any], dict[str, Any]]:
    return {(r["system"], r["value"]): r for r in _summary(out)["rows"] if r["by"] == by}


def test_gains_over_the_input_by_hand(data: Path, tmp_path: Path, use: Use) -> None:
    use(small_set.Knowing())
    out = tmp_path / "out"
    folder = write_results(tmp_path / "theirs", [5.0, 15.0, 10.0])
    assert evaluate(data, out, "--system", "ours=live", "--system", f"theirs={folder}") == 0
    rows = _rows(out, "all")
    assert [system for system, _ in rows] == ["noisy", "ours", "theirs"]
    for name in ("si_sdr", "snr"):
        noisy, ours, theirs = (row["metrics"][name] for row in rows.values())
        assert noisy["mean"] == pytest.approx(10 / 3, abs=0.01) and noisy["gain"] is None
        assert ours["mean"] == pytest.approx(70 / 3, abs=0.01)
        # 20 dB for each clip: there is nothing to be unsure of.
        ends = [ours[f"gain{end}"] for end in ("", "_low", "_high")]
        assert ends == pytest.approx([20.0] * 3, abs=0.01)
        assert theirs["gain"] == pytest.approx(10.0, abs=0.01)
        assert theirs["gain_low"] < 9 and theirs["gain_high"] > 11
    at_zero = _rows(out, "snr_db")["theirs", 0.0]
    assert at_zero["clips"] == 2
    assert at_zero["metrics"]["snr"]["gain"] == pytest.approx(10.0, abs=0.01)


def test_what_is_written(data: Path, tmp_path: Path, use: Use) -> None:
    use(small_set.Knowing())
    out = tmp_path / "out"
    folder = write_results(tmp_path / "theirs", [5.0, 15.0, 10.0])
    evaluate(data, out, *MODEL, "--system", f"theirs={folder}")
    summary = _summary(out)
    assert summary["format_version"] == 1 and summary["failures"] == []
    about = {"kind": "data set", "path": str(data), "split": "test", "clips": 3, "notes": []}
    assert summary["data"] == about
    assert "--system live" in summary["made"]["command"] and summary["made"]["seconds"] > 0
    assert {"python", "numpy", "voice-from-noise"} <= summary["made"]["versions"].keys()
    assert "cores" in summary["made"]["machine"]
    noisy, live, theirs = summary["systems"]
    assert noisy["kind"] == "untouched" and noisy["real_time_factor"] is None
    assert noisy["audio"] == str(data / "test/audio/noisy_voice")
    assert live["kind"] == "checkpoint" and live["audio"] == "audio/live"
    assert live["real_time_factor"] > 0
    assert theirs["kind"] == "folder" and theirs["audio"] == str(folder)
    assert theirs["real_time_factor"] is None
    assert summary["metrics"][0] == {
        "name": "si_sdr",
        "label": "SI-SDR",
        "unit": "dB",
        "digits": 2,
        "better": "higher",
    }
    clip = summary["clips"][1]
    assert clip["id"] == "000001" and clip["speaker"] == "speaker 1"
    assert clip["noises"] == ["noise 1"] and clip["snr_db"] == 0.0
    assert (clip["seconds"], clip["sample_rate"]) == (1.0, small_set.RATE)
    assert Path(clip["clean"]).is_file() and Path(clip["noisy"]).is_file()
    with open(out / "scores.csv", newline="") as file:
        scores = list(csv.DictReader(file))
    known = "clip,system,snr_db,category,corpus,speaker,noises,seconds,processing_seconds"
    assert ",".join(scores[0]) == f"{known},si_sdr,snr,error"
    assert len(scores) == 9 and scores[0]["processing_seconds"] == ""
    assert float(scores[1]["si_sdr"]) == pytest.approx(20.0, abs=0.01)
    audio, rate = soundfile.read(out / "audio/live/000000.wav", dtype="float32")
    assert soundfile.info(out / "audio/live/000000.wav").subtype == "FLOAT"
    assert rate == small_set.RATE
    np.testing.assert_allclose(audio, small_set.VOICE + small_set.noise_at(20), atol=1e-6)


def test_the_results_can_be_read_back(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = write_results(tmp_path / "theirs", [5.0, 15.0, 10.0])
    evaluate(data, out, "--system", f"theirs={folder}")
    results = read_results(out)
    assert results.scores[1]["si_sdr"] == pytest.approx(5.0, abs=0.01)
    assert results.scores[1]["processing_seconds"] is None and results.scores[1]["clip"] == "000000"
    assert results.audio_folder("theirs") == folder
    assert [row["system"] for row in results.rows if row["by"] == "all"] == ["noisy", "theirs"]


def test_what_failed_is_listed_and_counts_for_no_system(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    good = write_results(tmp_path / "good", [10.0, 10.0, 10.0])
    bad = write_results(tmp_path / "bad", [10.0])
    soundfile.write(bad / "000001.wav", small_set.VOICE[:-1], small_set.RATE, subtype="FLOAT")
    assert evaluate(data, out, "--system", f"good={good}", "--system", f"bad={bad}") == 0
    failures = {(f["clip"], f["system"]): f for f in _summary(out)["failures"]}
    assert list(failures) == [("000001", "bad"), ("000002", "bad")]
    assert failures["000001", "bad"]["reason"] == ("the result has 15999 samples instead of 16000")
    assert failures["000002", "bad"]["reason"] == f"{bad} has no file of that name"
    assert {row["clips"] for row in _summary(out)["rows"]} == {1}
    shown = capsys.readouterr().out
    assert "2 of 3 clips failed; the means are over the 1 that" in shown
    assert "000002 bad:" in shown
    with open(out / "scores.csv", newline="") as file:
        errors = {(row["clip"], row["system"]): row["error"] for row in csv.DictReader(file)}
    assert errors["000001", "bad"] and not errors["000001", "good"]


@pytest.mark.parametrize(
    ("audio", "rate", "reason", "metrics"),
    [
        (np.full(16_000, np.nan), 16_000, "not numbers", [None]),
        (np.zeros(16_000), 16_000, "silent", ["si_sdr"]),
        (small_set.VOICE, 8_000, "is at 8000 Hz, the noisy recording at 16000 Hz", [None]),
        (np.stack([small_set.VOICE] * 2, axis=1), 16_000, "2 channels", [None]),
        (small_set.VOICE, 16_000, "the same", ["si_sdr", "snr"]),
        (small_set.VOICE[:1], 16_000, "1 samples instead of 16000", [None]),
    ],
)
def test_each_fault_of_a_file_has_its_reason(
    data: Path, tmp_path: Path, audio: np.ndarray, rate: int, reason: str, metrics: list
) -> None:
    theirs = write_results(tmp_path / "theirs", [5.0, 5.0, 5.0])
    soundfile.write(theirs / "000001.wav", audio, rate, subtype="DOUBLE")
    assert evaluate(data, tmp_path / "out", "--system", f"theirs={theirs}") == 0
    failures = _summary(tmp_path / "out")["failures"]
    assert {(f["clip"], f["system"]) for f in failures} == {("000001", "theirs")}
    assert [f["metric"] for f in failures] == metrics
    assert all(reason in f["reason"] for f in failures)


def test_damaged_and_missing_recordings_are_listed(data: Path, tmp_path: Path) -> None:
    (data / "test/audio/noisy_voice/000000.wav").unlink()
    (data / "test/audio/voice/000002.wav").write_bytes(b"no sound")
    assert evaluate(data, tmp_path / "out") == 0
    failures = {f["clip"]: f["reason"] for f in _summary(tmp_path / "out")["failures"]}
    assert failures["000000"].startswith("the noisy recording cannot be opened")
    assert failures["000002"].startswith("the clean voice ")


class _Failing(small_set.Knowing):
    """Fails at the second recording after the first, with which it is warmed up."""

    def denoise_blocks(self, blocks: Any, sample_rate: int) -> Any:
        if len(self.rates) == 2:
            self.rates.append(sample_rate)
            raise RuntimeError("too loud")
        return super().denoise_blocks(blocks, sample_rate)


def test_a_model_that_fails_at_a_clip_goes_on(data: Path, tmp_path: Path, use: Use) -> None:
    use(_Failing())
    assert evaluate(data, tmp_path / "out", *MODEL) == 0
    (failure,) = _summary(tmp_path / "out")["failures"]
    assert failure["clip"] == "000001" and failure["reason"] == "live failed: too loud"


def test_where_nothing_can_be_measured_it_says_why(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = tmp_path / "silent"
    silent.mkdir()
    for index in range(3):
        soundfile.write(silent / f"{index:06d}.wav", np.zeros(16_000), 16_000)
    assert evaluate(data, tmp_path / "out", "--system", f"silent={silent}") == 2
    shown = capsys.readouterr().err
    assert "none of the 3 clips can be measured for every system" in shown and "000000" in shown
    assert len(_summary(tmp_path / "out")["failures"]) == 3


def test_the_others_are_set_against_a_reference(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folders = [
        f"{name}={write_results(tmp_path / name, gains)}"
        for name, gains in (("better", [9.0, 12.0, 9.0]), ("worse", [1.0, 4.0, 1.0]))
    ]
    systems = [word for folder in folders for word in ("--system", folder)]
    evaluate(data, out, *systems, "--reference", "worse")
    rows = _rows(out, "all")
    against = rows["better", None]["against"]
    assert against["system"] == "worse"
    values = against["metrics"]["si_sdr"]
    assert list(values.values()) == pytest.approx([8.0] * 3, abs=0.01)  # paired: no spread
    assert "against" not in rows["worse", None]


def test_the_table_has_each_system_and_snr(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = write_results(tmp_path / "theirs", [5.0, 5.0, 5.0])
    evaluate(data, tmp_path / "out", "--system", f"theirs={theirs}")
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if line.startswith("theirs") and "[" in line)
    assert " ".join(line.split()[1:]) == "8.33 [5.00, 15.00] +5.00 [+5.00, +5.00] 5.00 15.00"
    assert "means over 3 clips" in shown and str(tmp_path / "out") in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "val"], "no samples in val"),
        (["--limit", "0"], "--limit is 0"),
        (["--metrics", "psnr"], "psnr is not a known metric"),
        (["--reference", "best"], "--reference best is none of the systems"),
        (["--system", "noisy=live"], "--system noisy is there twice"),
        (["--system", "a/b=live"], "no name for a folder"),
        (["--system", "a=live", "--system", "A=live"], "--system A is there twice"),
        (["--system", "x=nowhere"], "neither a file nor a known model"),
        (["--noisy", "somewhere"], "either a data set"),
        (["--clean", "somewhere"], "--clean goes with --noisy"),
        (["--preset", "voicebank"], "needs --clean and --noisy"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_the_work(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert evaluate(data, tmp_path / "out", *options) == 2
    shown = capsys.readouterr().err
    assert message in shown and len(shown.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_clip_is_no_system(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(data, tmp_path / "out", "--system", f"x={data}") == 2
    assert "neither a training run (it has no best.safetensors)" in capsys.readouterr().err

"""What is measured on: samples of a data set, and recordings in folders."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.__main__ import main
from enhancement.evaluation import clips as clips_module
from enhancement.evaluation.clips import clips_of_data_set, clips_of_folders, spread
from enhancement.evaluation.results import read_results
from prepare_data.audio_io import AudioInfo
from prepare_data.errors import UserError
from tests.enhancement import small_set
from tests.enhancement.evaluations import write_pairs


def test_a_limit_is_spread_evenly_and_keeps_the_order() -> None:
    assert spread(range(10), 5) == [1, 3, 5, 7, 9]
    assert spread(range(10), 1) == [5]
    assert spread(range(3), None) == spread(range(3), 9) == [0, 1, 2]
    for limit in range(1, 101):
        chosen = spread(range(100), limit)
        assert len(set(chosen)) == limit and chosen == sorted(chosen)
        assert max(np.diff([-1, *chosen, 100])) <= 100 / limit + 1


def test_each_snr_has_its_share_of_a_limit(tmp_path: Path) -> None:
    # In turn, as data sets have them: every sixth sample alone would be all of one SNR.
    data = small_set.write_small_set(tmp_path, [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0] * 6)
    chosen = clips_of_data_set(data, "test", 12)
    assert set(Counter(clip.snr_db for clip in chosen.clips).values()) == {2}
    assert chosen == clips_of_data_set(data, "test", 12)
    ids = [clip.id for clip in chosen.clips]
    assert ids == sorted(ids)


def test_what_a_data_set_says_of_its_samples(tmp_path: Path) -> None:
    data = small_set.write_small_set(tmp_path)
    lines = [json.loads(line) for line in (data / "manifest.jsonl").read_text().splitlines()]
    lines[0]["voice"] = [{"source": "books/anna", "root": 1}]
    lines[0]["noises"] = [{"source": "b", "category": "rain"}, {"source": "a", "category": "rain"}]
    lines[1]["noises"] = [{"source": "b", "category": "rain"}, {"source": "c", "category": "dogs"}]
    (data / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    description = json.loads((data / "dataset.json").read_text())
    description["corpora"] = [{"name": "rains"}, {"name": "books"}]
    (data / "dataset.json").write_text(json.dumps(description))
    first, second, third = clips_of_data_set(data, "test").clips
    assert (first.corpus, first.speaker, first.category) == ("books", "books/anna", "rain")
    assert first.noises == ("a", "b") and second.category == "mixed"
    assert (third.corpus, third.category) == (None, None)
    assert (first.seconds, first.sample_rate) == (1.0, small_set.RATE)
    assert first.noise is not None and first.noise.is_file()


def test_pairs_without_a_partner_are_told(tmp_path: Path) -> None:
    noisy, clean = write_pairs(tmp_path)
    (clean / "p232_001.wav").unlink()
    clips = clips_of_folders(noisy, clean)
    assert [clip.id for clip in clips.clips] == ["p232_000", "p232_002"]
    assert clips.clips[0].clean == clean / "p232_000.wav" and clips.has_clean
    (note,) = clips.notes
    assert "p232_001" in note
    with pytest.raises(UserError, match="nowhere is not there"):
        clips_of_folders(noisy, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    for pair, message in (
        ((tmp_path / "empty", None), "empty holds no recordings"),
        ((noisy, tmp_path / "empty"), "no recording in .*empty is called as one in .*noisy is"),
        ((noisy / "p232_000.wav", None), "p232_000.wav is a file; a folder"),
    ):
        with pytest.raises(UserError, match=message):
            clips_of_folders(*pair)


def test_a_part_of_the_preset_s_clips_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips_module, "VOICEBANK_CLIPS", 3)
    pair = write_pairs(tmp_path)
    assert clips_of_folders(*pair, voicebank=True).notes == ()
    (note,) = clips_of_folders(*pair, 2, voicebank=True).notes
    assert "do not compare with published ones" in note


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    noisy, clean = write_pairs(tmp_path)
    soundfile.write(noisy / "p232_001.flac", small_set.VOICE, small_set.RATE)
    for voices in (None, clean):
        with pytest.raises(UserError, match=r"p232_001\.flac and p232_001\.wav"):
            clips_of_folders(noisy, voices)


def test_the_length_is_counted_where_the_file_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy, _ = write_pairs(tmp_path, 1)
    untold = AudioInfo(small_set.RATE, 1, None)
    monkeypatch.setattr(clips_module, "read_info", lambda path: untold)
    assert clips_of_folders(noisy, None).clips[0].seconds == 1.0


def _evaluate(noisy: Path, clean: Path | None, out: Path, *more: str) -> int:
    words = ["--noisy", str(noisy), *(["--clean", str(clean)] if clean else [])]
    return main(["evaluate", *words, "--out", str(out), "--jobs", "0", *more])


def test_pairs_are_measured(tmp_path: Path) -> None:
    noisy, clean = write_pairs(tmp_path)
    assert _evaluate(noisy, clean, tmp_path / "out", "--metrics", "si_sdr") == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["data"]["kind"] == "pairs" and summary["data"]["split"] is None
    assert {row["by"] for row in summary["rows"]} == {"all"}
    assert summary["rows"][0]["metrics"]["si_sdr"]["mean"] == pytest.approx(10, abs=0.01)
    assert summary["clips"][0]["speaker"] is None and summary["clips"][0]["noises"] == []


def test_without_clean_voices_there_is_only_what_needs_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("speechmos", reason="speechmos is not installed (the extra eval)")
    noisy, _ = write_pairs(tmp_path, 1)
    assert _evaluate(noisy, None, tmp_path / "out") == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    names = [metric["name"] for metric in summary["metrics"]]
    assert names == ["dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl"]
    assert summary["clips"][0]["clean"] is None
    assert _evaluate(noisy, None, tmp_path / "out", "--metrics", "si_sdr", "dnsmos_sig") == 2
    assert "si_sdr needs the clean voices" in capsys.readouterr().err


def test_the_preset_measures_at_16_khz_and_counts_the_clips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy, clean = write_pairs(tmp_path, 2, rate=48_000)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for index in range(2):  # at another rate than the input, which the protocol resamples anyway
        audio, _ = soundfile.read(clean / f"p232_{index:03d}.wav")
        at_16 = audio[::3] + 0.01 * np.cos(2 * np.pi * 3000 * np.arange(len(audio[::3])) / 16_000)
        soundfile.write(theirs / f"p232_{index:03d}.wav", at_16, 16_000, subtype="FLOAT")
    options = ["--preset", "voicebank", "--metrics", "si_sdr", "--system", f"theirs={theirs}"]
    assert _evaluate(noisy, clean, tmp_path / "out", *options) == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    (note,) = summary["data"]["notes"]
    assert "2 clips of" in note and "the test set of VoiceBank+DEMAND has 824" in note
    assert note in capsys.readouterr().out
    assert summary["failures"] == [] and summary["data"]["kind"] == "voicebank"
    assert {clip["sample_rate"] for clip in summary["clips"]} == {16_000}
    means = {row["system"]: row["metrics"]["si_sdr"]["mean"] for row in summary["rows"]}
    assert means["noisy"] == pytest.approx(10, abs=0.1)
    assert means["theirs"] == pytest.approx(20, abs=0.3)
    soundfile.write(theirs / "p232_001.wav", at_16[:-3], 16_000, subtype="FLOAT")
    assert _evaluate(noisy, clean, tmp_path / "out", *options) == 0
    (failure,) = json.loads((tmp_path / "out/summary.json").read_text())["failures"]
    assert failure["clip"] == "p232_001" and "instead of 5333" in failure["reason"]


def test_recordings_in_stereo_are_measured_and_stay_stereo(tmp_path: Path) -> None:
    noisy, clean = write_pairs(tmp_path, 2, rate=44_100)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for index, channels in enumerate((2, 1)):  # the other system gives one channel for two, too
        name = f"p232_{index:03d}.wav"
        for folder in (noisy, clean):
            one, rate = soundfile.read(folder / name)
            left_and_right = np.stack([1.5 * one, 0.5 * one], axis=1)
            soundfile.write(folder / name, left_and_right, rate, subtype="FLOAT")
        voice, better = small_set.VOICE, small_set.VOICE + small_set.noise_at(25)
        estimate = better if channels == 1 else np.stack([better + voice, better - voice], axis=1)
        soundfile.write(theirs / name, estimate, 44_100, subtype="FLOAT")
    words = ["--metrics", "si_sdr", "--system", f"theirs={theirs}", "--system", "live"]
    assert _evaluate(noisy, clean, tmp_path / "out", *words) == 0
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["failures"] == []
    means = {row["system"]: row["metrics"]["si_sdr"]["mean"] for row in summary["rows"]}
    assert means["noisy"] == pytest.approx(10, abs=0.05)
    assert means["theirs"] == pytest.approx(25, abs=0.05)
    assert soundfile.info(tmp_path / "out/audio/live/p232_000.wav").channels == 2


def test_names_that_are_no_text_are_measured_and_written(tmp_path: Path) -> None:
    noisy, clean = write_pairs(tmp_path, 1)
    for folder in (noisy, clean):
        target = os.fsencode(folder) + b"/caf\xe9.wav"
        try:
            os.rename(os.fsencode(folder / "p232_000.wav"), target)
        except OSError:
            pytest.skip("this file system takes only names that are text")
    assert _evaluate(noisy, clean, tmp_path / "out", "--metrics", "si_sdr") == 0
    results = read_results(tmp_path / "out")
    (score,) = results.scores
    assert score["clip"] == results.clips[0]["id"] == os.fsdecode(b"caf\xe9")
    assert b"\ncaf\xe9,noisy," in (tmp_path / "out/scores.csv").read_bytes()

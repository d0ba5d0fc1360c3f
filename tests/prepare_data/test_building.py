"""Data sets on disk: what was promised of their bytes, and that nothing is lost when it stops."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import DataSet, active_speech_level, decode_picture, render, stft
from prepare_data.__main__ import main
from prepare_data.check import check
from prepare_data.mixing import power_db
from tests.prepare_data.commands import command, contents


def assert_sound(out: Path) -> None:
    """The promises that the files and the manifest alone can show."""
    found = check(out, quiet=True)
    assert not found.problems
    assert not found.crossing
    assert found.worst_snr_error_db <= 0.1


def test_written_audio_adds_up_and_has_the_ratios_asked_for(built: Path) -> None:
    assert_sound(built)
    data = DataSet(built)
    assert len(list(data)) == len(data) == 24
    for sample in data:
        info = soundfile.info(sample.audio_path("voice"))
        assert (info.samplerate, info.subtype, info.frames) == (16_000, "PCM_16", 81_920)
        noisy = sample.audio("noisy_voice")
        assert power_db(noisy) == pytest.approx(sample.line["level_dbfs"], abs=0.01)
        assert sample.line["level_dbfs"] <= sample.line["target_level_dbfs"] + 0.1
        measured, _ = active_speech_level(sample.audio("noise"), 16_000)
        assert sample.line["noise_active_level_dbfs"] == pytest.approx(measured, abs=0.01)


def test_the_check_sees_what_is_wrong(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    subprocess.run(["cp", "-r", str(built), str(out)], check=True)
    first, second, third, fourth, *_ = DataSet(out)
    voice, rate = soundfile.read(first.audio_path("voice"), dtype="int16")
    soundfile.write(first.audio_path("voice"), voice + 1, rate)
    for kind in ("noise", "noisy_voice"):
        soundfile.write(second.audio_path(kind), np.roll(second.audio(kind), 1) * 0.5, rate)
    third.audio_path("noise").unlink()
    manifest = (out / "manifest.jsonl").read_text().splitlines()
    moved = json.loads(manifest[3])
    moved["snr_db"] += 0.2
    lines = [json.dumps(moved) if i == 3 else line for i, line in enumerate(manifest)]
    (out / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    problems = check(out, quiet=True).problems
    assert [problem.split(":")[0] for problem in problems] == [
        sample.id for sample in (first, second, third, fourth)
    ]


def test_pictures_show_the_audio_at_one_scale(built: Path) -> None:
    for sample in list(DataSet(built))[::6]:
        _, noisy_scale = sample.picture("noisy_voice")
        for kind in ("voice", "noise", "noisy_voice"):
            picture, scale = sample.picture(kind)
            assert scale == noisy_scale
            magnitude = np.abs(stft(sample.audio(kind), n_fft=1024, hop_length=160))[:512]
            decoded = decode_picture(picture, scale)
            loud = magnitude > scale.reference * 10 ** (-70 / 20)
            loud &= magnitude < scale.reference
            assert np.abs(20 * np.log10(decoded[loud] / magnitude[loud])).max() < 0.16


def test_a_line_of_the_manifest_renders_the_same_bytes_again(built: Path) -> None:
    data = DataSet(built)
    roots = [Path(corpus["root"]) for corpus in data.description["corpora"]]
    for sample in list(data)[::5]:
        rendered = render(sample.line, roots, data.settings)
        for kind, audio in rendered.audio.items():
            written, _ = soundfile.read(sample.audio_path(kind), dtype="int16")
            assert np.array_equal(audio, written)


def test_description_tells_settings_corpora_and_totals(built: Path) -> None:
    description = json.loads((built / "dataset.json").read_text())
    assert description["complete"] is True
    assert description["settings"]["seed"] == 0
    assert description["counts"] == {"train": 12, "val": 6, "test": 6, "all": 24}
    assert description["seconds"]["all"] == pytest.approx(24 * 5.12)
    assert [corpus["kind"] for corpus in description["corpora"]] == ["speech", "noise"]
    assert len({corpus["fingerprint"] for corpus in description["corpora"]}) == 2


def test_any_number_of_jobs_gives_the_same_bytes(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    assert main(command(demo_speech, demo_noise, tmp_path / "two", "--jobs", "2")) == 0
    assert contents(tmp_path / "two") == contents(built)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--seed", "1"), "seed was 0 and is 1"),
        (("--seconds", "4"), "seconds was 5.12 and is 4.0"),
        (("--samples", "13", "6", "6"), "samples was"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused_with_the_difference_named(
    built: Path,
    demo_speech: Path,
    demo_noise: Path,
    capsys: pytest.CaptureFixture[str],
    option: tuple[str, ...],
    words: str,
) -> None:
    before = contents(built)
    assert main(command(demo_speech, demo_noise, built, *option)) == 2
    message = capsys.readouterr().err
    assert words in message
    assert "--overwrite" in message
    assert contents(built) == before


def test_other_recordings_in_the_same_folder_are_refused(
    built: Path,
    tmp_path: Path,
    demo_noise: Path,
    demo_speech: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(command(demo_speech / "voice_01", demo_noise, built)) == 2
    assert "is missing" in capsys.readouterr().err


def test_overwrite_replaces_the_data_set_and_nothing_else(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    subprocess.run(["cp", "-r", str(built), str(out)], check=True)
    (out / "my notes.txt").write_text("keep")
    options = ("--overwrite", "--samples", "3", "1", "1", "--no-spectrograms")
    assert main(command(demo_speech, demo_noise, out, *options)) == 0
    assert len(DataSet(out)) == 5
    assert len(list(out.glob("*/audio/voice/*.wav"))) == 5
    assert not list(out.glob("*/spectrogram"))
    assert (out / "my notes.txt").read_text() == "keep"


def test_folders_of_somebody_else_are_not_written_into(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/precious.wav").touch()
    assert main(command(demo_speech, demo_noise, tmp_path, "--overwrite")) == 2
    assert "not this program's" in capsys.readouterr().err
    assert (tmp_path / "train/precious.wav").exists()


def test_another_programs_description_is_never_overwritten(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/precious.wav").touch()
    (tmp_path / "dataset.json").write_text('{"name": "mine"}')
    (tmp_path / ".download.partial").touch()
    assert main(command(demo_speech, demo_noise, tmp_path, "--overwrite")) == 2
    assert "dataset.json cannot be read" in capsys.readouterr().err
    assert (tmp_path / "train/precious.wav").exists()
    assert (tmp_path / ".download.partial").exists()


def test_the_folder_of_the_recordings_is_no_place_for_the_data_set(
    demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(demo_speech, demo_noise, demo_speech)) == 2
    assert "is the folder of the recordings" in capsys.readouterr().err
    assert not (demo_speech / "train").exists()


def test_flac_rates_and_amplitude_blending(
    tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    options = (
        "--samples",
        "2",
        "1",
        "1",
        "--audio-format",
        "flac",
        "--sample-rate",
        "8000",
        "--seconds",
        "5",
        "--hop-length",
        "512",
        "--noise-level",
        "0.2",
        "0.8",
        "--picture-scale",
        "own",
    )
    assert main(command(demo_speech, demo_noise, out, *options)) == 0
    for sample in DataSet(out):
        assert soundfile.info(sample.audio_path("voice")).samplerate == 8000
        assert len(sample.audio("voice")) == 40_000
        assert 0.2 <= sample.line["noise_level"] <= 0.8
        assert "snr_db" in sample.line
        picture, scale = sample.picture("voice")
        assert (picture.shape, scale.scale, scale.hop_length) == ((512, 512), "own", 512)
        assert (sample.audio("voice") + sample.audio("noise")).max() == pytest.approx(
            sample.audio("noisy_voice").max(), abs=1e-4
        )


def test_skipped_recordings_are_listed_with_reasons(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--min-duration", "6", "--samples", "2", "1", "1", "--no-spectrograms")
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 0
    rows = list(csv.reader((tmp_path / "set/skipped.csv").read_text().splitlines()))
    assert rows[0] == ["file", "reason"]
    assert len(rows) > 10
    assert all("--min-duration 6" in reason for _, reason in rows[1:])
    assert f"{len(rows) - 1} recordings left out" in capsys.readouterr().out


def test_built_in_corpora_need_no_recordings_and_are_said_to_be_synthetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    arguments = ["--speech", "--noise", "--out", str(out), "--samples", "6", "1", "1", "--quiet"]
    assert main(arguments) == 0
    assert main(arguments) == 0  # made once
    printed = capsys.readouterr().out
    assert "synthetic" in printed
    assert "nothing to do" in printed
    assert all(corpus["synthetic"] for corpus in DataSet(out).description["corpora"])


def test_plan_only_renders_nothing(tmp_path: Path, demo_speech: Path, demo_noise: Path) -> None:
    out = tmp_path / "set"
    assert main(command(demo_speech, demo_noise, out, "--plan-only")) == 0
    lines = [json.loads(line) for line in (out / "plan.jsonl").read_text().splitlines()]
    assert len(lines) == 24
    assert not list(out.rglob("*.wav"))


def test_real_recordings_in_small(speech_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    noise = speech_data / "noise/ESC-50-excerpt"
    assert (
        main(
            [
                *command(
                    speech_data / "speech/LibriSpeech", noise, out, "--samples", "12", "6", "6"
                ),
                "--min-speech-snr-db",
                "25",
                "30",
            ]
        )
        == 0
    )
    assert_sound(out)

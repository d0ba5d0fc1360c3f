"""Data sets with rooms: the sum, the ratio and the bytes keep their promises."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from prepare_data import DataSet, Plan, Settings, active_speech_level, collect, render
from prepare_data.__main__ import main
from prepare_data.check import check
from prepare_data.collection import Collection
from prepare_data.mixing import power_db
from tests.prepare_data.commands import command, contents
from tests.prepare_data.room_sounds import (
    ECHO_SECONDS,
    decaying,
    echo,
    write_response,
    write_rooms,
)

SMALL = ("--samples", "6", "2", "2", "--no-spectrograms")
SETTINGS = Settings(samples=(6, 2, 2), reverb=1.0)
RATE = SETTINGS.sample_rate
ECHO_GAIN = 0.3


@pytest.fixture(scope="module")
def echoing(
    tmp_path_factory: pytest.TempPathFactory, demo_speech: Path, demo_noise: Path
) -> Collection:
    """The built-in sounds, and a room with one echo."""
    rooms = write_response(tmp_path_factory.mktemp("rooms") / "echo.wav", echo(RATE, ECHO_GAIN))
    return collect([demo_speech], [demo_noise], SETTINGS, rooms=[rooms.parent], quiet=True)


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, demo_speech: Path, demo_noise: Path
) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "set"
    assert main(command(demo_speech, demo_noise, out, *SMALL, "--reverb", "0.6")) == 0
    return out


def assert_sound(out: Path) -> None:
    found = check(out, quiet=True)
    assert not found.problems
    assert not found.crossing
    assert found.worst_snr_error_db <= 0.1


def roots(data: DataSet) -> list[Path]:
    return [Path(corpus["root"]) for corpus in data.description["corpora"]]


def assert_renders_again(out: Path) -> None:
    """From dataset.json and the manifest alone."""
    data = DataSet(out)
    for sample in data:
        again = render(json.loads(json.dumps(sample.line)), roots(data), data.settings)
        for kind, audio in again.audio.items():
            written, _ = soundfile.read(sample.audio_path(kind), dtype="int16")
            assert np.array_equal(audio, written)


def test_simulated_rooms_keep_the_sum_and_the_ratio(simulated: Path) -> None:
    assert_sound(simulated)
    lines = [sample.line for sample in DataSet(simulated)]
    in_rooms = [line for line in lines if "room" in line]
    assert 0 < len(in_rooms) < len(lines)
    assert all(-120 <= line["late_reverb_db"] < 10 for line in in_rooms)
    assert not any("late_reverb_db" in line for line in lines if "room" not in line)
    assert "pyroomacoustics" in DataSet(simulated).description["made_with"]


def test_simulated_rooms_give_the_same_bytes_for_any_number_of_jobs(
    simulated: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    options = (*SMALL, "--reverb", "0.6", "--jobs", "2")
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 0
    assert contents(tmp_path / "set") == contents(simulated)


def test_a_line_with_a_simulated_room_renders_again_from_the_manifest(simulated: Path) -> None:
    assert_renders_again(simulated)


@pytest.mark.parametrize("target", ["full", "early"])
def test_recorded_rooms_keep_the_sum_the_ratio_and_the_split(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, target: str
) -> None:
    rooms = write_rooms(tmp_path / "rooms", 8)
    options = (*SMALL, "--rir", str(rooms), "--reverb", "1", "--reverb-target", target)
    assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 0
    assert_sound(tmp_path / "set")
    assert_renders_again(tmp_path / "set")
    data = DataSet(tmp_path / "set")
    assert [corpus["kind"] for corpus in data.description["corpora"]] == [
        "speech",
        "noise",
        "rooms",
    ]
    splits: dict[str, set[str]] = {}
    for sample in data:
        splits.setdefault(sample.line["room"]["source"], set()).add(sample.line["split"])
    assert len(splits) > 2
    assert all(len(found) == 1 for found in splits.values())


def test_late_reverberation_counts_as_noise_on_top_of_the_ratio_asked_for(
    echoing: Collection,
) -> None:
    settings = replace(SETTINGS, reverb_target="early")
    delay = round(ECHO_SECONDS * RATE)
    for line in Plan(echoing, settings)[:6]:
        line["voice"][0]["start_frame"] = 0  # nothing before it, so that the echo is known
        rendered = render(line, echoing.roots, settings)
        voice, noise, noisy = (rendered.audio[kind].astype(int) for kind in rendered.audio)
        assert np.array_equal(voice + noise, noisy)
        late = np.concatenate([np.zeros(delay), ECHO_GAIN * voice[:-delay]])
        level, _ = active_speech_level(voice / 32_768, RATE)
        added = power_db((noise - late) / 32_768)
        assert level - added == pytest.approx(line["snr_db"], abs=0.1)
        with_late = level - power_db(noise / 32_768)
        assert rendered.measured["snr_with_late_reverb_db"] == pytest.approx(with_late, abs=0.01)
        assert rendered.measured["late_reverb_db"] == pytest.approx(-10.458, abs=0.001)


def test_both_targets_have_the_same_noisy_voice_but_for_rounding(echoing: Collection) -> None:
    settings = replace(SETTINGS, noise_level=(0.2, 0.4))
    for line in Plan(echoing, settings)[:4]:
        full, early = (
            render(line, echoing.roots, replace(settings, reverb_target=target)).audio
            for target in ("full", "early")
        )
        difference = full["noisy_voice"].astype(int) - early["noisy_voice"]
        assert np.abs(difference).max() <= 1
        assert np.abs(full["voice"].astype(int) - early["voice"]).max() > 30


def test_a_segment_begins_with_the_reverberation_of_what_came_before(
    echoing: Collection,
) -> None:
    settings = replace(SETTINGS, samples=(40, 2, 2), reverb_target="early")
    delay = round(ECHO_SECONDS * RATE)
    heard = 0.0
    for line in Plan(echoing, settings)[:12]:
        if line["voice"][0]["start_frame"] < delay:
            continue
        in_it = render(line, echoing.roots, settings)
        moved = json.loads(json.dumps(line))
        moved["voice"][0]["start_frame"] -= delay
        before = render(moved | {"noise_level": 1e-6}, echoing.roots, settings).audio["voice"]
        alone = render(line | {"noise_level": 1e-6}, echoing.roots, settings).audio["noise"]
        assert np.abs(alone[:delay] - ECHO_GAIN * before[:delay]).max() <= 1
        heard = max(heard, float(np.abs(alone[:delay]).max()))
        assert len(in_it.audio["voice"]) == settings.segment_samples
    assert heard > 100


def test_rooms_leave_voices_noises_and_ratios_as_they_were(echoing: Collection) -> None:
    with_rooms = Plan(echoing, replace(SETTINGS, reverb=0.5))
    without = Plan(echoing, replace(SETTINGS, reverb=0.0))
    chosen = 0
    for index in range(40):
        line = with_rooms[index]
        chosen += line.pop("room", None) is not None
        assert line == without[index]
    assert 10 <= chosen <= 30


def test_a_plan_with_rooms_is_the_beginning_of_a_longer_one(
    demo_speech: Path, demo_noise: Path
) -> None:
    settings = Settings(samples=(20,), reverb=0.7)
    found = collect([demo_speech], [demo_noise], settings, quiet=True)
    assert list(Plan(found, settings)) == Plan(found, replace(settings, samples=(200,)))[:20]


def test_a_multichannel_response_of_another_rate_at_8_khz(
    tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    channels = [decaying(48_000, 0.4, seed) for seed in range(4)]
    write_response(tmp_path / "rooms/a.wav", *channels, sample_rate=48_000)
    out = tmp_path / "set"
    options = (*SMALL, "--rir", str(tmp_path / "rooms"), "--reverb", "1", "--sample-rate", "8000")
    assert main(command(demo_speech, demo_noise, out, *options)) == 0
    assert_sound(out)
    assert len({sample.line["room"]["channel"] for sample in DataSet(out)}) > 1


def test_damaged_and_silent_responses_are_in_skipped_csv(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms = write_rooms(tmp_path / "rooms", 2)
    whole = (rooms / "0.wav").read_bytes()
    (rooms / "damaged.wav").write_bytes(whole[: len(whole) // 2])
    write_response(rooms / "silent.wav", np.zeros(2000))
    assert (
        main(command(demo_speech, demo_noise, tmp_path / "set", *SMALL, "--rir", str(rooms))) == 0
    )
    rows = list(csv.reader((tmp_path / "set/skipped.csv").read_text().splitlines()))[1:]
    assert {Path(file).name for file, _ in rows} == {"damaged.wav", "silent.wav"}
    printed = capsys.readouterr().out
    assert "50% of the voices in 2 recorded responses, the same in every split" in printed


def test_what_cannot_be_is_said_in_a_sentence(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("prepare_data.rooms_simulated.find_spec", lambda name: None)
    rooms = write_rooms(tmp_path / "rooms", 1)
    wrong: list[tuple[tuple[str, ...], str]] = [
        (("--reverb", "0.5"), "pip install 'voice-from-noise[rooms]'"),
        (("--reverb", "1.5"), "--reverb takes a share of 0 to 1; it was given 1.5"),
        (("--rir", str(tmp_path / "none")), "does not exist"),
        (("--rir", str(rooms / "0.wav")), "is a file; a folder is wanted"),
        (("--rir", str(rooms), "--reverb", "0"), "leave one out"),
        (("--reverb-target", "early"), "needs rooms"),
    ]
    for options, words in wrong:
        assert main(command(demo_speech, demo_noise, tmp_path / "set", *options)) == 2
        message = capsys.readouterr().err
        assert words in message
        assert message.count("\n") == 1
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_a_data_set_from_before_there_were_rooms_is_gone_on_with(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "set"
    assert main(command(demo_speech, demo_noise, out, *SMALL)) == 0
    description: dict[str, Any] = json.loads((out / "dataset.json").read_text())
    for name in ("reverb", "reverb_target"):
        del description["settings"][name]
    (out / "dataset.json").write_text(json.dumps(description))
    assert main(command(demo_speech, demo_noise, out, *SMALL)) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert len(DataSet(out)) == 10
    assert main(command(demo_speech, demo_noise, out, *SMALL, "--reverb", "0.5")) == 2
    assert "reverb was 0.0 and is 0.5" in capsys.readouterr().err


def test_real_rooms_in_small(speech_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    speech, noise = speech_data / "speech/LibriSpeech", speech_data / "noise/ESC-50-excerpt"
    rooms = ("--rir", str(speech_data / "rooms"), "--reverb", "1", "--reverb-target", "early")
    assert main(command(speech, noise, out, *SMALL, *rooms)) == 0
    assert_sound(out)
    assert_renders_again(out)

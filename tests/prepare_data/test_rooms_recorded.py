"""Recorded responses: which are used, which not and why, and how rooms are split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import Settings, UserError
from prepare_data.audio_io import read_info
from prepare_data.rooms import split_response
from prepare_data.rooms_recorded import (
    RecordedResponse,
    find_room_corpora,
    judge_responses,
    read_response,
)
from prepare_data.scan import Scanner
from tests.prepare_data.room_sounds import decaying, write_response, write_rooms
from tests.prepare_data.sounds import write_sound

SETTINGS = Settings(reverb=1.0)


def judged(
    folder: Path, settings: Settings = SETTINGS
) -> tuple[list[RecordedResponse], dict[str, str]]:
    corpora = find_room_corpora(Scanner(), [folder])
    responses, skipped = judge_responses(corpora, settings, first_root=2)
    return responses, {path.name: reason for path, reason in skipped}


def test_rooms_are_split_and_each_is_in_one_split(tmp_path: Path) -> None:
    responses, skipped = judged(write_rooms(tmp_path / "rooms", 10))
    assert not skipped
    assert {response.split for response in responses} == {"train", "val", "test"}
    assert len({response.room for response in responses}) == len(responses) == 10
    assert responses == judged(tmp_path / "rooms")[0]


def test_responses_of_one_folder_are_one_room(tmp_path: Path) -> None:
    for number in range(4):
        write_rooms(tmp_path / "rooms" / f"room{number}", 3)
    responses, _ = judged(tmp_path / "rooms")
    splits: dict[str, set[str]] = {}
    for response in responses:
        splits.setdefault(response.room, set()).add(response.split)
    assert sorted(splits) == [f"rooms/room{number}" for number in range(4)]
    assert all(len(found) == 1 for found in splits.values())


def test_too_few_rooms_are_in_every_split(tmp_path: Path) -> None:
    responses, _ = judged(write_rooms(tmp_path / "rooms", 2))
    assert [response.split for response in responses] == ["", ""]
    train_only = Settings(reverb=1.0, samples=(5, 0, 0))
    assert {r.split for r in judged(tmp_path / "rooms", train_only)[0]} == {"train"}


def test_every_channel_is_a_response_and_silent_ones_are_skipped(tmp_path: Path) -> None:
    first, second = (decaying(48_000, 0.3, seed) for seed in (0, 1))
    silence = np.zeros_like(first)
    write_response(tmp_path / "four.wav", first, silence, second, first, sample_rate=48_000)
    responses, skipped = judged(tmp_path)
    assert [response.channel for response in responses] == [0, 2, 3]
    assert skipped == {"four.wav": "channel 2 of 4: silent throughout"}
    assert np.allclose(read_response(tmp_path / "four.wav", 2, 48_000), second)
    samples = read_response(tmp_path / "four.wav", 2, 8000)
    assert len(samples) == pytest.approx(len(second) / 6, abs=1)
    assert split_response(samples, 8000).late_reverb_db == pytest.approx(
        split_response(second, 48_000).late_reverb_db, abs=2
    )


def test_what_is_no_response_is_skipped_with_the_reason(tmp_path: Path) -> None:
    write_rooms(tmp_path, 3)
    write_response(tmp_path / "silent.wav", np.zeros(4000))
    write_response(tmp_path / "nan.wav", np.full(4000, np.nan))
    write_response(tmp_path / "long.wav", decaying(8000, 11), sample_rate=8000)
    write_sound(tmp_path / "speech.wav", 3)
    (tmp_path / "text.wav").write_text("no sound")
    whole = (tmp_path / "0.wav").read_bytes()
    (tmp_path / "damaged.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.wav").touch()
    responses, skipped = judged(tmp_path)
    assert {response.path for response in responses} == {"0.wav", "1.wav", "2.wav"}
    assert skipped["silent.wav"] == "silent throughout"
    assert "not numbers" in skipped["nan.wav"]
    assert "longer than 10 s" in skipped["long.wav"]
    assert "does not decay" in skipped["speech.wav"]
    assert "truncated" in skipped["damaged.wav"]
    assert skipped["empty.wav"] == "empty: 0 bytes"
    assert "text.wav" in skipped


def test_a_folder_without_responses_is_refused_in_a_sentence(tmp_path: Path) -> None:
    write_sound(tmp_path / "speech" / "1.wav", 3)
    with pytest.raises(UserError, match=r"nothing usable is left for --rir .* does not decay"):
        judged(tmp_path / "speech")
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="no recording found for --rir"):
        judged(tmp_path / "none")


def test_real_responses_are_all_used_and_have_the_house_s_times(speech_data: Path) -> None:
    folder = speech_data / "rooms"
    responses, skipped = judged(folder)
    assert not skipped
    assert len(responses) == sum(read_info(file).channels for file in folder.rglob("*.flac"))
    for response in responses[::3]:
        parts = split_response(
            read_response(folder / response.path, response.channel, 16_000), 16_000
        )
        assert -15 < parts.late_reverb_db < 3
        assert parts.direct <= 80
    assert soundfile.info(folder / responses[0].path).samplerate == 44_100

"""Which files a command line names, and what they become."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.running.inputs import find_recordings
from enhancement.running.plan import plan_tasks
from prepare_data.errors import UserError


def sound(path: Path, **options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(400, 0.1), 16000, **options)
    return path


def names(inputs: list[Path], out: Path) -> list[str]:
    recordings, _ = find_recordings(inputs, out)
    return sorted(recording.relative.as_posix() for recording in recordings)


def test_one_folder_keeps_its_structure_without_hidden_and_foreign_files(tmp_path: Path) -> None:
    for name in ("a.wav", "deep/er/b.flac", ".hidden.wav", "._a.wav", ".cache/c.wav"):
        sound(tmp_path / "in" / name)
    (tmp_path / "in/notes.txt").write_text("no sound")
    assert names([tmp_path / "in"], tmp_path / "out") == ["a.wav", "deep/er/b.flac"]


def test_several_folders_keep_their_names_and_files_do_not(tmp_path: Path) -> None:
    sound(tmp_path / "one/a.wav")
    sound(tmp_path / "two/a.wav")
    single = sound(tmp_path / "three/b.wav")
    inputs = [tmp_path / "one", tmp_path / "two", single]
    assert names(inputs, tmp_path / "out") == ["b.wav", "one/a.wav", "two/a.wav"]


def test_a_recording_named_twice_is_denoised_once(tmp_path: Path) -> None:
    file = sound(tmp_path / "in/sub/a.wav")
    inputs = [file, file, tmp_path / "in", tmp_path / "in/sub"]
    assert names(inputs, tmp_path / "out") == ["a.wav"]


def test_the_output_inside_an_input_is_not_searched(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    sound(tmp_path / "denoised/a.wav")
    assert names([tmp_path], tmp_path / "denoised") == ["a.wav"]


def test_a_folder_inside_the_output_is_searched(tmp_path: Path) -> None:
    sound(tmp_path / "out/raw/a.wav")
    assert names([tmp_path / "out/raw"], tmp_path / "out") == ["a.wav"]


def test_wrong_paths_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="nowhere does not exist"):
        find_recordings([tmp_path / "nowhere"], tmp_path / "out")
    with pytest.raises(UserError, match="empty holds no recordings"):
        find_recordings([tmp_path / "empty"], tmp_path / "out")
    (tmp_path / "dangling.wav").symlink_to(tmp_path / "gone.wav")
    with pytest.raises(UserError, match=r"dangling.wav does not exist"):
        find_recordings([tmp_path / "dangling.wav"], tmp_path / "out")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe is neither a file nor a folder"):
        find_recordings([tmp_path / "pipe"], tmp_path / "out")


def test_an_empty_folder_beside_others_is_reported(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    recordings, problems = find_recordings(
        [tmp_path / "empty", sound(tmp_path / "a.wav")], tmp_path
    )
    assert len(recordings) == 1
    assert problems == [(tmp_path / "empty", "holds no recordings")]


def test_the_output_folder_as_input_is_refused_through_links_too(tmp_path: Path) -> None:
    sound(tmp_path / "in/a.wav")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for out in (tmp_path / "in", tmp_path / "link"):
        with pytest.raises(UserError, match="is the input folder"):
            find_recordings([tmp_path / "in"], out)


def test_a_result_never_replaces_a_recording(tmp_path: Path) -> None:
    file = sound(tmp_path / "in/a.wav")
    (tmp_path / "out").mkdir()
    os.link(file, tmp_path / "out/a.wav")
    for out in (tmp_path / "in", tmp_path / "out"):
        recordings, _ = find_recordings([file], out)
        with pytest.raises(UserError, match="would overwrite the recording"):
            plan_tasks(recordings, out)


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    inputs = [sound(tmp_path / "one/a.wav"), sound(tmp_path / "two/a.wav")]
    recordings, _ = find_recordings(inputs, tmp_path / "out")
    with pytest.raises(UserError, match=r"one/a.wav and .*two/a.wav would both become"):
        plan_tasks(recordings, tmp_path / "out")


def test_what_becomes_wav_keeps_apart_from_its_neighbours(tmp_path: Path) -> None:
    adpcm = {"subtype": "IMA_ADPCM", "format": "WAV"}
    for name in ("alone.m4a", "pair.m4a", "pair.3gp", "beside.m4a", "plain.wav"):
        sound(tmp_path / "in" / name, **adpcm)
    sound(tmp_path / "in/beside.wav")
    recordings, _ = find_recordings([tmp_path / "in"], tmp_path / "out")
    tasks, _ = plan_tasks(recordings, tmp_path / "out")
    targets = {task.source.name: task.target.name for task in tasks}
    assert targets == {
        "alone.m4a": "alone.wav",
        "pair.m4a": "pair.m4a.wav",
        "pair.3gp": "pair.3gp.wav",
        "beside.m4a": "beside.m4a.wav",
        "beside.wav": "beside.wav",
        "plain.wav": "plain.wav",
    }
    single = [recording for recording in recordings if recording.source.name == "pair.m4a"]
    assert plan_tasks(single, tmp_path / "out")[0][0].target.name == "pair.m4a.wav"


def test_unreadable_files_are_problems_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no sound at all")
    (tmp_path / "nothing.wav").write_bytes(b"")
    recordings, _ = find_recordings([tmp_path], tmp_path / "out")
    tasks, problems = plan_tasks(recordings, tmp_path / "out")
    assert not tasks
    reasons = {path.name: reason for path, reason in problems}
    assert "0 bytes" in reasons["nothing.wav"]
    assert "not sound" in reasons["text.wav"]

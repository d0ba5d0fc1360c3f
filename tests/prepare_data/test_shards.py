"""Shards: several commands, in any order and killed at will, make what one command makes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prepare_data import DataSet, UserError
from prepare_data.__main__ import main
from prepare_data.files import only_writer
from prepare_data.shards import Shard, only_writer_of
from tests.prepare_data.commands import command, contents, start, wait_for_samples


def test_every_sample_is_in_one_shard_and_shards_are_even() -> None:
    shards = [Shard(number, 7) for number in range(1, 8)]
    parts = [list(shard.indices(100)) for shard in shards]
    assert sorted(index for part in parts for index in part) == list(range(100))
    assert {len(part) for part in parts} == {14, 15}
    for shard, part in zip(shards, parts, strict=True):
        assert [index for index in range(100) if shard.holds(index)] == part


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/0", "a/b", "-1/4", "1/4/2", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--shard takes I/N"):
        Shard.parse(text)


def test_shards_in_any_order_make_what_one_run_makes(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out)
    for number in (3, 1, 2):
        assert main([*arguments, "--shard", f"{number}/3"]) == 0
    with pytest.raises(UserError, match="not complete"):
        DataSet(out)
    written = {path: path.stat().st_mtime_ns for path in out.glob("*/*/*/*")}
    assert main(arguments) == 0
    assert contents(out) == contents(built)
    assert {path: path.stat().st_mtime_ns for path in written} == written  # only put together


def test_shards_run_side_by_side(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out)
    running = [start([*arguments, "--shard", f"{number}/3"]) for number in (1, 2, 3)]
    for process in running:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors.decode()
    assert main(arguments) == 0
    assert contents(out) == contents(built)


def test_a_killed_shard_goes_on_and_a_lost_one_is_made_up_for(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out)
    process = start([*arguments, "--shard", "1/2"])
    wait_for_samples(process, out, 3)
    process.kill()
    process.communicate()
    journal = out / "manifest.shard-1-of-2.partial.jsonl"
    done = {json.loads(line)["id"] for line in journal.read_text().splitlines()}
    assert 0 < len(done) < 12
    when = {
        path: path.stat().st_mtime_ns
        for path in out.glob("*/audio/noisy_voice/*.wav")
        if path.stem in done
    }
    assert main([*arguments, "--shard", "1/2"]) == 0
    assert main(arguments) == 0  # shard 2 of 2 never ran
    assert contents(out) == contents(built)
    assert {path: path.stat().st_mtime_ns for path in when} == when


def test_shards_go_on_from_a_whole_run_and_from_another_number_of_shards(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out)
    process = start(arguments)
    wait_for_samples(process, out, 6)
    process.kill()
    process.communicate()
    assert main([*arguments, "--shard", "2/5"]) == 0
    lines = (out / "manifest.partial.jsonl").read_text().splitlines()
    lines += (out / "manifest.shard-2-of-5.partial.jsonl").read_text().splitlines()
    known = {json.loads(line)["id"] for line in lines}
    when = {
        path: path.stat().st_mtime_ns
        for path in out.glob("*/audio/noisy_voice/*.wav")
        if path.stem in known
    }
    for number in (1, 2):
        assert main([*arguments, "--shard", f"{number}/2"]) == 0
    assert {path: path.stat().st_mtime_ns for path in when} == when
    assert main(arguments) == 0
    assert contents(out) == contents(built)


def test_a_shard_of_a_complete_set_has_nothing_to_do(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    subprocess.run(["cp", "-r", str(built), str(out)], check=True)
    arguments = command(demo_speech, demo_noise, out)
    assert main([*arguments, "--shard", "1/2"]) == 0
    assert DataSet(out)
    assert main(arguments) == 0
    assert contents(out) == contents(built)


def test_a_shard_with_other_settings_is_refused(
    tmp_path: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out, "--samples", "4", "1", "1")
    assert main([*arguments, "--shard", "1/2"]) == 0
    before = contents(out)
    assert main([*arguments, "--seed", "1", "--shard", "2/2"]) == 2
    assert "seed was 0 and is 1" in capsys.readouterr().err
    assert {name: contents(out)[name] for name in before} == before


def test_a_shard_with_other_packages_is_refused(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "set"
    arguments = command(demo_speech, demo_noise, out, "--samples", "4", "1", "1")
    assert main([*arguments, "--shard", "1/2"]) == 0
    monkeypatch.setattr("prepare_data.building.version", lambda name: "0.0.1")
    assert main([*arguments, "--shard", "2/2"]) == 2
    assert "shard 2/2 runs with numpy 0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--overwrite",), ("--plan-only",), ("--pack", "x.pack")])
def test_what_one_command_alone_may_do_is_refused(
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    capsys: pytest.CaptureFixture[str],
    option: tuple[str, ...],
) -> None:
    arguments = command(demo_speech, demo_noise, tmp_path / "set", "--shard", "1/2", *option)
    assert main(arguments) == 2
    assert f"{option[0]} is not for a shard" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_shards_exclude_a_whole_run_and_their_own_double_but_not_each_other(tmp_path: Path) -> None:
    with only_writer_of(tmp_path, Shard(1, 2)):
        with only_writer_of(tmp_path, Shard(2, 2)):
            pass
        with pytest.raises(UserError, match="another process is writing"), only_writer(tmp_path):
            pass
        with (
            pytest.raises(UserError, match="writing shard 1/2 of"),
            only_writer_of(tmp_path, Shard(1, 2)),
        ):
            pass
    with (
        only_writer(tmp_path),
        pytest.raises(UserError, match="another process is writing"),
        only_writer_of(tmp_path, Shard(1, 2)),
    ):
        pass


def test_a_shard_says_what_it_did_and_what_is_left_to_do(
    tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    options = ("--samples", "4", "1", "1", "--shard", "2/2")
    process = subprocess.run(
        [
            *(sys.executable, "-m", "prepare_data"),
            *command(demo_speech, demo_noise, tmp_path / "set", *options),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shard 2/2: 3 samples, 3 rendered" in process.stdout
    assert "run the same command again" not in process.stdout
    assert "same command without --shard" in process.stdout

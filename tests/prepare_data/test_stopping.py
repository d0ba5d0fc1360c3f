"""Data sets whose making was stopped: nothing is lost, and they end as if it had not been."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from prepare_data import DataSet, UserError
from prepare_data.__main__ import main
from prepare_data.files import only_writer
from tests.prepare_data.commands import command, contents, start, wait_for_samples


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_runs_go_on_and_end_with_the_same_bytes(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path, jobs: str
) -> None:
    out = tmp_path / "killed"
    arguments = command(demo_speech, demo_noise, out, "--jobs", jobs)
    for count in (1, 9):
        process = start(arguments)
        wait_for_samples(process, out, count)
        process.kill()
        process.communicate()
    kept = {p: p.stat().st_mtime_ns for p in out.glob("*/audio/noisy_voice/*.wav")}
    assert 0 < len(kept) < 24
    journal = (out / "manifest.partial.jsonl").read_text().splitlines()
    done = {json.loads(line)["id"] for line in journal}
    assert main(arguments) == 0
    assert contents(out) == contents(built)
    again = [path for path, when in kept.items() if path.stat().st_mtime_ns != when]
    assert not [path for path in again if path.stem in done]  # only what was missing


def test_sigterm_is_a_sentence_and_leaves_no_half_file(
    tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    process = start(command(demo_speech, demo_noise, out, "--samples", "500", "10", "10"))
    wait_for_samples(process, out, 2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert errors.decode().strip() == (
        "prepare_data: terminated. Run the same command again to go on where it stopped."
    )
    assert not list(out.rglob("*.partial"))


def test_files_that_are_gone_are_rendered_again_and_others_left(
    built: Path, tmp_path: Path, demo_speech: Path, demo_noise: Path
) -> None:
    out = tmp_path / "set"
    subprocess.run(["cp", "-r", str(built), str(out)], check=True)
    (out / "train/audio/voice/000000.wav").unlink()
    next((out / "test/spectrogram/noise").glob("*.png")).write_bytes(b"")
    untouched = out / "train/audio/voice/000003.wav"
    before = untouched.stat().st_mtime_ns
    assert main(command(demo_speech, demo_noise, out)) == 0
    assert contents(out) == contents(built)
    assert untouched.stat().st_mtime_ns == before


def test_a_complete_set_stays_readable_while_a_missing_file_is_made_again(
    built: Path,
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "set"
    subprocess.run(["cp", "-r", str(built), str(out)], check=True)
    (out / "train/audio/voice/000000.wav").unlink()

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("prepare_data.building.render", die)
        assert main(command(demo_speech, demo_noise, out)) == 130
    with pytest.raises(UserError, match="not complete"):
        DataSet(out)
    assert main(command(demo_speech, demo_noise, out)) == 0
    assert contents(out) == contents(built)


def test_a_run_stopped_before_its_first_sample_goes_on(
    built: Path,
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "set"

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def die(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        assert main(command(demo_speech, demo_noise, out)) == 2
    for step in ("make_folders", "_render_all"):
        with monkeypatch.context() as patched:
            patched.setattr(f"prepare_data.building.{step}", die)
            assert main(command(demo_speech, demo_noise, out)) == 130
    assert main(command(demo_speech, demo_noise, out)) == 0
    assert contents(out) == contents(built)


def test_two_runs_do_not_write_the_same_data_set_at_once(
    built: Path, demo_speech: Path, demo_noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_writer(built):
        assert main(command(demo_speech, demo_noise, built)) == 2
    assert "another process is writing" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence_and_what_was_written_stays_valid(
    built: Path,
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "set"
    real_write, room = Path.write_bytes, [40]

    def write(self: Path, content: bytes) -> int:
        room[0] -= 1
        if room[0] < 0:
            real_write(self, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(self, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write)
        assert main(command(demo_speech, demo_noise, out)) == 2
    assert "the disk is full" in capsys.readouterr().err
    expected = contents(built)
    for name, digest in contents(out).items():
        if name.split("/")[0] in ("train", "val", "test"):
            assert digest == expected[name]
    assert main(command(demo_speech, demo_noise, out)) == 0
    assert contents(out) == expected

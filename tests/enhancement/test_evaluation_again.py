"""Results from before: used again as long as nothing has changed, and only then."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from enhancement.denoiser import Denoiser
from enhancement.evaluation import measuring, run
from tests.enhancement import small_set
from tests.enhancement.evaluations import evaluate, write_results

MODEL = ("--system", "live")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with a test sample at 0, 0 and 10 dB."""
    return small_set.write_small_set(tmp_path / "set")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is run and measured, as (system, clip)."""
    tasks: list[tuple[str, str]] = []

    def noted(task: measuring.Task) -> measuring.Record:
        tasks.append((task.system.name, task.clip.id))
        return measuring.run_task(task)

    monkeypatch.setattr(run, "run_task", noted)
    return tasks


class _OutOfMemory(Denoiser):
    name = "greedy"

    def denoise_blocks(self, blocks: Any, sample_rate: int) -> Any:
        raise MemoryError


def _without_times(out: Path) -> Any:
    summary = json.loads((out / "summary.json").read_text())
    del summary["made"]
    return summary


def test_a_second_run_measures_nothing_and_says_the_same(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    use(small_set.Knowing())
    evaluate(data, tmp_path / "out", *MODEL)
    first, written = _without_times(tmp_path / "out"), (tmp_path / "out/scores.csv").read_bytes()
    assert len(done) == 6
    done.clear()
    evaluate(data, tmp_path / "out", *MODEL)
    assert not done
    assert _without_times(tmp_path / "out") == first
    assert (tmp_path / "out/scores.csv").read_bytes() == written


def test_a_run_that_stopped_does_the_rest(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list
) -> None:
    out = tmp_path / "out"
    theirs = write_results(tmp_path / "theirs", [5.0, 5.0, 5.0])
    noted = run.run_task

    def stopping(task: measuring.Task) -> measuring.Record:
        if len(done) == 4:
            raise KeyboardInterrupt
        return noted(task)

    with monkeypatch.context() as patched:
        patched.setattr(run, "run_task", stopping)
        assert evaluate(data, out, "--system", f"theirs={theirs}") == 130
    assert not (out / "summary.json").exists()
    with open(out / "results.jsonl", "ab") as journal:  # a line that was cut off in the middle
        journal.write(b'{"clip": "000001", "system": "the')
    assert evaluate(data, out, "--system", f"theirs={theirs}") == 0
    assert len(done) == 6 and len(set(done)) == 6
    evaluate(data, tmp_path / "other", "--system", f"theirs={theirs}")
    assert _without_times(out) == _without_times(tmp_path / "other")


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_last_line_that_was_cut_off_is_measured_again(
    data: Path, tmp_path: Path, done: list, cut: int
) -> None:
    out = tmp_path / "out"
    evaluate(data, out)
    whole = (out / "results.jsonl").read_bytes()
    (out / "results.jsonl").write_bytes(whole[:-cut])
    done.clear()
    evaluate(data, out)
    assert done == [("noisy", "000002")]
    assert (out / "results.jsonl").read_bytes() == whole


def test_another_model_under_the_same_name_is_run(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    use(small_set.Knowing())
    evaluate(data, tmp_path / "out", "--system", "ours=live")
    done.clear()
    evaluate(data, tmp_path / "out", "--system", "ours=spectrogram-unet")
    assert done == [("ours", f"00000{index}") for index in range(3)]


def test_changed_recordings_and_results_are_measured_again(
    data: Path, tmp_path: Path, done: list
) -> None:
    out, theirs = tmp_path / "out", write_results(tmp_path / "theirs", [5.0, 5.0, 5.0])
    systems = ("--system", f"theirs={theirs}")
    evaluate(data, out, *systems)
    done.clear()
    later = os.stat(theirs / "000001.wav").st_mtime_ns + 10**9
    os.utime(theirs / "000001.wav", ns=(later, later))
    evaluate(data, out, *systems)
    assert done == [("theirs", "000001")]
    done.clear()
    os.utime(data / "test/audio/voice/000002.wav", ns=(later, later))
    evaluate(data, out, *systems)
    assert done == [("noisy", "000002"), ("theirs", "000002")]


def test_what_failed_is_tried_again(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    out = tmp_path / "out"
    use(_OutOfMemory())
    assert evaluate(data, out, *MODEL) == 2
    use(small_set.Knowing())
    measuring._LOADED.clear()
    done.clear()
    assert evaluate(data, out, *MODEL) == 0
    assert done == [("live", f"00000{index}") for index in range(3)]
    assert _without_times(out)["failures"] == []


def test_another_file_in_the_place_of_a_result_is_not_taken_for_it(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    # Such as what another model under that name wrote just before it was stopped.
    out = tmp_path / "out"
    use(small_set.Knowing())
    evaluate(data, out, *MODEL)
    done.clear()
    soundfile.write(out / "audio/live/000001.wav", small_set.VOICE, small_set.RATE)
    evaluate(data, out, *MODEL, "--metrics", "si_sdr")
    assert done == [("live", "000001")]
    done.clear()
    evaluate(data, out, *MODEL, "--metrics", "si_sdr")
    assert not done


def test_a_missing_file_that_has_come_is_measured(data: Path, tmp_path: Path, done: list) -> None:
    out, theirs = tmp_path / "out", write_results(tmp_path / "theirs", [5.0, 5.0])
    evaluate(data, out, "--system", f"theirs={theirs}")
    done.clear()
    write_results(tmp_path / "more", [5.0, 5.0, 5.0])
    os.replace(tmp_path / "more/000002.wav", theirs / "000002.wav")
    evaluate(data, out, "--system", f"theirs={theirs}")
    assert done == [("theirs", "000002")]
    assert _without_times(out)["failures"] == []


def test_more_metrics_need_no_second_run_of_the_model(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    out, denoiser = tmp_path / "out", small_set.Knowing()
    use(denoiser)
    evaluate(data, out, *MODEL)
    factor = _without_times(out)["systems"][1]["real_time_factor"]
    runs = len(denoiser.rates)
    evaluate(data, out, *MODEL, "--metrics", "si_sdr", "seg_snr")
    assert len(denoiser.rates) == runs and len(done) == 12
    summary = _without_times(out)
    assert summary["systems"][1]["real_time_factor"] == factor
    assert [metric["name"] for metric in summary["metrics"]] == ["si_sdr", "seg_snr"]
    done.clear()
    evaluate(data, out, *MODEL, "--metrics", "si_sdr")
    assert not done  # fewer metrics are there already


def test_a_result_that_was_lost_or_damaged_is_made_again(
    data: Path, tmp_path: Path, done: list, use: Callable[[Denoiser], None]
) -> None:
    out = tmp_path / "out"
    use(small_set.Knowing())
    evaluate(data, out, *MODEL)
    done.clear()
    (out / "audio/live/000001.wav").unlink()
    evaluate(data, out, *MODEL)
    assert done == [("live", "000001")] and (out / "audio/live/000001.wav").is_file()
    (out / "audio/live/000002.wav").write_bytes(b"")
    evaluate(data, out, *MODEL, "--metrics", "si_sdr", "snr", "seg_snr")
    assert _without_times(out)["failures"] == []
    assert soundfile.info(out / "audio/live/000002.wav").frames == small_set.RATE


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(
    data: Path,
    tmp_path: Path,
    done: list,
    use: Callable[[Denoiser], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(small_set.Knowing())
    written = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "000001" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        assert evaluate(data, tmp_path / "out", *MODEL) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "evaluating" not in line]
    assert line.startswith("enhancement: the disk is full:")
    assert not list((tmp_path / "out").rglob("*.partial"))
    done.clear()
    assert evaluate(data, tmp_path / "out", *MODEL) == 0
    assert done == [("live", "000001"), ("live", "000002")]


def test_two_at_a_time_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from prepare_data.files import only_writer

    (tmp_path / "out").mkdir()
    with only_writer(tmp_path / "out"):
        assert evaluate(data, tmp_path / "out") == 2
    assert "another process is writing" in capsys.readouterr().err

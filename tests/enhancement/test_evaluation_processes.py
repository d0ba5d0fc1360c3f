"""Worker processes: the same scores from any number of them, and from what a kill has left."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from enhancement.pool import results_of
from tests.enhancement import crashing, small_set
from tests.enhancement.evaluations import QUICK, evaluate, write_results


def _scores(out: Path) -> list[dict[str, str]]:
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["processing_seconds"]
    return rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with forty test samples."""
    return small_set.write_small_set(tmp_path / "set", [0.0, 5.0, 10.0, 15.0] * 10)


def test_scores_do_not_depend_on_the_processes(tmp_path: Path) -> None:
    data = small_set.write_small_set(tmp_path / "set")
    theirs = write_results(tmp_path / "theirs", [5.0, 15.0, 10.0])
    found = []
    for jobs in (0, 1, 2):
        out = tmp_path / f"out {jobs}"
        options = ["--system", f"theirs={theirs}", "--metrics", "si_sdr", "seg_snr", "snr"]
        assert evaluate(data, out, *options, jobs=jobs) == 0
        found.append(_scores(out))
    assert found[0] == found[1] == found[2] and len(found[0]) == 6


def _start(data: Path, out: Path) -> subprocess.Popen:
    words = ["--data", str(data), "--out", str(out), "--jobs", "2", *QUICK]
    return subprocess.Popen(
        [sys.executable, "-m", "enhancement", "evaluate", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _wait_for_results(process: subprocess.Popen, out: Path, count: int) -> None:
    journal = out / "results.jsonl"
    while process.poll() is None:
        if journal.exists() and journal.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.002)


def test_a_killed_run_goes_on_and_ends_with_the_same_scores(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    process = _start(data, out)
    _wait_for_results(process, out, 3)
    process.kill()
    process.communicate()
    left = (out / "results.jsonl").read_bytes().splitlines()
    assert len(left) >= 3
    assert evaluate(data, out) == 0
    journal = (out / "results.jsonl").read_bytes().splitlines()
    assert journal[:3] == left[:3] and len(journal) == 40  # nothing was measured twice
    assert evaluate(data, tmp_path / "whole") == 0
    assert _scores(out) == _scores(tmp_path / "whole")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "stopped"), (signal.SIGTERM, 143, "terminated")],
)
def test_an_interruption_is_a_sentence(
    data: Path, tmp_path: Path, number: int, code: int, word: str
) -> None:
    process = _start(small_set.write_small_set(data, [0.0] * 150), tmp_path / "out")
    _wait_for_results(process, tmp_path / "out", 1)
    os.kill(process.pid, number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert errors.decode().splitlines()[-1] == (
        f"enhancement: {word}. Run the same command again to go on where it stopped."
    )
    assert "Traceback" not in errors.decode()


def test_one_that_dies_does_not_take_the_others_with_it() -> None:
    numbers = [*range(10), 13, *range(20, 30)]
    found = results_of(crashing.doubled, numbers, jobs=2, crashed=crashing.died)
    assert sorted(found) == sorted([-13, *(2 * number for number in numbers if number != 13)])


def test_when_every_process_dies_it_is_not_the_items() -> None:
    with pytest.raises(BrokenProcessPool):
        list(results_of(crashing.always, range(50), jobs=2, crashed=crashing.died))


def test_errors_come_through() -> None:
    with pytest.raises(TypeError):
        list(results_of(crashing.doubled, [1, None], jobs=1, crashed=crashing.died))

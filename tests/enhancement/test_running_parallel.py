"""Several files at once: the same results from any number of processes, and none lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.running.effects import Effects
from enhancement.running.parallel import _groups
from enhancement.running.runner import Job, run
from tests.enhancement import crashing
from tests.enhancement.file_runs import RATE, denoise, noise

_SLOW = """
import sys
from pathlib import Path
from enhancement.running.effects import Effects
from enhancement.running.runner import Job, run
from tests.enhancement import crashing
run(Job((Path(sys.argv[1]),), Path(sys.argv[2]), Effects(), False, jobs=2), crashing.slow)
"""


def _write(folder: Path, lengths: list[float]) -> list[Path]:
    folder.mkdir(parents=True)
    paths = []
    for number, seconds in enumerate(lengths):
        suffix, rate = (("wav", RATE), ("flac", 48_000), ("ogg", 8_000))[number % 3]
        paths.append(folder / f"{number}.{suffix}")
        soundfile.write(paths[-1], noise(seconds, channels=1 + number % 2, rate=rate), rate)
    return paths


def _samples(folder: Path) -> dict[str, bytes]:
    """Return what the files hold; Ogg files have a number of their own each time."""
    return {path.name: soundfile.read(path)[0].tobytes() for path in folder.iterdir()}


def test_results_do_not_depend_on_the_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(tmp_path / "noisy", [0.3, 2.0, 0.5, 0.4, 1.0, 0.2, 0.7])
    (tmp_path / "noisy" / "broken.wav").write_bytes(b"RIFF, but no more")
    said = []
    for jobs in (1, 2, 3):
        options = ("--model", "small", "--highpass", 80, "--jobs", jobs)
        assert denoise(tmp_path / "noisy", "--out", tmp_path / f"{jobs}", *options) == 1
        said.append(capsys.readouterr().out.splitlines()[1:])
    alone = _samples(tmp_path / "1")
    assert len(alone) == 7 and alone == _samples(tmp_path / "2") == _samples(tmp_path / "3")
    assert said[0] == said[1] == said[2] and "broken.wav" in said[0][-1]


def test_wrong_options_and_models_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = _write(tmp_path / "noisy", [0.1, 0.1])
    for options, message in (
        (("--jobs", 0), "--jobs is 0; it must be 1 or more."),
        (("--jobs", 2, "--model", "nothing"), "nothing"),
    ):
        assert denoise(*paths, "--out", tmp_path / "out", *options) == 2
        errors = capsys.readouterr().err
        assert message in errors and "Traceback" not in errors


def test_a_process_that_dies_costs_its_files_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = _write(tmp_path / "noisy", [0.5] * 12)
    soundfile.write(paths[3], np.ones(10 * RATE, np.float32), RATE)  # so large that it is alone
    job = Job((tmp_path / "noisy",), tmp_path / "out", Effects(), overwrite=False, jobs=2)
    assert run(job, crashing.fragile) == 1
    assert f"{paths[3]}: the process that denoised it died" in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 11


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_all_processes_and_leaves_nothing_half_done(
    tmp_path: Path, number: int
) -> None:
    _write(tmp_path / "noisy", [60.0, 60.0])
    out = tmp_path / "out"
    command = [sys.executable, "-c", _SLOW, str(tmp_path / "noisy"), str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    while not out.exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(3)
    os.kill(process.pid, number)
    started = time.monotonic()
    assert process.wait(timeout=60) != 0
    while _runs(process.pid):
        assert time.monotonic() - started < 20  # each file would take half a minute and more
        time.sleep(0.1)
    assert not list(out.iterdir())


def _runs(session: int) -> bool:
    """Return whether a process of a session is there."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def test_large_files_come_first_and_alone_and_small_ones_together() -> None:
    groups = _groups([5, 1000, 5, 5, 900, 5], jobs=2)
    assert groups[:2] == [(1,), (4,)]
    assert sorted(groups[2]) == [0, 2, 3, 5]
    many = _groups([7] * 1000, jobs=4)
    assert sorted(place for group in many for place in group) == list(range(1000))
    assert max(map(len, many)) == 8
    assert max(map(len, _groups([7] * 16, jobs=2))) == 1

"""Killed at any moment, on a file system that fills up: the same bytes in the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from prepare_data.__main__ import main
from prepare_data.measurements import CACHE_VARIABLE
from prepare_data.settings import SPLITS
from tests.prepare_data.commands import command, contents

_LONGEST_WAIT = 200  # seconds for what takes two


def kill_in_mid_run(arguments: list[str], out: Path, rng: np.random.Generator, files: int) -> int:
    """Kill a run and its workers at a random moment; return how many files it had written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "prepare_data", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wanted = int(rng.integers(-files // 5, files))  # below 0: before the first file
    started = time.monotonic()
    while process.poll() is None and time.monotonic() - started < _LONGEST_WAIT:
        if wanted < 0 or len(written(out)) >= wanted:
            break
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 1.5 if wanted < 0 else 0.05))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(written(out))


def written(out: Path) -> list[Path]:
    return [path for form in ("wav", "png") for path in out.glob(f"*/*/*/*.{form}")]


def kill_and_go_on(
    runs: int,
    built: Path,
    tmp_path: Path,
    speech: Path,
    noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[int]:
    """Kill so many runs, go on with each, compare each with an undisturbed one."""
    expected = contents(built)
    files = len(written(built))
    counts = []
    for number in range(runs):
        rng = np.random.default_rng(number)
        out = tmp_path / f"set {number}"
        if number % 5 == 0:  # killed while it measures, too
            monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / f"cache {number}"))
        arguments = command(speech, noise, out, "--jobs", str(1 + number % 2))
        counts.append(kill_in_mid_run(arguments, out, rng, files))
        assert main(arguments) == 0
        assert contents(out) == expected, f"run {number}, killed after {counts[-1]} files"
        shutil.rmtree(out)
    return counts


def test_runs_killed_with_their_workers_end_as_if_they_had_not_been(
    built: Path,
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kill_and_go_on(3, built, tmp_path, demo_speech, demo_noise, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_50_runs_killed_at_random_moments_give_50_identical_sets(
    built: Path,
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = kill_and_go_on(50, built, tmp_path, demo_speech, demo_noise, monkeypatch)
    print("files there when a run was killed:", *sorted(counts))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = sys.platform == "linux" and not resize(folder, 64, "size=64k")
    if not mounted:
        pytest.skip("a small file system cannot be mounted: that takes root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, kilobytes: int, *more: str) -> int:
    """Mount a file system in memory, or give one that is mounted another size."""
    options = ",".join(more) if more else f"remount,size={kilobytes}k"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        return subprocess.run(mount, stderr=subprocess.DEVNULL).returncode
    except FileNotFoundError:
        return 1


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_system_that_fills_up_is_a_sentence_and_then_goes_on(
    built: Path,
    small_disk: Path,
    demo_speech: Path,
    demo_noise: Path,
    jobs: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(small_disk / "cache"))
    expected = contents(built)
    kilobytes = sum(path.stat().st_size for path in built.rglob("*") if path.is_file()) // 1024
    out = small_disk / "set"
    arguments = command(demo_speech, demo_noise, out, "--jobs", jobs)
    for share in (0.003, 0.3, 0.97):
        assert resize(small_disk, int(share * kilobytes)) == 0
        assert main(arguments) == 2
        errors = capsys.readouterr().err
        assert "the disk is full" in errors
        assert errors.count("\n") == 1
        for name, digest in contents(out).items():
            if name.split("/")[0] in SPLITS:
                assert digest == expected[name]
    assert resize(small_disk, 2 * kilobytes) == 0
    assert main(arguments) == 0
    assert contents(out) == expected

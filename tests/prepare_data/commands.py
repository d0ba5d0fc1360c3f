"""The command that builds a small data set, running it, and what it wrote."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

SAMPLES = ("--samples", "12", "6", "6")


def command(speech: Path, noise: Path, out: Path, *options: str) -> list[str]:
    return [
        *("--speech", str(speech), "--noise", str(noise), "--out", str(out)),
        *(*SAMPLES, "--jobs", "1", "--quiet"),
        *options,
    ]


def contents(folder: Path) -> dict[str, str]:
    """Hash every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def start(arguments: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "prepare_data", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def wait_for_samples(process: subprocess.Popen, out: Path, count: int) -> None:
    while process.poll() is None and len(list(out.glob("*/audio/noisy_voice/*.wav"))) < count:
        time.sleep(0.01)

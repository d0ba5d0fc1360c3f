"""A real Dask scheduler and worker processes on the loopback interface."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


class LoopbackCluster:
    """A scheduler and its workers, each a process that a test may kill."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        told = folder / "scheduler.json"
        options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told))
        self.scheduler = self._start("dask_scheduler", *options)
        while not told.exists() and self.scheduler.poll() is None:
            time.sleep(0.05)
        self.address: str = json.loads(told.read_text())["address"]
        self.workers = [self.add_worker(number) for number in range(workers)]

    def add_worker(self, number: int) -> subprocess.Popen:
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self._folder))
        return self._start("dask_worker", self.address, *options, "--name", f"worker-{number}")

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, program: str, *options: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *options, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

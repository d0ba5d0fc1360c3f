"""Freed memory is used again, where the C library can be told so."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from typing import Any

import pytest

from prepare_data.memory import keep_freed_memory

PROGRAM = """
import resource, sys
import numpy as np
from prepare_data.workers import worker_pool
def sample(_):
    arrays = [np.ones(100_000) for _ in range(12)]
    return len(arrays)
with worker_pool(1) as run:
    list(run(sample, range(5)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    list(run(sample, range(50)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_a_sample_takes_the_memory_of_the_one_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # 12 arrays of 196 pages each are 118,000 pages in 50 samples where none is kept.
    assert int(done.stdout) < 2000


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def library(_: Any) -> object:
        return object()

    monkeypatch.setattr(ctypes, "CDLL", library)
    keep_freed_memory()

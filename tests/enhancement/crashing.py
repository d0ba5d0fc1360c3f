"""Work for processes, some of which dies; at the module level, so that processes find it."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from enhancement.denoiser import Denoiser
from tests.enhancement.file_runs import Mapped


def doubled(number: Any) -> int:
    """Return twice the number; 13 kills the process, as a fault in a C library does."""
    if number == 13:
        os.abort()
    return number + number


def died(number: Any) -> int:
    """Return what stands for a number that killed its process."""
    return -number


def always(number: Any) -> int:
    """Kill the process."""
    os.abort()


def fragile() -> Denoiser:
    """Return a model that gives back its input, and dies of loud sound."""

    def copied(block: np.ndarray) -> np.ndarray:
        if np.abs(block).max() > 0.9:
            os.abort()
        return block.copy()

    return Mapped(copied)


def slow() -> Denoiser:
    """Return a model that gives back its input, and takes two seconds for each block."""

    def copied(block: np.ndarray) -> np.ndarray:
        time.sleep(2)
        return block.copy()

    return Mapped(copied)

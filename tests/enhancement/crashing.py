"""Work for processes, some of which dies; at the module level, so that processes find it."""

from __future__ import annotations

import os
from typing import Any


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

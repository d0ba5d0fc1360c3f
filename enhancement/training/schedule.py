"""How far a run is, and the learning rate that belongs there."""

from __future__ import annotations

import math

# The warm-up takes this share of a run at most, so that short runs have one too.
_LONGEST_WARMUP = 0.1


def run_progress(step: int, total_steps: int, seconds: float, max_minutes: float | None) -> float:
    """Return how far a run is, from 0 to 1: by steps or by time, whichever is further.

    Args:
        step: steps done.
        total_steps: steps in all.
        seconds: time spent, over all sessions of the run.
        max_minutes: the time that the run may take; None for no limit.
    """
    by_steps = step / total_steps
    by_time = seconds / 60 / max_minutes if max_minutes else 0.0
    return min(1.0, max(by_steps, by_time))


def rate_factor(progress: float, step: int, warmup_steps: int) -> float:
    """Return the share of the highest learning rate: a linear warm-up, then half a cosine to 0.

    Args:
        progress: how far the run is, from 0 to 1.
        step: steps done.
        warmup_steps: steps until the rate is up; a tenth of the run if that is shorter.
    """
    by_steps = (step + 1) / warmup_steps if warmup_steps else 1.0
    warmup = min(1.0, max(by_steps, progress / _LONGEST_WARMUP))
    return warmup * (1 + math.cos(math.pi * progress)) / 2

"""First values of a recurrence, in seconds and hertz: what speech is known by."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from waveform_unet_lru.lru import LRU

_SECONDS = (0.016, 4.0)
_HERTZ = (0.5, 16.0)
_REAL_SHARE = 1 / 3
# A turn in a thousand seconds: in a memory of four the angle stays below 1.5 degrees. The angle is
# kept as its logarithm, so it cannot be 0.
_AS_GOOD_AS_REAL = 1e-3


def start_in_seconds(
    lru: LRU, frames_per_second: float, *, generator: torch.Generator | None = None
) -> None:
    """Give a recurrence time constants and frequencies that suit speech.

    Time constants are log-uniform from 16 ms to 4 s. A third of the states only decay; the others
    turn, log-uniform, at the 0.5 to 16 Hz that speech is modulated with.

    Args:
        lru: its `nu_log` and `theta_log` are set.
        frames_per_second: steps that the recurrence takes in a second.
        generator: of the random numbers; torch's default one if None.
    """
    states = len(lru.nu_log)
    seconds = _log_uniform(*_SECONDS, states, generator)
    hertz = _log_uniform(*_HERTZ, states, generator)
    hertz[: round(_REAL_SHARE * states)] = _AS_GOOD_AS_REAL
    with torch.no_grad():
        lru.nu_log.copy_(-torch.log(seconds * frames_per_second))
        lru.theta_log.copy_(torch.log(2 * math.pi * hertz / frames_per_second))


def _log_uniform(low: float, high: float, count: int, generator: torch.Generator | None) -> Tensor:
    return low * (high / low) ** torch.rand(count, generator=generator)

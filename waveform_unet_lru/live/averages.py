"""Running averages of each bin's magnitude: what has been there for a while is mostly noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from waveform_unet_lru.recurrence import linear_scan

_SECONDS = (0.02, 4.0)


class RunningAverages(nn.Module):
    """Averages over the past that forgets exponentially, at full resolution in frequency.

    The recurrences between the bands see a bin only together with its neighbours. Here each bin has
    a memory of its own, of real states: h_t = lam h_{t-1} + (1 - lam) x_t, lam = exp(-exp(nu_log)),
    with time constants from 0.02 to 4 s at the start.

    Args:
        count: how many averages a bin has.
        frames_per_second: steps in a second.
    """

    def __init__(self, count: int, frames_per_second: float) -> None:
        super().__init__()
        seconds = torch.logspace(*(math.log10(each) for each in _SECONDS), count)
        self.nu_log = nn.Parameter(-torch.log(seconds * frames_per_second))

    def forward(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of frames.

        Args:
            x: shape (frames, batch, bins).
            state: what the stretch before it returned, shape (batch, bins, count); rest if None.

        Returns:
            The averages, shape (frames, batch, bins, count), and the state after them.
        """
        nu = self.nu_log.double().exp()
        u = x[..., None] * -torch.expm1(-nu).to(x.dtype)
        # All that moves side by side is one long row of states, so that time stays first in memory.
        lam = torch.exp(-nu).repeat(u[0].numel() // len(nu))
        before = None if state is None else state.reshape(1, -1)
        averages, last = linear_scan(u.flatten(1)[None], lam, before)
        return averages.view_as(u), last.view(u.shape[1:])

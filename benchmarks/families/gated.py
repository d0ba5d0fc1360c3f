"""The live network with a gated recurrence in the place of the Linear Recurrent Units."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from waveform_unet_lru.live.config import LiveConfig
from waveform_unet_lru.live.network import LiveNetwork
from waveform_unet_lru.recurrence import linear_scan

_SHARPNESS = 8.0  # c of the paper
_SECONDS = (0.016, 4.0)  # as `waveform_unet_lru.live.start` has them
_OPEN = 0.5  # what a gate is about, before training
_LEAST = 1e-12  # keeps the slope of the square root finite where a gate is shut


class GatedNetwork(LiveNetwork):
    """`LiveNetwork` with `GatedRecurrence` in every place, as many real states as it has complex.

    A step then costs the same to the last multiplication: of four matrices of width by states, the
    LRU's are the real and imaginary parts of B and C, here they are the input, the output and two
    gates; and of the elementwise products, both have four a state.

    Args:
        config: see `LiveNetwork`.
    """

    def __init__(self, config: LiveConfig) -> None:
        super().__init__(config)
        for block in self.blocks:
            block.lru = GatedRecurrence(config.width, config.states, config.frames_per_second)
        if self.full_band is not None:
            size = config.full_band
            self.full_band.lru = GatedRecurrence(size, size, config.frames_per_second)


class GatedRecurrence(nn.Module):
    """The RG-LRU of Griffin (De et al. 2024, equations 1 to 4) between two projections.

    h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t W x_t), y_t = C h_t + D x_t, all real, where the gates
    r_t and i_t are sigmoids of linear maps of x_t, and a_t = exp(-8 softplus(decay) r_t).

    Args:
        width: of input and output.
        states: real ones.
        frames_per_second: steps in a second, for the first time constants.
    """

    def __init__(self, width: int, states: int, frames_per_second: float) -> None:
        super().__init__()
        self.into = nn.Parameter(torch.randn(states, width) / width**0.5)
        self.gates = nn.Linear(width, 2 * states)
        nn.init.zeros_(self.gates.bias)
        self.out_of = nn.Parameter(torch.randn(width, states) / states**0.5)
        self.D = nn.Parameter(torch.randn(width))
        low, high = _SECONDS
        steps = frames_per_second * low * (high / low) ** torch.rand(states)
        # The inverse of softplus.
        self.nu_log = nn.Parameter(torch.expm1(1 / (steps * _SHARPNESS * _OPEN)).log())

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of a sequence; see `waveform_unet_lru.lru.LRU.forward`.

        The state is complex to be stored as the LRU's is, with nothing in its imaginary part.
        """
        x = x.transpose(0, 1)  # time first, as it lies in memory
        gates = zip(self.gates.weight.chunk(2), self.gates.bias.chunk(2), strict=True)
        recurrence, entry = (linear(x, *gate).float().sigmoid() for gate in gates)
        entering = linear(x, self.into).float()
        with torch.autocast(x.device.type, enabled=False):
            log_a = -_SHARPNESS * softplus(self.nu_log) * recurrence
            kept = (-torch.expm1(2 * log_a)).clamp_min(_LEAST).sqrt()
            u, a = kept * entry * entering, log_a.exp()
            before = None if state is None else state.real
            h, last = linear_scan(u.transpose(0, 1), a.transpose(0, 1), before)
        y = linear(h.transpose(0, 1), self.out_of)
        y = torch.addcmul(y, x.to(y.dtype), self.D.to(y.dtype)).transpose(0, 1)
        return y, torch.complex(last, torch.zeros_like(last))

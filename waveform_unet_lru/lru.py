"""Linear Recurrent Units (Orvieto et al. 2023): the layer, and the published model's variant."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from waveform_unet_lru.projected_scan import projected_scan


class LRU(nn.Module):
    """A Linear Recurrent Unit: h_t = lam h_{t-1} + gamma B x_t, y_t = Re(C h_t) + D x_t.

    lam = exp(-exp(nu_log) + i exp(theta_log)) lies inside the unit circle whatever the parameters
    are, and gamma = sqrt(1 - |lam|^2) keeps the power of white inputs.

    Args:
        d_model: channels of input and output.
        d_state: complex states.
        r_min: least |lam| at the start, which is uniform on the ring.
        r_max: largest |lam| at the start.
        max_phase: largest angle of lam at the start, in radians.
        normalised: whether there is a gamma; 1 in its place otherwise.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int,
        *,
        r_min: float = 0.0,
        r_max: float = 1.0,
        max_phase: float = 6.28,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        self.normalised = normalised
        ring, angle = torch.rand(d_state), torch.rand(d_state)
        radius_squared = ring * (r_max**2 - r_min**2) + r_min**2
        self.nu_log = nn.Parameter(torch.log(-0.5 * torch.log(radius_squared)))
        self.theta_log = nn.Parameter(torch.log(max_phase * angle))
        self.B_re = nn.Parameter(torch.randn(d_state, d_model) / math.sqrt(2 * d_model))
        self.B_im = nn.Parameter(torch.randn(d_state, d_model) / math.sqrt(2 * d_model))
        self.C_re = nn.Parameter(torch.randn(d_model, d_state) / math.sqrt(d_state))
        self.C_im = nn.Parameter(torch.randn(d_model, d_state) / math.sqrt(d_state))
        self.D = nn.Parameter(torch.randn(d_model))

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of a sequence.

        Args:
            x: shape (batch, time, d_model).
            state: what the stretch before it returned, complex, shape (batch, d_state); rest if
                None.

        Returns:
            The output, of the shape of `x`, and the state after it.
        """
        nu, theta = self.nu_log.double().exp(), self.theta_log.double().exp()
        b_re, b_im = self.B_re, self.B_im
        if self.normalised:
            # Near |lam| = 1, 1 - |lam|^2 is all rounding; expm1 is exact there.
            gamma = (-torch.expm1(-2 * nu)).sqrt().to(b_re.dtype)[:, None]
            b_re, b_im = gamma * b_re, gamma * b_im
        # Real and imaginary parts lie side by side, so that one real matrix product gives what can
        # be seen as complex numbers without a copy.
        into = torch.stack([b_re, b_im], dim=1).flatten(0, 1)
        out_of = torch.stack([self.C_re, -self.C_im], dim=2).flatten(1, 2)
        lam = torch.exp(torch.complex(-nu, theta))
        if state is None:
            state = torch.zeros(x.shape[0], len(nu), dtype=torch.complex64, device=x.device)
        y, state = projected_scan(x, into, lam, out_of, state)
        return torch.addcmul(y, x.to(y.dtype), self.D.to(y.dtype)), state


class LRUBlock(LRU):
    """The published waveform model's LRU, anywhere in the unit circle at first and without gamma.

    Args:
        N: complex states.
        H: channels of input and output.
    """

    def __init__(self, N: int, H: int) -> None:
        super().__init__(H, N, normalised=False)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Run over a whole sequence from rest: (batch, time, H) to (batch, time, H)."""
        return self.step(x, None)[0]

    def step(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of a sequence; see `LRU.forward`."""
        return super().forward(x, state)

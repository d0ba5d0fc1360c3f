"""A recurrence between two projections, as one function with its own gradient.

Alone, the recurrence reads its input and writes its states, and the same again backwards: on a
processor that is mostly waiting for memory. Between its projections nobody else wants its input, so
the states can take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from waveform_unet_lru.recurrence import (
    gradient_of_factors,
    gradient_of_start,
    scan,
    scan_gradient,
)


@torch.compiler.disable
def projected_scan(
    x: Tensor, into: Tensor, lam: Tensor, out_of: Tensor, h0: Tensor
) -> tuple[Tensor, Tensor]:
    """Return y = out_of h with h_t = lam h_{t-1} + into x_t, the states as pairs of real numbers.

    The projections follow autocast; the recurrence is in single precision at least. Fastest is what
    has time first in memory, for then a step's states lie together.

    Args:
        x: shape (batch, time, inputs), real.
        into: shape (2 states, inputs), real and imaginary rows in turn.
        lam: complex factors of shape (states,), best in double precision.
        out_of: shape (outputs, 2 states), real columns and columns for imaginary parts in turn.
        h0: the state before the first step, complex of shape (batch, states).

    Returns:
        y of shape (batch, time, outputs), and the last state, shape (batch, states).
    """
    device = x.device.type
    low = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    state = torch.promote_types(x.dtype, torch.float32).to_complex()
    y, last = _ProjectedScan.apply(x, into, lam, out_of, h0.to(state), low)
    return y, last


class _ProjectedScan(torch.autograd.Function):
    """See `projected_scan`."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        into: Tensor,
        lam: Tensor,
        out_of: Tensor,
        h0: Tensor,
        low: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        x, into, out_of = (each.to(low) for each in (x, into, out_of))
        turned = _turn(x)
        h = turned(_as_complex(linear(turned(x), into), h0.dtype))
        scan(h, lam, h0, out=h)
        ctx.save_for_backward(x, into, lam, out_of, h0, h)
        last = h[:, -1].clone() if h.shape[1] else h0.clone()
        return turned(linear(_as_pairs(turned(h), low), out_of)), last

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_y: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients; autocast is off here, so the types are put in by hand."""
        x, into, lam, out_of, h0, h = ctx.saved_tensors
        low = x.dtype
        turned = _turn(x)
        grad_y = turned(grad_y.to(low))
        wants_x, wants_into, wants_lam, wants_out_of, wants_h0, _ = ctx.needs_input_grad
        grad_out_of = _outer(grad_y, _as_pairs(turned(h), low)) if wants_out_of else None
        g = turned(_as_complex(grad_y @ out_of, h.dtype))
        if not h.shape[1]:
            nothing = [torch.zeros_like(each) for each in (x, into, lam)]
            return *nothing, grad_out_of, grad_last, None
        g[:, -1] += grad_last
        scan_gradient(g, lam, out=g)
        pairs = _as_pairs(turned(g), low)
        return (
            turned(pairs @ into) if wants_x else None,
            _outer(pairs, turned(x)) if wants_into else None,
            gradient_of_factors(g, lam, h0, h) if wants_lam else None,
            grad_out_of,
            gradient_of_start(g, lam) if wants_h0 else None,
            None,
        )


def _turn(x: Tensor) -> Callable[[Tensor], Tensor]:
    """Return what puts first what is first in memory, batch or time, and puts it back again.

    Matrix products would copy what is the other way round.
    """
    if x.stride(0) < x.stride(1):
        return lambda each: each.transpose(0, 1)
    return lambda each: each


def _as_complex(pairs: Tensor, dtype: torch.dtype) -> Tensor:
    """(batch, time, 2 states) to complex (batch, time, states), without a copy where it can be."""
    pairs = pairs.to(dtype.to_real())
    return torch.view_as_complex(pairs.unflatten(-1, (-1, 2)).contiguous())


def _as_pairs(values: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.view_as_real(values).flatten(-2).to(dtype)


def _outer(left: Tensor, right: Tensor) -> Tensor:
    """Return the sum over batch and time of left right^T."""
    return left.flatten(0, -2).T @ right.flatten(0, -2)

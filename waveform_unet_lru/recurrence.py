"""The linear recurrence h_t = lam_t * h_{t-1} + u_t, forward and backward, in 2 sqrt(T) steps.

The sequence is cut into blocks of about sqrt(T) steps. All blocks take their steps at once, each
from rest; then the state is carried from block to block, and what it leaves at each step of a
block, the product of the factors since, is added. The gradient is the same recurrence, backwards
in time.

What decides accuracy is lam: rounded to single precision it is off by up to 3e-8 of itself, and a
state that lasts ten thousand steps by as many times that. So its powers are computed in double
precision, and no state is multiplied by a rounded lam more than sqrt(T) times without being put
right. Only non-negative powers occur, for lam ** -k overflows.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

import torch
from torch import Tensor

# States times batch from which a plain loop is quicker; see `_one_after_another`.
_WIDE = 8192
_WIDE_FOR_THREADS = 65536


@torch.compiler.disable
def linear_scan(u: Tensor, lam: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the states of h_t = lam_t * h_{t-1} + u_t (Orvieto et al. 2023, equation 4).

    One function trains and streams: `h_last` of one stretch is `h0` of the next.

    Args:
        u: inputs of shape (batch, time, states), real or complex; half precision is computed and
            returned as float32.
        lam: factors of shape (states,), or (batch, time, states) for one of its own at each step.
            Real or complex; a higher precision than that of `u` is made use of.
        h0: the state before the first input, shape (batch, states); rest if None.

    Returns:
        All states, shape (batch, time, states), and the last one, shape (batch, states), in the
        precision of `u`; complex where one of the arguments is.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    _check_shapes(u, lam, h0)
    u = u.to(torch.promote_types(u.dtype, torch.float32))
    if lam.is_complex() or (h0 is not None and h0.is_complex()):
        u = u.to(u.dtype.to_complex())
    if u.is_complex():
        lam = lam.to(lam.dtype.to_complex())
    h0 = u.new_zeros(u.shape[0], u.shape[2]) if h0 is None else h0.to(u.dtype)
    if u.shape[1] == 0:
        return u, h0
    h = _LinearScan.apply(u, lam, h0)
    return h, h[:, -1]


class _LinearScan(torch.autograd.Function):
    """The recurrence with its own gradient; autograd through the steps would keep them all."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, lam: Tensor, h0: Tensor) -> Tensor:
        h = _scanned(u, lam, h0)
        ctx.save_for_backward(lam, h0, h)
        return h

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return the gradients of u, lam and h0.

        With g_t = dL/dh_t + conj(lam_{t+1}) g_{t+1}, which is what u_t gets, lam_t gets
        g_t conj(h_{t-1}) and h_0 gets conj(lam_1) g_1.
        """
        lam, h0, h = ctx.saved_tensors
        conjugate = lam.conj().resolve_conj()
        g = _scanned(grad, _of_next_step(conjugate), None, backwards=True)
        wants_u, wants_lam, wants_h0 = ctx.needs_input_grad
        first = conjugate if lam.ndim == 1 else conjugate[:, 0]
        return (
            g if wants_u else None,
            _gradient_of_factors(g, lam, h0, h) if wants_lam else None,
            g[:, 0] * first.to(g.dtype) if wants_h0 else None,
        )


def _scanned(u: Tensor, lam: Tensor, h0: Tensor | None, *, backwards: bool = False) -> Tensor:
    """Return all states; backwards, the first step is the last in time."""
    h = torch.empty_like(u, memory_format=torch.contiguous_format)
    if _one_after_another(u, lam):
        _step_through(u, lam, h, h0, backwards)
        return h
    factors = lam.to(u.dtype)
    length = _block_length(u.shape[1])
    whole = u.shape[1] - u.shape[1] % length
    for part, size in ((slice(whole), length), (slice(whole, None), u.shape[1] - whole)):
        if size:
            own = factors if lam.ndim == 1 else factors[:, part].unflatten(1, (-1, size))
            inputs, states = (each[:, part].unflatten(1, (-1, size)) for each in (u, h))
            _step_from_rest(inputs, own, states, backwards)
    _carry(h, lam, h0, length, backwards)
    return h


def _one_after_another(u: Tensor, lam: Tensor) -> bool:
    """Return whether the plain loop over time is the quickest.

    Where a step's states are worth its call it needs no second pass over the memory. More than one
    thread wants longer steps, and an accelerator few.
    """
    if lam.ndim > 1 or u.device.type != "cpu":
        return False
    width = u.shape[0] * u.shape[2]
    return width >= (_WIDE if torch.get_num_threads() == 1 else _WIDE_FOR_THREADS)


def _step_through(u: Tensor, lam: Tensor, h: Tensor, h0: Tensor | None, backwards: bool) -> None:
    """Take the steps one after another."""
    factor = lam.to(u.dtype)
    length = _block_length(u.shape[1])
    exact = lam.to(torch.complex128 if u.is_complex() else torch.float64)
    rounded = factor.to(exact.dtype)
    ratio = torch.where(rounded == 0, torch.ones_like(exact), exact / rounded)
    correction = (ratio**length).to(u.dtype)
    before = h0
    steps = range(u.shape[1])
    for count, step in enumerate(reversed(steps) if backwards else steps):
        here = h[:, step]
        if before is None:
            here.copy_(u[:, step])
        else:
            torch.addcmul(u[:, step], before, factor, out=here)
        before = here if (count + 1) % length else here * correction


def _step_from_rest(u: Tensor, lam: Tensor, h: Tensor, backwards: bool) -> None:
    """Take the steps of all blocks at once: u and h are (batch, blocks, length, states)."""
    before = None
    steps = range(u.shape[2])
    for step in reversed(steps) if backwards else steps:
        here = h[:, :, step]
        if before is None:
            here.copy_(u[:, :, step])
        else:
            factor = lam if lam.ndim == 1 else lam[:, :, step]
            torch.addcmul(u[:, :, step], before, factor, out=here)
        before = here


def _carry(h: Tensor, lam: Tensor, h0: Tensor | None, length: int, backwards: bool) -> None:
    """Add to each block what is left in it of the state before it."""
    exact = lam.to(torch.complex128 if h.is_complex() else torch.float64)
    constant = None
    if lam.ndim == 1:
        constant = _products(exact.expand(1, length, -1), backwards).to(h.dtype)
    state = h0
    blocks = list(_blocks(h.shape[1], length))
    for start, stop in reversed(blocks) if backwards else blocks:
        block = h[:, start:stop]
        if state is not None:
            if constant is None:
                products = _products(exact[:, start:stop], backwards).to(h.dtype)
            else:
                size = stop - start
                products = constant[:, -size:] if backwards else constant[:, :size]
            block.addcmul_(products, state[:, None])
        state = block[:, 0 if backwards else -1]


def _products(factors: Tensor, backwards: bool) -> Tensor:
    """Return the product of the factors up to each step, both included."""
    if backwards:
        return factors.flip(1).cumprod(1).flip(1)
    return factors.cumprod(1)


def _gradient_of_factors(g: Tensor, lam: Tensor, h0: Tensor, h: Tensor) -> Tensor:
    """Return g_t conj(h_{t-1}), summed over batch and time where the factors are constant."""
    if lam.ndim > 1:
        before = torch.cat([h0[:, None], h[:, :-1]], dim=1)
        return (g * before.conj()).to(lam.dtype)
    exact = torch.complex128 if h.is_complex() else torch.float64
    total = (g[:, 0] * h0.conj()).sum(0, dtype=exact)
    # Block by block, so that the products stay in the cache; their sums in double precision.
    for start, stop in _blocks(h.shape[1] - 1, _block_length(h.shape[1])):
        products = g[:, start + 1 : stop + 1] * h[:, start:stop].conj()
        total += products.sum((0, 1)).to(exact)
    return total.to(lam.dtype)


def _of_next_step(lam: Tensor) -> Tensor:
    """Return the factors that lead backwards into each step: those of the step after it."""
    if lam.ndim == 1:
        return lam
    return torch.cat([lam[:, 1:], torch.zeros_like(lam[:, :1])], dim=1)


def _blocks(time: int, length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, time, length):
        yield start, min(start + length, time)


def _block_length(time: int) -> int:
    """Return the length of blocks that takes the fewest steps in turn."""
    root = isqrt(time)
    candidates = range(max(1, root // 2), 2 * root + 1)
    return min(candidates, key=lambda length: length + -(-time // length) + time % length)


def _check_shapes(u: Tensor, lam: Tensor, h0: Tensor | None) -> None:
    if u.ndim != 3:
        raise ValueError(f"u has shape {tuple(u.shape)}; (batch, time, states) is wanted")
    if lam.shape not in (u.shape[2:], u.shape):
        wanted = f"{tuple(u.shape[2:])} or {tuple(u.shape)}"
        raise ValueError(f"lam has shape {tuple(lam.shape)}; {wanted} is wanted")
    if h0 is not None and h0.shape != (u.shape[0], u.shape[2]):
        raise ValueError(f"h0 has shape {tuple(h0.shape)}; {(u.shape[0], u.shape[2])} is wanted")

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
_IN_CACHE = 65536  # numbers, for each thread


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
        h = torch.empty_like(u)
        scan(u, lam, h0, out=h)
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
        g = torch.empty_like(h)
        scan_gradient(grad, lam, out=g)
        wants_u, wants_lam, wants_h0 = ctx.needs_input_grad
        return (
            g if wants_u else None,
            gradient_of_factors(g, lam, h0, h) if wants_lam else None,
            gradient_of_start(g, lam) if wants_h0 else None,
        )


def scan(
    u: Tensor, lam: Tensor, h0: Tensor | None, *, out: Tensor, backwards: bool = False
) -> None:
    """Compute all states, without a gradient of its own.

    Args:
        u: see `linear_scan`; real where `lam` is, complex where it is.
        lam: see `linear_scan`; backwards, the factors that lead into each step from the one after.
        h0: the state before the first step; rest if None.
        out: for the states, of the shape and type of `u`; it may be `u` itself.
        backwards: whether the first step is the last in time.
    """
    if u.shape[1] == 0:
        return
    if _one_after_another(u, lam):
        _step_through(u, lam, out, h0, backwards)
        return
    factors = lam.to(u.dtype)
    length = _block_length(u.shape[1])
    whole = u.shape[1] - u.shape[1] % length
    for part, size in ((slice(whole), length), (slice(whole, None), u.shape[1] - whole)):
        if size:
            own = factors if lam.ndim == 1 else factors[:, part].unflatten(1, (-1, size))
            inputs, states = (each[:, part].unflatten(1, (-1, size)) for each in (u, out))
            _step_from_rest(inputs, own, states, backwards)
    _carry(out, lam, h0, length, backwards)


def scan_gradient(grad: Tensor, lam: Tensor, *, out: Tensor) -> None:
    """Compute g_t = grad_t + conj(lam_{t+1}) g_{t+1}, the gradient of `u` from that of the states.

    Args:
        grad: of the states, shape (batch, time, states).
        lam: see `linear_scan`.
        out: for g; it may be `grad` itself.
    """
    conjugate = lam.conj().resolve_conj()
    if lam.ndim > 1:
        conjugate = torch.cat([conjugate[:, 1:], torch.zeros_like(conjugate[:, :1])], dim=1)
    scan(grad, conjugate, None, out=out, backwards=True)


def gradient_of_start(g: Tensor, lam: Tensor) -> Tensor:
    """Return conj(lam_1) g_1, the gradient of h0 from what `scan_gradient` computed."""
    first = lam if lam.ndim == 1 else lam[:, 0]
    return g[:, 0] * first.conj().to(g.dtype)


def gradient_of_factors(g: Tensor, lam: Tensor, h0: Tensor, h: Tensor) -> Tensor:
    """Return g_t conj(h_{t-1}), summed over batch and time where the factors are constant.

    Args:
        g: what `scan_gradient` computed.
        lam: see `linear_scan`.
        h0: the state before the first step, shape (batch, states).
        h: the states.
    """
    if lam.ndim > 1:
        before = torch.cat([h0[:, None], h[:, :-1]], dim=1)
        return (g * before.conj()).to(lam.dtype)
    exact = torch.complex128 if h.is_complex() else torch.float64
    total = (g[:, 0] * h0.conj()).sum(0, dtype=exact)
    # Piece by piece, so that the products stay in the cache; their sums in double precision.
    for piece in _pieces(h):
        before = h[:, :-1][piece].conj()
        total += (g[:, 1:][piece] * before).sum((0, 1)).to(exact)
    return total.to(lam.dtype)


def _pieces(h: Tensor) -> Iterator[tuple[slice, slice]]:
    """Cut all but one step of each sequence into pieces of work: sequences and steps."""
    batch, time = h.shape[0], h.shape[1] - 1
    steps = max(1, torch.get_num_threads() * _IN_CACHE // h.shape[2])
    sequences = max(1, steps // max(1, time))
    if h.device.type != "cpu":
        steps, sequences = max(1, time), batch
    for first, last in _blocks(batch, sequences):
        for start, stop in _blocks(time, steps):
            yield slice(first, last), slice(start, stop)


def _one_after_another(u: Tensor, lam: Tensor) -> bool:
    """Return whether the plain loop over time is the quickest.

    Where a step's states are worth its call it needs no second pass over the memory. More than one
    thread wants longer steps, and an accelerator few.
    """
    # More precise factors, one for each step, would be rounded and want putting right.
    if u.device.type != "cpu" or (lam.ndim > 1 and lam.dtype != u.dtype):
        return False
    width = u.shape[0] * u.shape[2]
    return width >= (_WIDE if torch.get_num_threads() == 1 else _WIDE_FOR_THREADS)


def _step_through(u: Tensor, lam: Tensor, h: Tensor, h0: Tensor | None, backwards: bool) -> None:
    """Take the steps one after another."""
    factor = lam.to(u.dtype)
    length = _block_length(u.shape[1])
    correction = _correction(lam, factor, length) if lam.ndim == 1 else None
    before = h0
    steps = range(u.shape[1])
    for count, step in enumerate(reversed(steps) if backwards else steps):
        here = h[:, step]
        if before is None:
            here.copy_(u[:, step])
        else:
            now = factor if lam.ndim == 1 else factor[:, step]
            torch.addcmul(u[:, step], before, now, out=here)
        before = here
        if correction is not None and (count + 1) % length == 0:
            before = here * correction


def _correction(lam: Tensor, rounded: Tensor, length: int) -> Tensor:
    """Return what puts right so many products with factors that were rounded."""
    exact = lam.to(torch.complex128 if rounded.is_complex() else torch.float64)
    rounded_exactly = rounded.to(exact.dtype)
    ones = torch.ones_like(exact)
    ratio = torch.where(rounded_exactly == 0, ones, exact / rounded_exactly)
    return (ratio**length).to(rounded.dtype)


def _step_from_rest(u: Tensor, lam: Tensor, h: Tensor, backwards: bool) -> None:
    """Take the steps of all blocks at once: u and h are (batch, blocks, length, states)."""
    before = None
    steps = range(u.shape[2])
    for step in reversed(steps) if backwards else steps:
        here = h[:, :, step]
        if before is None:
            if here.data_ptr() != u[:, :, step].data_ptr():
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

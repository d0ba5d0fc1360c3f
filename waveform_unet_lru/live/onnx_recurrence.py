"""A step of a Linear Recurrent Unit in an ONNX graph, in whichever form takes less time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from waveform_unet_lru.live.onnx_operators import MICROSOFT, Graph, numbers
from waveform_unet_lru.live.onnx_steps import OUT

if TYPE_CHECKING:
    from waveform_unet_lru.lru import LRU

# Multiplications by what is mostly zeros that take less time than the operators in their place.
# With as many in a block of tiny, the matrix takes 2 % less of a frame; with as many in a
# recurrence over all bands 1 % more, with four times as many 7 % more (a core of an AMD EPYC).
_CHEAP = 2**16


def recurrence(graph: Graph, lru: LRU, x: str, state: str, rows: int) -> tuple[str, np.ndarray]:
    """Take a step; the state goes in and out by its names.

    Where there are few rows and states, it takes less time to multiply input and state by one
    matrix, mostly zeros, than to have the operators that turn complex numbers; else it takes more.

    Args:
        graph: to add to.
        lru: whose step it is.
        x: its input, shape (channels, rows, d_model), or (channels, d_model) of one row.
        state: of real and imaginary parts in turn, shape (channels, rows, 2 d_state), likewise.
        rows: each has states of its own.

    Returns:
        A value, and the matrix that makes y = Re(C h) + D x of it.
    """
    step, into_y = _step(lru), _into_y(lru)
    width = len(into_y)
    if rows * (2 * len(lru.nu_log)) ** 2 <= _CHEAP:
        both = graph.add("Concat", x, state, axis=-1)
        graph.add("MatMul", both, step.T, out=state + OUT)
        return both, into_y @ np.concatenate([np.eye(width, step.shape[1]), step])
    turned = _turned(graph, lru, state, rows)
    after = graph.add("Add", graph.add("MatMul", x, step[:, :width].T), turned, out=state + OUT)
    return graph.add("Concat", x, after, axis=-1), into_y


def _step(lru: LRU) -> np.ndarray:
    """Return the matrix from input and state to the state after it."""
    nu, factors = np.exp(numbers(lru.nu_log)), _factors(lru)
    gamma = np.sqrt(-np.expm1(-2 * nu))[:, None]
    into = np.stack([gamma * numbers(lru.B_re), gamma * numbers(lru.B_im)], axis=1)
    turn = np.array([[factors.real, -factors.imag], [factors.imag, factors.real]])
    # (2, 2, states) to (states, 2, states, 2), zero but for each state by itself.
    turns = np.einsum("ijs,st->sitj", turn, np.eye(len(factors)))
    rows = 2 * len(factors)
    return np.concatenate([into.reshape(rows, -1), turns.reshape(rows, rows)], axis=1)


def _factors(lru: LRU) -> np.ndarray:
    """Return lam."""
    return np.exp(-np.exp(numbers(lru.nu_log)) + 1j * np.exp(numbers(lru.theta_log)))


def _into_y(lru: LRU) -> np.ndarray:
    """Return the matrix to y from x and h."""
    out_of = np.stack([numbers(lru.C_re), -numbers(lru.C_im)], axis=2)
    return np.concatenate([np.diag(numbers(lru.D)), out_of.reshape(len(out_of), -1)], axis=1)


def _turned(graph: Graph, lru: LRU, state: str, rows: int) -> str:
    """Multiply states by lam: a rotary embedding, whose cosines and sines may be any numbers.

    It wants rows, even where there is one.
    """
    factors = _factors(lru)
    parts = (np.tile(part, (rows, 1)) for part in (factors.real, factors.imag))
    if rows == 1:
        state = graph.reshape(state, -1, 1, 2 * len(factors))
    turned = graph.add(
        "RotaryEmbedding", state, np.zeros(1, np.int64), *parts, domain=MICROSOFT, interleaved=1
    )
    return graph.reshape(turned, -1, 2 * len(factors)) if rows == 1 else turned

"""Weights for another number of frames a second: the same memories, in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

_DECAY, _TURN = "nu_log", "theta_log"


def at_frame_rate(weights: Mapping[str, Tensor], ratio: float) -> dict[str, Tensor]:
    """Return a live network's weights for `ratio` times as many frames a second.

    A state decays and turns as far in a second as before: lam becomes lam^(1 / ratio). What comes
    in at the state's own frequency drives it to the same amplitude as before: B makes up for what
    that changes in gamma / (1 - |lam|). All else stays. It is a start for training, no more: what
    one frame tells the next is another matter at another frame rate.

    Args:
        weights: by name, as in the network's state_dict.
        ratio: frames a second there will be to those there were.
    """
    changed = dict(weights)
    for name, value in weights.items():
        last = name.rpartition(".")[2]
        if last in (_DECAY, _TURN):
            changed[name] = value - math.log(ratio)
        elif last in ("B_re", "B_im"):
            nu = weights[name.removesuffix(last) + _DECAY].double().exp()
            factor = (_gain(nu) / _gain(nu / ratio)).to(value.dtype)
            changed[name] = factor[:, None] * value
    return changed


def _gain(nu: Tensor) -> Tensor:
    """Return gamma / (1 - |lam|) for |lam| = exp(-nu)."""
    return (-torch.expm1(-2 * nu)).sqrt() / -torch.expm1(-nu)

"""The published network's arithmetic, written down once more and as plainly as can be."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import conv1d, conv_transpose1d


def published_network(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Return what the published network makes of an input, in the input's precision.

    Args:
        weights: its state_dict.
        x: shape (batch, channels, time), time no shorter than 2 to the number of levels.
    """
    p = {name: value.to(x.dtype) for name, value in weights.items()}
    levels = sum(name.startswith("down_pools.") for name in p) // 2
    skips = []
    for level in range(levels):
        x = _convolved_twice(p, f"down_blocks.{level}", x)
        skips.append(x)
        pool = f"down_pools.{level}.conv"
        x = conv1d(x, p[f"{pool}.weight"], p[f"{pool}.bias"], stride=2)
    x = torch.stack([_recurrence(p, item.T).T for item in x])
    for level in range(levels):
        pool = f"up_pools.{level}.conv"
        x = conv_transpose1d(x, p[f"{pool}.weight"], p[f"{pool}.bias"], stride=2)
        skip = skips[-1 - level]
        x = torch.cat([skip, _stretched(x, skip.shape[-1])], dim=1)
        x = _convolved_twice(p, f"up_blocks.{level}", x)
    return conv1d(x, p["final.weight"], p["final.bias"])


def _convolved_twice(p: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    for layer in (0, 2):
        x = conv1d(x, p[f"{name}.{layer}.weight"], p[f"{name}.{layer}.bias"], padding=1).relu()
    return x


def _recurrence(p: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Step through one sequence of shape (time, channels)."""
    lam = torch.exp(torch.complex(-torch.exp(p["lru.nu_log"]), torch.exp(p["lru.theta_log"])))
    b = torch.complex(p["lru.B_re"], p["lru.B_im"])
    c = torch.complex(p["lru.C_re"], p["lru.C_im"])
    h = torch.zeros_like(lam)
    outputs = []
    for now in x:
        h = lam * h + b @ now.to(b.dtype)
        outputs.append((c @ h).real + p["lru.D"] * now)
    return torch.stack(outputs)


def _stretched(x: Tensor, length: int) -> Tensor:
    """Interpolate linearly between samples that lie in the middle of their stretch of time."""
    time = x.shape[-1]
    if time == length:
        return x
    at = (torch.arange(length, dtype=torch.float64) + 0.5) * time / length - 0.5
    at = at.clamp(0, time - 1)
    left = at.floor().long()
    right = (left + 1).clamp(max=time - 1)
    share = (at - left).to(x.dtype)
    return x[..., left] * (1 - share) + x[..., right] * share

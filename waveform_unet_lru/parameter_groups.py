"""How the weights of a network with Linear Recurrent Units are to be optimised."""

from __future__ import annotations

from typing import Any

from torch import nn

_RECURRENCE = frozenset({"nu_log", "theta_log", "D"})
_RECURRENCE_RATE = 0.5
_BIASES = frozenset({"bias", "band_embedding"})


def parameter_groups(network: nn.Module, *, lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Return groups of parameters for AdamW.

    Norms and biases do not decay, nor does what shapes a recurrence (nu_log, theta_log, D), which
    learns at half the rate: small changes there change what is remembered for how long (Orvieto et
    al. 2023).
    """
    recurrence: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        last = name.rpartition(".")[2]
        if last in _RECURRENCE:
            recurrence.append(parameter)
        elif parameter.ndim < 2 or last in _BIASES:
            vectors.append(parameter)
        else:
            matrices.append(parameter)
    return [
        {"params": matrices, "lr": lr, "weight_decay": weight_decay},
        {"params": vectors, "lr": lr, "weight_decay": 0.0},
        {"params": recurrence, "lr": _RECURRENCE_RATE * lr, "weight_decay": 0.0},
    ]

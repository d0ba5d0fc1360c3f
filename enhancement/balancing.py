"""First weights for networks that have no normalisation layers."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, *_TRANSPOSED)
_LEAST_DEVIATION = 1e-3


def balance_convolutions(
    network: nn.Module, inputs: Tensor, *, but: Collection[nn.Module] = ()
) -> None:
    """Scale and shift each convolution so that its channels have mean 0 and deviation 1 on a batch.

    In place of the normalisation that the network does not have, once, before training (Salimans
    and Kingma 2016, Mishkin and Matas 2016).

    Args:
        network: before training; its convolutions have biases.
        inputs: a batch of the training set's, as the network takes it.
        but: layers to leave as they are, the last one for instance.
    """
    handles = [
        layer.register_forward_hook(_balance)
        for layer in network.modules()
        if isinstance(layer, _CONVOLUTIONS) and layer not in but
    ]
    try:
        with torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()


def _balance(layer: nn.Module, inputs: tuple[Tensor], result: Tensor) -> Tensor:
    """Change a layer by what it gives, and return what it now gives."""
    others = [dimension for dimension in range(result.ndim) if dimension != 1]
    mean = result.mean(dim=others)
    deviation = result.std(dim=others) + _LEAST_DEVIATION
    # Transposed convolutions have their output channels second.
    channels_at = 1 if isinstance(layer, _TRANSPOSED) else 0
    layer.weight.div_(_along(deviation, channels_at, result.ndim))
    layer.bias.sub_(mean).div_(deviation)
    return (result - _along(mean, 1, result.ndim)) / _along(deviation, 1, result.ndim)


def _along(values: Tensor, dimension: int, dimensions: int) -> Tensor:
    return values.view([-1 if each == dimension else 1 for each in range(dimensions)])

"""First weights for training: each layer at unit level, the network returning its input."""

from __future__ import annotations

import torch
from torch import Tensor

from enhancement.balancing import balance_convolutions
from prepare_data.errors import UserError
from waveform_unet_lru.lru import LRUBlock
from waveform_unet_lru.network import UNetLRUAudio

_OTHER_CHANNELS = 0.005  # what the last layer first makes of all but the carried channels
_LEAST_LEVEL = 1e-3
_MIDDLE = 1  # of three taps


def start_from_input(network: UNetLRUAudio, noisy: Tensor) -> None:
    """Balance the layers, and let two channels of the top level carry the input through.

    With the published first weights the biases drown a voice at its usual level, and the
    recurrence, which has no normalisation, gives its channels any level. So each layer is scaled to
    unit level on a batch. Then two channels carry x and -x through the ReLUs, so that the untrained
    network returns about its input, which is 0 dB of gain, and does not begin by learning to copy.
    `UNetLRUAudio()` itself keeps the published first weights.

    Args:
        network: from one channel to one, before training.
        noisy: some of the training set's recordings, shape (batch, time).

    Raises:
        UserError: if its top level has fewer than two channels.
    """
    if network.features[0] < 2:
        raise UserError(f"--features starts with {network.features[0]}; 2 or more is wanted.")
    _balance(network, noisy)
    down, up = network.down_blocks[0], network.up_blocks[-1]
    with torch.no_grad():
        _carry(down[0].weight, down[0].bias, ((0, 1.0), (0, -1.0)))
        # The skipped channels are the first that the way up reads.
        for layer in (down[2], up[0], up[2]):
            _carry(layer.weight, layer.bias, ((0, 1.0), (1, 1.0)))
        network.final.weight.mul_(_OTHER_CHANNELS)
        network.final.weight[0, :2, 0] = torch.tensor([1.0, -1.0])
        network.final.bias.zero_()


def _balance(network: UNetLRUAudio, noisy: Tensor) -> None:
    handle = network.lru.register_forward_hook(_balance_recurrence)
    try:
        balance_convolutions(network, noisy[:, None], but=(network.final,))
    finally:
        handle.remove()


def _balance_recurrence(lru: LRUBlock, inputs: tuple[Tensor], result: Tensor) -> Tensor:
    """Scale what leaves the recurrence to deviation 1, all channels alike."""
    deviation = result.std() + _LEAST_LEVEL
    for weight in (lru.C_re, lru.C_im, lru.D):
        weight.div_(deviation)
    return result / deviation


def _carry(weight: Tensor, bias: Tensor, sources: tuple[tuple[int, float], ...]) -> None:
    """Make the first output channels copies, times a factor, of input channels."""
    for channel, (source, factor) in enumerate(sources):
        weight[channel].zero_()
        weight[channel, source, _MIDDLE] = factor
        bias[channel] = 0

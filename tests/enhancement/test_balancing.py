"""First weights: every convolution's channels at mean 0 and deviation 1."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from enhancement.balancing import balance_convolutions


def _network(dimensions: int) -> nn.Sequential:
    conv, transposed = (
        (nn.Conv1d, nn.ConvTranspose1d) if dimensions == 1 else (nn.Conv2d, nn.ConvTranspose2d)
    )
    torch.manual_seed(0)
    return nn.Sequential(conv(1, 5, 3), nn.ReLU(), transposed(5, 3, 2, 2), nn.ReLU(), conv(3, 2, 1))


@pytest.mark.parametrize("dimensions", [1, 2])
def test_channels_have_mean_0_and_deviation_1(dimensions: int) -> None:
    network = _network(dimensions)
    inputs = 3 + 0.1 * torch.randn(4, 1, *(40,) * dimensions)
    last = [weight.clone() for weight in network[4].parameters()]
    balance_convolutions(network, inputs, but=(network[4],))
    signal = inputs
    for layer in network:
        signal = layer(signal)
        if layer in (network[0], network[2]):
            channels = signal.transpose(0, 1).flatten(1)
            torch.testing.assert_close(
                channels.mean(1), torch.zeros(len(channels)), atol=0.02, rtol=0
            )
            torch.testing.assert_close(
                channels.std(1), torch.ones(len(channels)), atol=0.05, rtol=0
            )
    assert all(torch.equal(a, b) for a, b in zip(last, network[4].parameters(), strict=True))


def test_silent_batch_leaves_finite_weights_and_no_hook() -> None:
    network = _network(1)
    balance_convolutions(network, torch.zeros(2, 1, 40))
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    before = [weight.clone() for weight in network.parameters()]
    network(torch.randn(2, 1, 40))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))

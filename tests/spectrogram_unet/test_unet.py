"""The network: the published names and sizes, and that it learns."""

from __future__ import annotations

import re

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from enhancement.balancing import balance_convolutions
from spectrogram_unet import UNet

_DOWN = [
    f"downconv{level}.double_conv.double_conv.{layer}" for level in range(1, 5) for layer in (0, 2)
]
_UP = [
    f"upconv{level}.{part}"
    for level in range(1, 5)
    for part in ("upsample", "double_conv.double_conv.0", "double_conv.double_conv.2")
]
_LAYERS = [*_DOWN, "bottleneck.double_conv.0", "bottleneck.double_conv.2", *_UP, "out"]


def test_state_dict_has_the_published_names() -> None:
    expected = {f"{layer}.{kind}" for layer in _LAYERS for kind in ("weight", "bias")}
    assert set(UNet(1, 1, 2).state_dict()) == expected


def test_published_width_has_the_published_number_of_weights() -> None:
    with torch.device("meta"):
        network = UNet(in_channels=1, num_classes=1)
    assert sum(weight.numel() for weight in network.parameters()) == 31_030_593
    assert network.bottleneck.double_conv[2].weight.shape == (1024, 1024, 3, 3)
    assert network.upconv1.upsample.weight.shape == (1024, 512, 2, 2)


@pytest.mark.parametrize("size", [(512, 512), (16, 48)])
def test_result_has_the_size_of_the_picture(size: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert UNet(1, 3, 2)(torch.rand(2, 1, *size)).shape == (2, 3, *size)


def test_sizes_that_cannot_be_halved_four_times_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("512x500")):
        UNet(1, 1, 2)(torch.rand(1, 1, 512, 500))


def test_upsampled_features_come_before_the_skipped_ones() -> None:
    """A published checkpoint's weights of the way up expect this order."""
    network = UNet(1, 1, 2)
    up = network.upconv4
    seen = []
    up.double_conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    features, skipped = torch.rand(1, 4, 8, 8), torch.rand(1, 2, 16, 16)
    up(features, skipped)
    assert torch.equal(seen[0][:, :2], up.upsample(features))
    assert torch.equal(seen[0][:, 2:], skipped)


def test_signal_keeps_its_power_on_the_way_through() -> None:
    """Torch's own start would leave features of the bottleneck next to nothing."""
    torch.manual_seed(0)
    network = UNet(1, 1, 8)
    spreads = []
    network.bottleneck.register_forward_hook(lambda *parts: spreads.append(float(parts[2].std())))
    with torch.inference_mode():
        network(torch.rand(2, 1, 64, 64))
    assert 0.05 < spreads[0] < 5


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = UNet(1, 1, 4)
    noisy = torch.rand(4, 1, 32, 32)
    noise = (noisy > 0.5).float()
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(network(noisy), noise)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_balanced_layers_have_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    network = UNet(1, 1, 4)
    pictures = 0.7 + 0.1 * torch.rand(3, 1, 48, 32)
    balance_convolutions(network, pictures, but=(network.out,))
    seen: list[torch.Tensor] = []
    for name in ("downconv1", "downconv3", "upconv2"):
        layer = network.get_submodule(name).double_conv.double_conv[2]
        # A clone, because the ReLU after it works in place.
        layer.register_forward_hook(lambda *parts: seen.append(parts[2].clone()))
    network.upconv3.upsample.register_forward_hook(lambda *parts: seen.append(parts[2].clone()))
    with torch.inference_mode():
        network(pictures)
    for result in seen:
        assert result.mean(dim=(0, 2, 3)).abs().max() < 1e-3
        # Channels that hardly vary are not blown up.
        assert result.std(dim=(0, 2, 3)).median() == pytest.approx(1, abs=0.02)

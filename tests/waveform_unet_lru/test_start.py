"""First weights that return the input."""

from __future__ import annotations

import pytest
import torch

from prepare_data.errors import UserError
from tests.waveform_unet_lru.waveform_pairs import voice_and_noise
from waveform_unet_lru import UNetLRUAudio
from waveform_unet_lru.start import start_from_input


def _noisy() -> torch.Tensor:
    return torch.stack([torch.from_numpy(voice_and_noise(4000, seed).sum(0)) for seed in range(3)])


@pytest.mark.parametrize("features", [(16, 32, 64, 128), (2, 4)])
def test_untrained_network_returns_about_its_input(features: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = UNetLRUAudio(features=features)
    x = _noisy()
    published = network.denoise_single(x)
    start_from_input(network, x)
    started = network.denoise_single(x)
    assert (published - x).norm() > 0.5 * x.norm()
    assert (started - x).norm() < 0.1 * x.norm()


def test_all_weights_learn_from_the_first_step() -> None:
    torch.manual_seed(0)
    network = UNetLRUAudio(features=(4, 8))
    start_from_input(network, _noisy())
    network(_noisy()[:, None]).square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_every_level_has_about_the_level_of_the_others() -> None:
    torch.manual_seed(0)
    network = UNetLRUAudio(features=(4, 8, 16))
    with torch.no_grad():
        network.lru.C_re.mul_(100)  # as where some |lam| is near 1
    x = _noisy()
    start_from_input(network, x)
    with torch.no_grad():
        bottleneck, skips = network.encode(x[:, None])
        recurrence = network.lru(bottleneck.transpose(1, 2))
    # The top level carries the input at its own level.
    for features in (*skips[1:], bottleneck, recurrence):
        assert 0.2 < features.std() < 2


def test_one_channel_cannot_carry_both_signs() -> None:
    with pytest.raises(UserError, match="--features"):
        start_from_input(UNetLRUAudio(features=(1, 2)), _noisy())

"""The network against the published arithmetic, names and first values."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.waveform_unet_lru.published_arithmetic import published_network
from waveform_unet_lru import DownPool1D, LRUBlock, UNetLRUAudio, UpPool1D

_NARROW = (4, 8, 16, 32)
_PUBLISHED_SHAPES = {
    "down_blocks.0.0": (16, 1, 3),
    "down_blocks.0.2": (16, 16, 3),
    "down_blocks.1.0": (32, 32, 3),
    "down_blocks.1.2": (32, 32, 3),
    "down_blocks.2.0": (64, 64, 3),
    "down_blocks.2.2": (64, 64, 3),
    "down_blocks.3.0": (128, 128, 3),
    "down_blocks.3.2": (128, 128, 3),
    "down_pools.0.conv": (32, 16, 2),
    "down_pools.1.conv": (64, 32, 2),
    "down_pools.2.conv": (128, 64, 2),
    "down_pools.3.conv": (256, 128, 2),
    "up_pools.0.conv": (256, 128, 2),
    "up_pools.1.conv": (128, 64, 2),
    "up_pools.2.conv": (64, 32, 2),
    "up_pools.3.conv": (32, 16, 2),
    "up_blocks.0.0": (128, 256, 3),
    "up_blocks.0.2": (128, 128, 3),
    "up_blocks.1.0": (64, 128, 3),
    "up_blocks.1.2": (64, 64, 3),
    "up_blocks.2.0": (32, 64, 3),
    "up_blocks.2.2": (32, 32, 3),
    "up_blocks.3.0": (16, 32, 3),
    "up_blocks.3.2": (16, 16, 3),
    "final": (1, 16, 1),
}
_LRU_SHAPES = {
    "lru.nu_log": (256,),
    "lru.theta_log": (256,),
    "lru.B_re": (256, 256),
    "lru.B_im": (256, 256),
    "lru.C_re": (256, 256),
    "lru.C_im": (256, 256),
    "lru.D": (256,),
}


def _network(features: Sequence[int] = _NARROW, *, channels: int = 1) -> UNetLRUAudio:
    torch.manual_seed(0)
    return UNetLRUAudio(channels, channels, features)


def _lively_network(features: Sequence[int] = _NARROW) -> UNetLRUAudio:
    """Return a network through which the signal keeps its power (He et al. 2015).

    Torch's own first weights leave an output that is nearly constant.
    """
    network = _network(features)
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter)
    return network


def _expected(network: UNetLRUAudio, x: Tensor) -> Tensor:
    with torch.no_grad():
        return published_network(network.state_dict(), x)


def _assert_close(output: Tensor, expected: Tensor, tolerance: float) -> None:
    assert output.shape == expected.shape
    assert expected.std() > 100 * tolerance  # or nearly anything would be close
    assert (output.double() - expected).abs().max() <= tolerance * max(1.0, expected.abs().max())


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("time", [16, 17, 1001, 4095, 16000])
def test_output_is_that_of_the_published_arithmetic(batch: int, time: int) -> None:
    network = _lively_network()
    x = torch.randn(batch, 1, time)
    with torch.no_grad():
        output = network(x)
    assert output.dtype == torch.float32
    _assert_close(output, _expected(network, x.double()), 1e-5)


@pytest.mark.parametrize("features", [_NARROW, (16, 32, 64, 128)])
def test_it_is_so_where_the_recurrence_decides_the_output(features: tuple[int, ...]) -> None:
    network = _lively_network(features)
    x = torch.randn(1, 1, 4000)
    with torch.no_grad():
        output = network(x)
        network.lru = torch.nn.Identity()
        assert (network(x) - output).std() > 0.5 * output.std()
    network = _lively_network(features)
    _assert_close(output, _expected(network, x.double()), 1e-5)
    _assert_close(output, _expected(network, x), 1e-5)


def test_double_precision_is_kept_throughout() -> None:
    network = _lively_network().double()
    x = torch.randn(2, 1, 1001, dtype=torch.float64)
    with torch.no_grad():
        _assert_close(network(x), _expected(network, x), 1e-12)


def test_several_channels_and_other_depths_follow_the_same_arithmetic() -> None:
    network = _network((6, 12), channels=2)
    assert network.multiple == 4
    x = torch.randn(2, 2, 203)
    with torch.no_grad():
        _assert_close(network(x), _expected(network, x.double()), 1e-5)


@pytest.mark.parametrize("time", [1, 7, 15])
def test_shorter_inputs_are_padded_with_zeros_and_cut(time: int) -> None:
    network = _network()
    x = torch.randn(3, 1, time)
    padded = torch.cat([x, torch.zeros(3, 1, 16 - time)], dim=-1)
    with torch.no_grad():
        output = network(x)
    assert output.shape == x.shape
    expected = _expected(network, padded.double())[..., :time]
    assert (output - expected).abs().max() <= 1e-5


def test_gradients_are_those_of_the_published_arithmetic() -> None:
    network = _network()
    x, target = torch.randn(2, 1, 203), torch.randn(2, 1, 203)
    (network(x) - target).square().mean().backward()
    weights = {name: value.detach().double() for name, value in network.named_parameters()}
    for value in weights.values():
        value.requires_grad_()
    (published_network(weights, x.double()) - target).square().mean().backward()
    for name, parameter in network.named_parameters():
        expected = weights[name].grad
        assert (parameter.grad - expected).norm() <= 1e-4 * expected.norm(), name


def test_state_dict_has_the_published_names_and_shapes() -> None:
    expected = dict(_LRU_SHAPES)
    for name, shape in _PUBLISHED_SHAPES.items():
        # A transposed convolution's weight has its output channels second.
        outputs = shape[1] if name.startswith("up_pools") else shape[0]
        expected |= {f"{name}.weight": shape, f"{name}.bias": (outputs,)}
    found = {name: tuple(value.shape) for name, value in UNetLRUAudio().state_dict().items()}
    assert found == expected


def test_published_files_load_strictly() -> None:
    source, target = _network(), UNetLRUAudio(features=list(_NARROW))
    x = torch.randn(1, 1, 500)
    buffer = io.BytesIO()
    torch.save({"epoch": 10, "model_state_dict": source.state_dict(), "loss": 0.1}, buffer)
    buffer.seek(0)
    target.load_state_dict(torch.load(buffer)["model_state_dict"], strict=True)
    with torch.no_grad():
        assert torch.equal(target(x), source(x))
    lacking = source.state_dict()
    lacking.pop("lru.D")
    with pytest.raises(RuntimeError, match=r"lru\.D"):
        target.load_state_dict(lacking)


def test_factors_start_with_uniform_squared_radius_and_angle() -> None:
    """nu_log = log(-log(u1) / 2) and theta_log = log(6.28 u2), u uniform from 0 to 1."""
    torch.manual_seed(0)
    block = LRUBlock(20_000, 1)
    radius_squared = torch.exp(-2 * block.nu_log.detach().double().exp())
    angle = block.theta_log.detach().double().exp()
    assert angle.max() <= 6.28
    ideal = (np.arange(20_000) + 0.5) / 20_000
    for uniform in (radius_squared, angle / 6.28):
        # Kolmogorov and Smirnov: by chance above 0.0115 once in a hundred draws.
        assert np.abs(np.sort(uniform.numpy()) - ideal).max() < 0.0115
    assert abs(np.corrcoef(radius_squared.numpy(), angle.numpy())[0, 1]) < 0.03


def test_projections_start_normal_with_the_published_spread() -> None:
    torch.manual_seed(0)
    block = LRUBlock(N=200, H=500)
    spreads = {
        block.B_re: (2 * 500) ** -0.5,
        block.B_im: (2 * 500) ** -0.5,
        block.C_re: 200**-0.5,
        block.C_im: 200**-0.5,
        LRUBlock(2, 100_000).D: 1.0,
    }
    for parameter, spread in spreads.items():
        values = parameter.detach() / spread
        assert abs(float(values.mean())) < 0.015
        assert float(values.std()) == pytest.approx(1, abs=0.01)
        assert float(values.pow(4).mean()) == pytest.approx(3, abs=0.15)  # of a normal one
    assert not torch.equal(block.B_re, block.B_im)
    assert not torch.equal(block.C_re, block.C_im)


def test_pools_halve_and_double_the_time_the_other_way_the_channels() -> None:
    x = torch.randn(2, 6, 21)
    assert DownPool1D(6)(x).shape == (2, 12, 10)
    assert DownPool1D(6, downsample_factor=4)(x).shape == (2, 12, 5)
    assert UpPool1D(6)(x).shape == (2, 3, 42)
    assert UpPool1D(6, upsample_factor=4)(x).shape == (2, 3, 84)


def test_denoise_single_takes_one_recording_or_several() -> None:
    network = _network()
    noisy = torch.randn(3, 301)
    with torch.no_grad():
        expected = network(noisy[:, None])[:, 0]
    one, several = network.denoise_single(noisy[0]), network.denoise_single(noisy)
    assert one.shape == (1, 301)
    assert several.shape == (3, 301)
    torch.testing.assert_close(one[0], expected[0])
    torch.testing.assert_close(several, expected)
    with pytest.raises(ValueError, match=r"\(1, 1, 301\)"):
        network.denoise_single(noisy[None, :1])


def test_denoise_multiple_takes_recordings_of_different_lengths() -> None:
    network = _network()
    noisy = [torch.randn(time) for time in (160, 7, 1001)]
    results = network.denoise_multiple(noisy)
    assert [result.shape for result in results] == [(1, 160), (1, 7), (1, 1001)]
    for result, each in zip(results, noisy, strict=True):
        with torch.no_grad():
            torch.testing.assert_close(result, network(each[None, None])[:, 0])


@pytest.mark.parametrize("training", [True, False])
def test_denoising_leaves_no_gradient_and_the_mode_as_it_was(training: bool) -> None:
    network = _network().train(training)
    modes = []
    network.lru.register_forward_hook(lambda module, *_: modes.append(module.training))
    noisy = torch.randn(100, requires_grad=True)
    for result in (network.denoise_single(noisy), *network.denoise_multiple([noisy])):
        assert not result.requires_grad
    assert modes == [False, False]
    assert network.training is training
    assert network.down_blocks[0].training is training

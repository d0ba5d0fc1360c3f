"""The live model's network for one frame as an ONNX graph, written down operator by operator.

In networks this small, operators take their time by being many, and a tracing exporter makes more
than twice as many. So everything constant is computed here, in double precision: normalisations, C
and D of a recurrence become part of the matrices beside them. Where onnxruntime has an operator of
its own that does the work of several (Attention, FusedConv, RotaryEmbedding), that one is used; and
what is added or multiplied row by row has all rows, which takes less time than repeating one.
Inside a frame positions come last, as convolutions want them, and features between the bands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from waveform_unet_lru.live.config import BINS, LiveConfig
from waveform_unet_lru.live.network import (
    COMPRESSION,
    LEAST_POWER,
    Attention,
    Block,
    Linear,
    LiveNetwork,
    Residual,
    blocks_before_full_band,
)
from waveform_unet_lru.live.onnx_operators import Graph
from waveform_unet_lru.live.onnx_steps import MASK, OUT, SPECTRUM

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import Tensor, nn

    from waveform_unet_lru.live.full_band import FullBand
    from waveform_unet_lru.lru import LRU

_MICROSOFT = "com.microsoft"
_OPSETS = {"": 17, _MICROSOFT: 1}
_IR_VERSION = 8
_ACROSS: dict[str, Any] = {"kernel_shape": [8], "strides": [4], "pads": [2, 2]}
_CHANNELS = "channels"  # of the sound: a batch to the network


def live_graph(network: LiveNetwork) -> ModelProto:
    """Write a network down as ONNX.

    Inputs are "spectrum", of shape (channels, 256, 2), and a state for each of
    `network.state_shapes`, (channels, *shape); outputs are "mask" and "<state>_out", in the same
    order and of the same shapes. The number of channels is open.

    Args:
        network: whose batch normalisations have the statistics to be used.

    Returns:
        The model, without metadata.
    """
    from onnx import TensorProto, helper

    graph = Graph()
    averages, *states = network.state_shapes
    encoded = _encoded(graph, network, averages)
    x = _into_bands(graph, network, encoded)
    for index, (block, state) in enumerate(zip(network.blocks, states, strict=False), start=1):
        x = _block(graph, block, x, state, network.config.bands)
        if network.full_band is not None and index == blocks_before_full_band(len(network.blocks)):
            x = _full_band(graph, network.full_band, x, states[-1], network.config)
    _mask(graph, network, encoded, x)

    shapes = {SPECTRUM: (BINS, 2), **network.state_shapes}
    outputs = [MASK, *(name + OUT for name in network.state_shapes)]

    def described(names: list[str]) -> list[Any]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [_CHANNELS, *shape])
            for name, shape in zip(names, shapes.values(), strict=True)
        ]

    return helper.make_model(
        helper.make_graph(
            graph.nodes, "live", described(list(shapes)), described(outputs), graph.constants
        ),
        opset_imports=[helper.make_opsetid(*each) for each in _OPSETS.items()],
        ir_version=_IR_VERSION,
    )


def _encoded(graph: Graph, network: LiveNetwork, state: str) -> str:
    """Take the spectrum through compression, averages and encoder, to (channels, features, 64)."""
    spectrum = graph.add("Transpose", SPECTRUM, perm=[0, 2, 1])
    squares = graph.add("Mul", spectrum, spectrum)
    power = graph.add("Conv", squares, np.ones((1, 2, 1)), np.array([LEAST_POWER]))
    factor = graph.add("Pow", power, np.array((COMPRESSION - 1) / 2))
    parts = graph.add("Mul", spectrum, factor)
    magnitude = graph.add("Mul", graph.add("Sqrt", power), factor)
    features = graph.add("Concat", parts, magnitude, state, axis=1)
    step = _averaging(network)
    graph.add("MatMul", step[3:], features, out=state + OUT)
    convolution, norm, _, *residuals = network.encoder
    scale, shift = _affine(norm)
    weight = np.einsum("oik,ij->ojk", _numbers(convolution.weight)[:, :, 0], step)
    x = graph.add("Conv", features, scale[:, None, None] * weight, shift, **_ACROSS)
    return _through_residuals(graph, residuals, graph.add("Relu", x))


def _averaging(network: LiveNetwork) -> np.ndarray:
    """Return the matrix to a bin's parts, magnitude and averages from those before this frame."""
    decay = np.exp(-np.exp(_numbers(network.averages.nu_log)))
    step = np.diag([1.0, 1.0, 1.0, *decay])
    step[3:, 2] = 1 - decay
    return step


def _through_residuals(graph: Graph, residuals: list[Residual], x: str) -> str:
    for residual in residuals:
        scale, shift = _affine(residual.norm)
        weight = scale[:, None, None] * _numbers(residual.convolution.weight)[:, :, 0]
        y = graph.add("Conv", x, weight, shift, kernel_shape=[3], pads=[1, 1])
        x = graph.add("Add", x, graph.add("Relu", y))
    return x


def _into_bands(graph: Graph, network: LiveNetwork, encoded: str) -> str:
    """Bring features and positions to width and bands, (channels, bands, width)."""
    scale, shift = _affine(network.into_norm)
    x = graph.add("MatMul", encoded, _numbers(network.into_bands.weight).T)
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, _numbers(network.into_width.weight).T * scale)
    return graph.add("Add", x, _numbers(network.band_embedding) + shift)


def _block(graph: Graph, block: Block, x: str, state: str, bands: int) -> str:
    x = _gated(graph, block, x, _recurrence(graph, block.lru, x, state, bands), bands)
    if isinstance(block.mixing, Attention):
        return _attention(graph, block.mixing, block.mixing_norm, x)
    return _linear_mixing(graph, block.mixing, block.mixing_norm, x)


def _recurrence(graph: Graph, lru: LRU, x: str, state: str, bands: int) -> str:
    """Take a step and return the state after it; it goes in and out by its names."""
    into, factors = _into_state(lru)
    turned = _multiplied(graph, state, factors, bands)
    return graph.add("Add", graph.add("MatMul", x, into.T), turned, out=state + OUT)


def _into_state(lru: LRU) -> tuple[np.ndarray, np.ndarray]:
    """Return gamma B, real and imaginary parts in turn, and lam."""
    nu, theta = np.exp(_numbers(lru.nu_log)), np.exp(_numbers(lru.theta_log))
    gamma = np.sqrt(-np.expm1(-2 * nu))[:, None]
    into = np.stack([gamma * _numbers(lru.B_re), gamma * _numbers(lru.B_im)], axis=1)
    return into.reshape(2 * len(nu), -1), np.exp(-nu + 1j * theta)


def _multiplied(graph: Graph, h: str, factors: np.ndarray, rows: int) -> str:
    """Multiply rows of real and imaginary parts in turn by complex factors.

    That is what a rotary embedding does, whose cosines and sines may be any numbers. As a matrix
    product, zeros and all, it makes a frame of the base model take a fifth longer.
    """
    parts = (np.tile(part, (rows, 1)) for part in (factors.real, factors.imag))
    return graph.add(
        "RotaryEmbedding", h, np.zeros(1, np.int64), *parts, domain=_MICROSOFT, interleaved=1
    )


def _gated(graph: Graph, block: Block, x: str, h: str, bands: int) -> str:
    """Add to `x` the gated linear unit of y = Re(C h) + D x."""
    weight, bias = _after_norm(block.lru_norm, block.gate)
    into_y = _out_of_state(block.lru)
    both = graph.add("MatMul", graph.add("Concat", x, h, axis=-1), (weight @ into_y).T)
    both = graph.add("Add", both, np.tile(bias, (bands, 1)))
    value, gate = graph.halves(both, len(into_y))
    return graph.add("Add", x, graph.add("Mul", value, graph.add("Sigmoid", gate)))


def _out_of_state(lru: LRU) -> np.ndarray:
    """Return the matrix to y = D x + Re(C h) from x and h."""
    out_of = np.stack([_numbers(lru.C_re), -_numbers(lru.C_im)], axis=2)
    return np.concatenate([np.diag(_numbers(lru.D)), out_of.reshape(len(out_of), -1)], axis=1)


def _full_band(graph: Graph, full_band: FullBand, x: str, state: str, config: LiveConfig) -> str:
    """Add to `x` what all bands together tell; their features lie in one row for it.

    For one row it takes less time to multiply by a matrix of mostly zeros than to have the
    recurrence's operators, so the state after it and what comes of that are one product each.
    """
    row = graph.reshape(x, -1, config.bands * config.width)
    scale, shift = _affine(full_band.into_norm)
    features = _dense(graph, row, scale[:, None] * _numbers(full_band.into.weight), shift)
    both = graph.add("Concat", features, state, axis=-1)
    step = _step(full_band.lru)
    graph.add("MatMul", both, step.T, out=state + OUT)
    scale, shift = _affine(full_band.lru_norm)
    from_features = np.eye(len(shift), step.shape[1])
    out_of = _out_of_state(full_band.lru) @ np.concatenate([from_features, step])
    y = _dense(graph, both, scale[:, None] * out_of, shift, constant=True)
    out = full_band.out_of
    weight = np.concatenate([_numbers(out.weight), _numbers(out.bias)[:, None]], axis=1)
    return graph.reshape(graph.add("Gemm", y, weight.T, row), -1, config.bands, config.width)


def _step(lru: LRU) -> np.ndarray:
    """Return the matrix from input and state, real and imaginary parts in turn, to the state."""
    into, factors = _into_state(lru)
    turn = np.array([[factors.real, -factors.imag], [factors.imag, factors.real]])
    # (2, 2, states) to (states, 2, states, 2), zero but for each state by itself.
    turns = np.einsum("ijs,st->sitj", turn, np.eye(len(factors)))
    return np.concatenate([into, turns.reshape(len(into), -1)], axis=1)


def _dense(
    graph: Graph, x: str, weight: np.ndarray, bias: np.ndarray, *, constant: bool = False
) -> str:
    """Multiply a row by a matrix, add, and cut at zero; with a last feature that is 1 if wanted."""
    if constant:
        weight = np.concatenate([weight, np.zeros((1, weight.shape[1]))])
        bias = np.append(bias, 1.0)
    return graph.add("FusedGemm", x, weight.T, bias, domain=_MICROSOFT, activation="Relu")


def _attention(graph: Graph, attention: Attention, norm: nn.Module, x: str) -> str:
    """Add to `x` what the bands have to tell each other."""
    weight, bias = _after_norm(norm, attention.query_key_value)
    y = graph.add("Attention", x, weight.T, bias, domain=_MICROSOFT, num_heads=attention.heads)
    y = graph.add("MatMul", y, _numbers(attention.out.weight).T)
    return graph.add("Add", x, graph.add("Add", y, _numbers(attention.out.bias)))


def _linear_mixing(graph: Graph, linear: Linear, norm: nn.Module, x: str) -> str:
    """Add to `x` a linear map of its bands, which are what channels are to a convolution."""
    scale, shift = (np.tile(each, (len(linear.weight), 1)) for each in _affine(norm))
    y = graph.add("Add", graph.add("Mul", x, scale), shift)
    weight, bias = _numbers(linear.weight)[:, :, None], _numbers(linear.bias)[:, 0]
    return graph.add("FusedConv", y, weight, bias, x, domain=_MICROSOFT, kernel_shape=[1])


def _mask(graph: Graph, network: LiveNetwork, encoded: str, x: str) -> None:
    """Join what comes from the bands with what went into them, and decode the mask."""
    convolution, norm, _, *residuals = network.decoder
    scale, shift = _affine(norm)
    joining = scale[:, None] * _numbers(convolution.weight)[:, :, 0, 0]
    of_encoded, of_bands = np.split(joining, 2, axis=1)
    out = network.from_width
    x = graph.add("MatMul", x, (of_bands @ _numbers(out.weight)).T)
    x = graph.add("Add", x, np.tile(of_bands @ _numbers(out.bias), (network.config.bands, 1)))
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, _numbers(network.from_bands.weight).T)
    decoded = graph.add(
        "FusedConv",
        encoded,
        of_encoded[:, :, None],
        shift,
        x,
        domain=_MICROSOFT,
        kernel_shape=[1],
        activation="Relu",
    )
    decoded = _through_residuals(graph, residuals, decoded)
    kept = network.config.kept_share
    weight, bias = (
        (1 - kept) * _numbers(each) for each in (network.into_mask.weight, network.into_mask.bias)
    )
    bias += kept * np.array([1.0, 0.0])
    mask = graph.add("ConvTranspose", decoded, weight[:, :, 0], bias, **_ACROSS)
    graph.add("Transpose", mask, perm=[0, 2, 1], out=MASK)


def _after_norm(norm: nn.Module, linear: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a linear map that takes the place of a norm and one after it."""
    scale, shift = _affine(norm)
    weight = _numbers(linear.weight)
    return weight * scale, weight @ shift + _numbers(linear.bias)


def _affine(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what a batch normalisation multiplies by, and what it adds then."""
    scale = _numbers(norm.weight) / np.sqrt(_numbers(norm.running_var) + norm.eps)
    return scale, _numbers(norm.bias) - scale * _numbers(norm.running_mean)


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()

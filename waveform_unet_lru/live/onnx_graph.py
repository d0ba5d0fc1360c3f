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

from waveform_unet_lru.live.config import BINS
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
from waveform_unet_lru.live.onnx_operators import MICROSOFT, Graph, numbers
from waveform_unet_lru.live.onnx_recurrence import recurrence
from waveform_unet_lru.live.onnx_steps import MASK, OUT, SPECTRUM

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

    from waveform_unet_lru.live.full_band import FullBand

_OPSETS = {"": 17, MICROSOFT: 1}
_IR_VERSION = 8
_ACROSS: dict[str, Any] = {"kernel_shape": [8], "strides": [4], "pads": [2, 2]}
_CHANNELS = "channels"  # of the sound: a batch to the network


def live_graph(network: LiveNetwork) -> ModelProto:
    """Write a network down as ONNX.

    Inputs are "spectrum", of shape (channels, 2, 256), and a state for each of
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
    missing: np.ndarray | None = None
    for index, (block, state) in enumerate(zip(network.blocks, states, strict=False), start=1):
        if missing is not None:
            x = graph.add("Add", x, missing)
        x, missing = _block(graph, block, x, state, network.config.bands)
        if network.full_band is not None and index == blocks_before_full_band(len(network.blocks)):
            x = _full_band(graph, network.full_band, x, missing, states[-1])
            missing = None
    if missing is None:
        missing = np.zeros((network.config.bands, network.config.width))
    _mask(graph, network, encoded, x, missing)

    shapes = {SPECTRUM: (2, BINS), **network.state_shapes}
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
    squares = graph.add("Mul", SPECTRUM, SPECTRUM)
    power = graph.add("Conv", squares, np.ones((1, 2, 1)), np.array([LEAST_POWER]))
    factor = graph.add("Pow", power, np.array((COMPRESSION - 1) / 2))
    parts = graph.add("Mul", SPECTRUM, factor)
    magnitude = graph.add("Mul", graph.add("Sqrt", power), factor)
    features = graph.add("Concat", parts, magnitude, state, axis=1)
    step = _averaging(network)
    graph.add("Conv", features, step[3:, :, None], out=state + OUT, kernel_shape=[1])
    convolution, norm, _, *residuals = network.encoder
    scale, shift = _affine(norm)
    weight = np.einsum("oik,ij->ojk", numbers(convolution.weight)[:, :, 0], step)
    x = graph.add("Conv", features, scale[:, None, None] * weight, shift, **_ACROSS)
    return _through_residuals(graph, residuals, graph.add("Relu", x))


def _averaging(network: LiveNetwork) -> np.ndarray:
    """Return the matrix to a bin's parts, magnitude and averages from those before this frame."""
    decay = np.exp(-np.exp(numbers(network.averages.nu_log)))
    step = np.diag([1.0, 1.0, 1.0, *decay])
    step[3:, 2] = 1 - decay
    return step


def _through_residuals(graph: Graph, residuals: list[Residual], x: str) -> str:
    for residual in residuals:
        scale, shift = _affine(residual.norm)
        weight = scale[:, None, None] * numbers(residual.convolution.weight)[:, :, 0]
        y = graph.add("Conv", x, weight, shift, kernel_shape=[3], pads=[1, 1])
        x = graph.add("Add", x, graph.add("Relu", y))
    return x


def _into_bands(graph: Graph, network: LiveNetwork, encoded: str) -> str:
    """Bring features and positions to width and bands, (channels, bands, width)."""
    scale, shift = _affine(network.into_norm)
    x = graph.add("MatMul", encoded, numbers(network.into_bands.weight).T)
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, numbers(network.into_width.weight).T * scale)
    return graph.add("Add", x, numbers(network.band_embedding) + shift)


def _block(graph: Graph, block: Block, x: str, state: str, bands: int) -> tuple[str, np.ndarray]:
    """Take a block's step; a constant, (bands, width), is missing from the result.

    What comes next often adds one of its own, and can add both at once.
    """
    x = _gated(graph, block, x, *recurrence(graph, block.lru, x, state, bands), bands)
    if isinstance(block.mixing, Attention):
        return _attention(graph, block.mixing, block.mixing_norm, x, bands)
    return _linear_mixing(graph, block.mixing, block.mixing_norm, x)


def _gated(graph: Graph, block: Block, x: str, both: str, into_y: np.ndarray, bands: int) -> str:
    """Add to `x` the gated linear unit of what the recurrence makes of it, see `recurrence`."""
    weight, bias = _after_norm(block.lru_norm, block.gate)
    y = graph.add("MatMul", both, (weight @ into_y).T)
    y = graph.add("Add", y, np.tile(bias, (bands, 1)))
    value, gate = graph.halves(y, len(into_y))
    return graph.add("Add", x, graph.add("Mul", value, graph.add("Sigmoid", gate)))


def _full_band(graph: Graph, full_band: FullBand, x: str, missing: np.ndarray, state: str) -> str:
    """Add to `x` what is missing and what all bands tell; their features lie in a row for it."""
    row = graph.reshape(x, -1, missing.size)
    scale, shift = _affine(full_band.into_norm)
    into = scale[:, None] * numbers(full_band.into.weight)
    features = _dense(graph, row, into, shift + into @ missing.ravel())
    both, into_y = recurrence(graph, full_band.lru, features, state, 1)
    scale, shift = _affine(full_band.lru_norm)
    y = _dense(graph, both, scale[:, None] * into_y, shift, constant=True)
    bias = numbers(full_band.out_of.bias) + missing.ravel()
    weight = np.concatenate([numbers(full_band.out_of.weight), bias[:, None]], axis=1)
    return graph.reshape(graph.add("Gemm", y, weight.T, row), -1, *missing.shape)


def _dense(
    graph: Graph, x: str, weight: np.ndarray, bias: np.ndarray, *, constant: bool = False
) -> str:
    """Multiply a row by a matrix, add, and cut at zero; with a last feature that is 1 if wanted."""
    if constant:
        weight = np.concatenate([weight, np.zeros((1, weight.shape[1]))])
        bias = np.append(bias, 1.0)
    return graph.add("FusedGemm", x, weight.T, bias, domain=MICROSOFT, activation="Relu")


def _attention(
    graph: Graph, attention: Attention, norm: nn.Module, x: str, bands: int
) -> tuple[str, np.ndarray]:
    """Add to `x` what the bands have to tell each other, but for a constant; see `_block`."""
    weight, bias = _after_norm(norm, attention.query_key_value)
    y = graph.add("Attention", x, weight.T, bias, domain=MICROSOFT, num_heads=attention.heads)
    y = graph.add("MatMul", y, numbers(attention.out.weight).T)
    return graph.add("Add", x, y), np.tile(numbers(attention.out.bias), (bands, 1))


def _linear_mixing(graph: Graph, linear: Linear, norm: nn.Module, x: str) -> tuple[str, np.ndarray]:
    """Add to `x` a linear map of its bands, but for a constant; see `_block`.

    Bands are what channels are to a convolution.
    """
    scale, shift = _affine(norm)
    weight, bias = numbers(linear.weight), numbers(linear.bias)
    y = graph.add("Mul", x, np.tile(scale, (len(weight), 1)))
    missing = bias + np.outer(weight.sum(1), shift)
    x = graph.add("FusedConv", y, weight[:, :, None], "", x, domain=MICROSOFT, kernel_shape=[1])
    return x, missing


def _mask(graph: Graph, network: LiveNetwork, encoded: str, x: str, missing: np.ndarray) -> None:
    """Join what comes from the bands with what went into them, and decode the mask."""
    convolution, norm, _, *residuals = network.decoder
    scale, shift = _affine(norm)
    joining = scale[:, None] * numbers(convolution.weight)[:, :, 0, 0]
    of_encoded, of_bands = np.split(joining, 2, axis=1)
    out = network.from_width
    from_width = of_bands @ numbers(out.weight)
    x = graph.add("MatMul", x, from_width.T)
    x = graph.add("Add", x, missing @ from_width.T + of_bands @ numbers(out.bias))
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, numbers(network.from_bands.weight).T)
    decoded = graph.add(
        "FusedConv",
        encoded,
        of_encoded[:, :, None],
        shift,
        x,
        domain=MICROSOFT,
        kernel_shape=[1],
        activation="Relu",
    )
    decoded = _through_residuals(graph, residuals, decoded)
    kept = network.config.kept_share
    weight, bias = (
        (1 - kept) * numbers(each) for each in (network.into_mask.weight, network.into_mask.bias)
    )
    bias += kept * np.array([1.0, 0.0])
    graph.add("ConvTranspose", decoded, weight[:, :, 0], bias, out=MASK, **_ACROSS)


def _after_norm(norm: nn.Module, linear: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of a linear map that takes the place of a norm and one after it."""
    scale, shift = _affine(norm)
    weight = numbers(linear.weight)
    return weight * scale, weight @ shift + numbers(linear.bias)


def _affine(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what a batch normalisation multiplies by, and what it adds then."""
    scale = numbers(norm.weight) / np.sqrt(numbers(norm.running_var) + norm.eps)
    return scale, numbers(norm.bias) - scale * numbers(norm.running_mean)

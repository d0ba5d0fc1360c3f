"""The live model's network for one frame as an ONNX graph, written down operator by operator.

In networks this small, operators take their time by being many, and a tracing exporter makes more
than twice as many. So everything constant is computed here, in double precision: batch
normalisations become part of the matrices beside them, and a step of the recurrence is one more
matrix, on real and imaginary parts side by side. Channels of the sound and bands are rows to the
matrix products. Attention is onnxruntime's own operator, com.microsoft.Attention, for that reason.
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
)
from waveform_unet_lru.live.onnx_core import MASK, OUT, SPECTRUM

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import Tensor, nn

    from waveform_unet_lru.lru import LRU

_OPSETS = {"": 17, "com.microsoft": 1}
_IR_VERSION = 8
_CHANNELS = "channels"  # of the sound: a batch to the network
# Four bins at a time, as eight numbers: their real and imaginary parts side by side.
_ACROSS: dict[str, Any] = {"kernel_shape": [16], "strides": [8], "pads": [4, 4]}


def live_graph(network: LiveNetwork) -> ModelProto:
    """Write a network down as ONNX.

    Inputs are "spectrum", of shape (channels, 1, 256, 2), and a state for each of
    `network.state_shapes`, (channels, *shape); outputs are "mask" and "<state>_out", in the same
    order and of the same shapes. The number of channels is open.

    Args:
        network: whose batch normalisations have the statistics to be used.

    Returns:
        The model, without metadata.
    """
    from onnx import TensorProto, helper

    graph = _Graph()
    encoded = _encoded(graph, network)
    x = _into_bands(graph, network, encoded)
    for block, (name, shape) in zip(network.blocks, network.state_shapes.items(), strict=True):
        x = _block(graph, block, x, name, shape)
    _mask(graph, network, encoded, x)

    shapes = {SPECTRUM: (1, BINS, 2), **network.state_shapes}
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


class _Graph:
    """Operators and constants in the order in which they were added; values go by name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._values = 0

    def add(
        self, operator: str, *inputs: str | np.ndarray, out: str | None = None, **attributes: Any
    ) -> str:
        """Add an operator with one result and return its name; arrays become constants."""
        from onnx import helper

        if out is None:
            out = f"value_{self._values}"
            self._values += 1
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        self.nodes.append(helper.make_node(operator, names, [out], **attributes))
        return out

    def reshape(self, value: str, *shape: int, out: str | None = None) -> str:
        """Give a value another shape, of which one number is -1."""
        return self.add("Reshape", value, np.array(shape, np.int64), out=out)

    def _constant(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        dtype = np.int64 if array.dtype == np.int64 else np.float32
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name


def _encoded(graph: _Graph, network: LiveNetwork) -> str:
    """Compress the spectrum and take it through the encoder, to (channels, features, 64)."""
    power = graph.add("ReduceSumSquare", SPECTRUM, axes=[-1], keepdims=1)
    power = graph.add("Add", power, np.array(LEAST_POWER))
    factor = graph.add("Pow", power, np.array((COMPRESSION - 1) / 2))
    compressed = graph.reshape(graph.add("Mul", SPECTRUM, factor), -1, 1, 2 * BINS)
    convolution, norm, _, *residuals = network.encoder
    scale, shift = _affine(norm)
    weight = scale[:, None, None] * _parts_side_by_side(convolution.weight)
    x = graph.add("Relu", graph.add("Conv", compressed, weight, shift, **_ACROSS))
    return _through_residuals(graph, residuals, x)


def _through_residuals(graph: _Graph, residuals: list[Residual], x: str) -> str:
    for residual in residuals:
        scale, shift = _affine(residual.norm)
        weight = scale[:, None, None] * _numbers(residual.convolution.weight)[:, :, 0]
        y = graph.add("Conv", x, weight, shift, kernel_shape=[3], pads=[1, 1])
        x = graph.add("Add", x, graph.add("Relu", y))
    return x


def _into_bands(graph: _Graph, network: LiveNetwork, encoded: str) -> str:
    """Bring features and positions to width and bands, as rows (channels * bands, width)."""
    scale, shift = _affine(network.into_norm)
    x = graph.add("MatMul", encoded, _numbers(network.into_bands.weight).T)
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, _numbers(network.into_width.weight).T * scale)
    x = graph.add("Add", x, _numbers(network.band_embedding) + shift)
    return graph.reshape(x, -1, network.config.width)


def _block(graph: _Graph, block: Block, x: str, state: str, shape: tuple[int, ...]) -> str:
    x = _gated(graph, block, x, _recurrence(graph, block.lru, x, state, shape))
    if isinstance(block.mixing, Attention):
        mixed = _attention(graph, block.mixing, block.mixing_norm, x, bands=shape[0])
    else:
        mixed = _linear_mixing(graph, block.mixing, block.mixing_norm, x)
    return graph.add("Add", x, mixed)


def _recurrence(graph: _Graph, lru: LRU, x: str, state: str, shape: tuple[int, ...]) -> str:
    """Take a step and return y = Re(C h) + D x; the state goes in and out by its names."""
    nu, theta = np.exp(_numbers(lru.nu_log)), np.exp(_numbers(lru.theta_log))
    gamma = np.sqrt(-np.expm1(-2 * nu))[:, None]
    into = np.stack([gamma * _numbers(lru.B_re), gamma * _numbers(lru.B_im)], axis=1)
    out_of = np.stack([_numbers(lru.C_re), -_numbers(lru.C_im)], axis=2)
    pairs = 2 * len(nu)
    before = graph.reshape(state, -1, pairs)
    entering = graph.add("Gemm", x, into.reshape(pairs, -1).T)
    h = graph.add("Gemm", before, _rotations(np.exp(-nu + 1j * theta)), entering)
    graph.reshape(h, -1, *shape, out=state + OUT)
    direct = graph.add("Mul", x, _numbers(lru.D))
    return graph.add("Gemm", h, out_of.reshape(-1, pairs).T, direct)


def _rotations(lam: np.ndarray) -> np.ndarray:
    """Return the matrix that multiplies rows of real and imaginary parts by complex factors.

    Zeros and all it is quicker than the five operators of a complex product.
    """
    matrix = np.zeros((len(lam), 2, len(lam), 2))
    each = np.arange(len(lam))
    matrix[each, 0, each, 0] = matrix[each, 1, each, 1] = lam.real
    matrix[each, 0, each, 1] = lam.imag
    matrix[each, 1, each, 0] = -lam.imag
    return matrix.reshape(2 * len(lam), 2 * len(lam))


def _gated(graph: _Graph, block: Block, x: str, y: str) -> str:
    """Add the gated linear unit of `y` to `x`."""
    weight, bias = _after_norm(block.lru_norm, block.gate)
    value, gate = (
        graph.add("Gemm", y, rows.T, part)
        for rows, part in zip(np.split(weight, 2), np.split(bias, 2), strict=True)
    )
    return graph.add("Add", x, graph.add("Mul", value, graph.add("Sigmoid", gate)))


def _attention(graph: _Graph, attention: Attention, norm: nn.Module, x: str, *, bands: int) -> str:
    weight, bias = _after_norm(norm, attention.query_key_value)
    width = weight.shape[1]
    rows = graph.reshape(x, -1, bands, width)
    y = graph.add(
        "Attention", rows, weight.T, bias, domain="com.microsoft", num_heads=attention.heads
    )
    y = graph.reshape(y, -1, width)
    out = attention.out
    return graph.add("Gemm", y, _numbers(out.weight).T, _numbers(out.bias))


def _linear_mixing(graph: _Graph, linear: Linear, norm: nn.Module, x: str) -> str:
    scale, shift = _affine(norm)
    weight = _numbers(linear.weight)
    y = graph.add("MatMul", weight, graph.reshape(x, -1, len(weight), len(scale)))
    y = graph.add("Mul", y, scale)
    y = graph.add("Add", y, np.outer(weight.sum(1), shift) + _numbers(linear.bias))
    return graph.reshape(y, -1, len(scale))


def _mask(graph: _Graph, network: LiveNetwork, encoded: str, x: str) -> None:
    """Join what comes from the bands with what went into them, and decode the mask."""
    config: LiveConfig = network.config
    convolution, norm, _, *residuals = network.decoder
    scale, shift = _affine(norm)
    joining = scale[:, None] * _numbers(convolution.weight)[:, :, 0, 0]
    of_encoded, of_bands = np.split(joining, 2, axis=1)
    out = network.from_width
    x = graph.add("Gemm", x, (of_bands @ _numbers(out.weight)).T, of_bands @ _numbers(out.bias))
    x = graph.add("Transpose", graph.reshape(x, -1, config.bands, config.channels), perm=[0, 2, 1])
    x = graph.add("MatMul", x, _numbers(network.from_bands.weight).T)
    y = graph.add("Conv", encoded, of_encoded[:, :, None], shift, kernel_shape=[1])
    decoded = _through_residuals(graph, residuals, graph.add("Relu", graph.add("Add", y, x)))
    last = network.into_mask
    mask = graph.add("ConvTranspose", decoded, _parts_side_by_side(last.weight), **_ACROSS)
    mask = graph.reshape(mask, -1, 1, BINS, 2)
    graph.add("Add", mask, _numbers(last.bias), out=MASK)


def _parts_side_by_side(weight: Tensor) -> np.ndarray:
    """Return (features, 2, 1, 8) as (features, 1, 16), over real and imaginary parts in turn."""
    numbers = _numbers(weight)[:, :, 0]
    return numbers.transpose(0, 2, 1).reshape(len(numbers), 1, -1)


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

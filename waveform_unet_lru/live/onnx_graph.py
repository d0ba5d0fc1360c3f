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
)
from waveform_unet_lru.live.onnx_core import MASK, OUT, SPECTRUM

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import Tensor, nn

    from waveform_unet_lru.lru import LRU

_MICROSOFT = "com.microsoft"
_OPSETS = {"": 17, _MICROSOFT: 1}
_IR_VERSION = 8
_ACROSS: dict[str, Any] = {"kernel_shape": [8], "strides": [4], "pads": [2, 2]}
_CHANNELS = "channels"  # of the sound: a batch to the network


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
    averages, *states = network.state_shapes
    encoded = _encoded(graph, network, averages)
    x = _into_bands(graph, network, encoded)
    for block, state in zip(network.blocks, states, strict=True):
        x = _block(graph, block, x, state, network.config.bands)
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

        out = out or self._name()
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        self.nodes.append(helper.make_node(operator, names, [out], **attributes))
        return out

    def halves(self, value: str, size: int) -> list[str]:
        """Cut a value's last dimension in two of a size."""
        from onnx import helper

        halves = [self._name(), self._name()]
        sizes = self._constant(np.array([size, size], np.int64))
        self.nodes.append(helper.make_node("Split", [value, sizes], halves, axis=-1))
        return halves

    def reshape(self, value: str, *shape: int, out: str | None = None) -> str:
        """Give a value another shape, of which one number is -1."""
        return self.add("Reshape", value, np.array(shape, np.int64), out=out)

    def _name(self) -> str:
        self._values += 1
        return f"value_{self._values}"

    def _constant(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        dtype = np.int64 if array.dtype == np.int64 else np.float32
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name


def _encoded(graph: _Graph, network: LiveNetwork, state: str) -> str:
    """Take the spectrum through compression, averages and encoder, to (channels, features, 64)."""
    spectrum = graph.add("Transpose", graph.reshape(SPECTRUM, -1, BINS, 2), perm=[0, 2, 1])
    power = graph.add("ReduceSumSquare", spectrum, axes=[1], keepdims=1)
    power = graph.add("Add", power, np.array(LEAST_POWER))
    factor = graph.add("Pow", power, np.array((COMPRESSION - 1) / 2))
    parts = graph.add("Mul", spectrum, factor)
    magnitude = graph.add("Mul", graph.add("Sqrt", power), factor)
    before = graph.add("Transpose", state, perm=[0, 2, 1])
    features = graph.add("Concat", parts, magnitude, before, axis=1)
    step = _averaging(network)
    averages = graph.add("MatMul", step[3:], features)
    graph.add("Transpose", averages, perm=[0, 2, 1], out=state + OUT)
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


def _through_residuals(graph: _Graph, residuals: list[Residual], x: str) -> str:
    for residual in residuals:
        scale, shift = _affine(residual.norm)
        weight = scale[:, None, None] * _numbers(residual.convolution.weight)[:, :, 0]
        y = graph.add("Conv", x, weight, shift, kernel_shape=[3], pads=[1, 1])
        x = graph.add("Add", x, graph.add("Relu", y))
    return x


def _into_bands(graph: _Graph, network: LiveNetwork, encoded: str) -> str:
    """Bring features and positions to width and bands, (channels, bands, width)."""
    scale, shift = _affine(network.into_norm)
    x = graph.add("MatMul", encoded, _numbers(network.into_bands.weight).T)
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    x = graph.add("MatMul", x, _numbers(network.into_width.weight).T * scale)
    return graph.add("Add", x, _numbers(network.band_embedding) + shift)


def _block(graph: _Graph, block: Block, x: str, state: str, bands: int) -> str:
    x = _gated(graph, block, x, _recurrence(graph, block.lru, x, state, bands), bands)
    if isinstance(block.mixing, Attention):
        return _attention(graph, block.mixing, block.mixing_norm, x)
    return _linear_mixing(graph, block.mixing, block.mixing_norm, x)


def _recurrence(graph: _Graph, lru: LRU, x: str, state: str, bands: int) -> str:
    """Take a step and return the state after it; it goes in and out by its names."""
    nu, theta = np.exp(_numbers(lru.nu_log)), np.exp(_numbers(lru.theta_log))
    gamma = np.sqrt(-np.expm1(-2 * nu))[:, None]
    into = np.stack([gamma * _numbers(lru.B_re), gamma * _numbers(lru.B_im)], axis=1)
    pairs = 2 * len(nu)
    before = graph.reshape(state, -1, bands, pairs)
    turned = _multiplied(graph, before, np.exp(-nu + 1j * theta), bands)
    h = graph.add("Add", graph.add("MatMul", x, into.reshape(pairs, -1).T), turned)
    graph.reshape(h, -1, bands, len(nu), 2, out=state + OUT)
    return h


def _multiplied(graph: _Graph, h: str, factors: np.ndarray, rows: int) -> str:
    """Multiply rows of real and imaginary parts in turn by complex factors.

    That is what a rotary embedding does, whose cosines and sines may be any numbers. As a matrix
    product, zeros and all, it makes a frame of the base model take a fifth longer.
    """
    parts = (np.tile(part, (rows, 1)) for part in (factors.real, factors.imag))
    return graph.add(
        "RotaryEmbedding", h, np.zeros(1, np.int64), *parts, domain=_MICROSOFT, interleaved=1
    )


def _gated(graph: _Graph, block: Block, x: str, h: str, bands: int) -> str:
    """Add to `x` the gated linear unit of y = Re(C h) + D x."""
    lru = block.lru
    out_of = np.stack([_numbers(lru.C_re), -_numbers(lru.C_im)], axis=2)
    into_y = np.concatenate([np.diag(_numbers(lru.D)), out_of.reshape(len(out_of), -1)], axis=1)
    weight, bias = _after_norm(block.lru_norm, block.gate)
    both = graph.add("MatMul", graph.add("Concat", x, h, axis=-1), (weight @ into_y).T)
    both = graph.add("Add", both, np.tile(bias, (bands, 1)))
    value, gate = graph.halves(both, len(out_of))
    return graph.add("Add", x, graph.add("Mul", value, graph.add("Sigmoid", gate)))


def _attention(graph: _Graph, attention: Attention, norm: nn.Module, x: str) -> str:
    """Add to `x` what the bands have to tell each other."""
    weight, bias = _after_norm(norm, attention.query_key_value)
    y = graph.add("Attention", x, weight.T, bias, domain=_MICROSOFT, num_heads=attention.heads)
    y = graph.add("MatMul", y, _numbers(attention.out.weight).T)
    return graph.add("Add", x, graph.add("Add", y, _numbers(attention.out.bias)))


def _linear_mixing(graph: _Graph, linear: Linear, norm: nn.Module, x: str) -> str:
    """Add to `x` a linear map of its bands, which are what channels are to a convolution."""
    scale, shift = (np.tile(each, (len(linear.weight), 1)) for each in _affine(norm))
    y = graph.add("Add", graph.add("Mul", x, scale), shift)
    weight, bias = _numbers(linear.weight)[:, :, None], _numbers(linear.bias)[:, 0]
    return graph.add("FusedConv", y, weight, bias, x, domain=_MICROSOFT, kernel_shape=[1])


def _mask(graph: _Graph, network: LiveNetwork, encoded: str, x: str) -> None:
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
    weight, bias = (_numbers(each) for each in (network.into_mask.weight, network.into_mask.bias))
    mask = graph.add("ConvTranspose", decoded, weight[:, :, 0], bias, **_ACROSS)
    mask = graph.add("Transpose", mask, perm=[0, 2, 1])
    graph.reshape(mask, -1, 1, BINS, 2, out=MASK)


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

"""What an ONNX graph is put together from: operators and constants, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""


def numbers(tensor: Tensor) -> np.ndarray:
    """Return a network's weights for computing constants of them, in double precision."""
    return tensor.detach().cpu().double().numpy()


class Graph:
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

"""Frame after frame through an ONNX graph, in memory that is bound to it once and for all.

To hand arrays over anew takes a sixth of a small network's time. So the spectrum and the mask have
places of their own, and the states have two: what one frame writes, the next one reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from waveform_unet_lru.live.config import BINS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

SPECTRUM, MASK, OUT = "spectrum", "mask", "_out"
"""The graph's own input and output; each state's input name with OUT is its output's name."""


class OnnxSteps:
    """The `Steps` of an exported live model. Those of one session can run in several threads.

    Args:
        session: of the graph.
        state: where to begin, float32 arrays in the order of the graph's inputs.
    """

    def __init__(self, session: InferenceSession, state: tuple[np.ndarray, ...]) -> None:
        from onnxruntime import OrtValue

        def shared(array: np.ndarray) -> OrtValue:
            return OrtValue.ortvalue_from_numpy(array)

        self._run = session.run_with_iobinding
        self._spectrum = np.zeros((len(state[0]), 2, BINS), np.float32)
        self._mask = np.zeros_like(self._spectrum)
        self._states = [array.copy() for array in state], [array.copy() for array in state]
        self._now = 0
        names = [each.name for each in session.get_inputs()][1:]
        spectrum, mask = shared(self._spectrum), shared(self._mask)
        states = [[shared(array) for array in each] for each in self._states]
        self._bindings = []
        for before, after in (states, states[::-1]):
            binding = session.io_binding()
            binding.bind_ortvalue_input(SPECTRUM, spectrum)
            binding.bind_ortvalue_output(MASK, mask)
            for name, read, written in zip(names, before, after, strict=True):
                binding.bind_ortvalue_input(name, read)
                binding.bind_ortvalue_output(name + OUT, written)
            self._bindings.append(binding)

    @property
    def state(self) -> tuple[np.ndarray, ...]:
        """See `Steps`."""
        return tuple(array.copy() for array in self._states[self._now])

    @state.setter
    def state(self, state: tuple[np.ndarray, ...]) -> None:
        for array, value in zip(self._states[self._now], state, strict=True):
            array[...] = value

    def __call__(self, spectrum: np.ndarray) -> np.ndarray:
        """See `Steps`."""
        if spectrum.shape[1] == 1:
            return self._step(spectrum[:, 0])[:, None].copy()
        masks = np.empty_like(spectrum)
        for frame in range(spectrum.shape[1]):
            masks[:, frame] = self._step(spectrum[:, frame])
        return masks

    def _step(self, frame: np.ndarray) -> np.ndarray:
        """Return the mask of one frame, in memory that the next one writes to."""
        self._spectrum[...] = frame.transpose(0, 2, 1)
        self._run(self._bindings[self._now])
        self._now = 1 - self._now
        return self._mask.transpose(0, 2, 1)

"""What turns spectra into masks, whatever computes it: numpy in, numpy out, the state beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from waveform_unet_lru.live.config import LiveConfig

if TYPE_CHECKING:
    from waveform_unet_lru.live.network import LiveNetwork

State = tuple[np.ndarray, ...]


class Core(Protocol):
    """A network over whole frames, with its state in and out; it keeps none itself.

    Attributes:
        config: the network's.
    """

    config: LiveConfig

    def initial_state(self, channels: int) -> State:
        """Return the state at rest: float32 arrays whose first dimension is `channels`."""

    def __call__(self, spectrum: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Return masks for a stretch of frames.

        Args:
            spectrum: float32 of shape (channels, frames, 256, 2), of one frame or more.
            state: what the stretch before it returned, or the state at rest; it is not changed.

        Returns:
            The mask, float32 of the shape of `spectrum`, and the state after it.
        """

    def steps(self, channels: int) -> Steps:
        """Return what goes on from call to call by itself, beginning at rest."""


class Steps(Protocol):
    """A core on its way through one signal, with the state that it has come to.

    Attributes:
        state: after the frames so far; what is read is a copy, what is set is copied.
    """

    state: State

    def __call__(self, spectrum: np.ndarray) -> np.ndarray:
        """Return masks for the next frames, of the shape of `spectrum`; see `Core.__call__`."""


class PlainSteps:
    """The `Steps` of any core.

    Args:
        core: the network.
        channels: of the signal.
    """

    def __init__(self, core: Core, channels: int) -> None:
        self._core = core
        self._state = core.initial_state(channels)

    @property
    def state(self) -> State:
        """See `Steps`."""
        return tuple(array.copy() for array in self._state)

    @state.setter
    def state(self, state: State) -> None:
        self._state = tuple(array.copy() for array in state)

    def __call__(self, spectrum: np.ndarray) -> np.ndarray:
        """See `Steps`."""
        mask, self._state = self._core(spectrum, self._state)
        return mask


class TorchCore:
    """A network run by PyTorch, with as many threads as PyTorch takes.

    Args:
        network: float32 and on any device; it is set to evaluation.
    """

    def __init__(self, network: LiveNetwork) -> None:
        self.config = network.config
        self._network = network.eval()

    def initial_state(self, channels: int) -> State:
        """See `Core`."""
        shapes = self._network.state_shapes.values()
        return tuple(np.zeros((channels, *shape), dtype=np.float32) for shape in shapes)

    def __call__(self, spectrum: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """See `Core`."""
        import torch

        device = self._network.band_embedding.device
        with torch.inference_mode():
            inputs = [torch.from_numpy(array).to(device) for array in (spectrum, *state)]
            mask, after = self._network(inputs[0], tuple(inputs[1:]))
        return mask.cpu().numpy(), tuple(each.cpu().numpy() for each in after)

    def steps(self, channels: int) -> PlainSteps:
        """See `Core`."""
        return PlainSteps(self, channels)

"""The live model's network through onnxruntime: numpy in, numpy out, one thread, no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from enhancement.checkpoints import check_model
from enhancement.onnx_files import open_session, session_header
from prepare_data.errors import UserError
from waveform_unet_lru.live.config import BINS, LiveConfig
from waveform_unet_lru.live.onnx_steps import SPECTRUM, OnnxSteps

_MODEL_NAME = "live"


class OnnxCore:
    """The `Core` of an exported live model.

    Frames are computed one after another, channels as one batch.

    Args:
        path: an ONNX file that `export` wrote.

    Attributes:
        config: the sizes of the network.

    Raises:
        UserError: if the file is missing, damaged or of another model, or onnxruntime is not
            installed.
    """

    config: LiveConfig

    def __init__(self, path: Path) -> None:
        self._session = open_session(path)
        header = session_header(self._session, path)
        check_model(path, header, _MODEL_NAME)
        try:
            self.config = LiveConfig.from_plain(header.config)
        except ValueError as error:
            raise UserError(f"{path} does not say how its network is built: {error}.") from error
        first, *states = self._session.get_inputs()
        if first.name != SPECTRUM or first.shape[1:] != [2, BINS] or not states:
            raise UserError(
                f"{path} does not take a {SPECTRUM} of shape (channels, 2, {BINS}) and states; it "
                "is of an earlier version: export it again."
            )
        self._shapes = {each.name: tuple(each.shape[1:]) for each in states}

    def initial_state(self, channels: int) -> tuple[np.ndarray, ...]:
        """Return the state before the first frame, zeros of shape (channels, ...)."""
        return tuple(np.zeros((channels, *shape), np.float32) for shape in self._shapes.values())

    def __call__(
        self, spectrum: np.ndarray, state: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Compute the masks of consecutive frames.

        Args:
            spectrum: float32 of shape (channels, frames, 256, 2).
            state: what the call before it returned, or `initial_state`.

        Returns:
            The mask, of the shape of `spectrum`, and the state after it.
        """
        steps = self.steps(len(spectrum))
        steps.state = state
        return steps(spectrum), steps.state

    def steps(self, channels: int) -> OnnxSteps:
        """See `Core`."""
        return OnnxSteps(self._session, self.initial_state(channels))

"""What a denoiser is to everything around it: numpy in, numpy out, block after block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np

from prepare_data.errors import UserError

Recording = tuple[Iterable[np.ndarray], int]
"""Consecutive blocks, each of shape (samples, channels), and their sample rate in hertz."""

Part = tuple[int, np.ndarray | UserError | None]
"""Which recording, and the next part of its result; at its end why it has none, or None."""


class Denoiser(ABC):
    """Removes noise from speech.

    Audio is float32 with full scale at 1, of shape (samples,) or (samples, channels); channels are
    denoised each by itself. What comes out has the shape of what went in and is aligned with it in
    time.

    Attributes:
        name: of the model, as `load_denoiser` knows it.
        lag_seconds: what a listener to a live stream waits; None where only whole recordings can
            be denoised.
    """

    name: str
    lag_seconds: float | None = None

    @abstractmethod
    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording of any length in constant memory.

        Args:
            blocks: consecutive parts of the recording, each of shape (samples, channels), of any
                lengths.
            sample_rate: in hertz.

        Yields:
            Consecutive parts of the result, of any lengths, as many samples in all as went in.
        """

    def denoise_several(self, recordings: Iterable[Recording]) -> Iterator[Part]:
        """Denoise several recordings, each as `denoise_blocks` would.

        Here one after another; a model that is quicker with some of them side by side does so. A
        `UserError`, from the model or from the blocks of a recording, ends that recording alone.

        Args:
            recordings: of any lengths, rates and numbers of channels; taken up when it is their
                turn.

        Yields:
            See `Part`: the parts of each recording in their order, those of different recordings
            in any.
        """
        for index, (blocks, sample_rate) in enumerate(recordings):
            ending: UserError | None = None
            try:
                for block in self.denoise_blocks(blocks, sample_rate):
                    yield index, block
            except UserError as error:
                ending = error
            yield index, ending

    def denoise(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Denoise a recording that is in memory.

        Args:
            audio: shape (samples,) or (samples, channels).
            sample_rate: in hertz.

        Returns:
            float32 of the same shape.

        Raises:
            ValueError: if the audio has another number of dimensions or holds NaN or infinity.
        """
        if audio.ndim not in (1, 2):
            raise ValueError(f"audio has shape {audio.shape}; (samples,) or (samples, channels)")
        if not np.isfinite(audio).all():
            raise ValueError("audio holds samples that are not numbers (NaN or infinite)")
        if not len(audio):
            return audio.astype(np.float32)
        block = np.ascontiguousarray(audio.reshape(len(audio), -1), dtype=np.float32)
        parts = list(self.denoise_blocks([block], sample_rate))
        return np.concatenate(parts).reshape(audio.shape)

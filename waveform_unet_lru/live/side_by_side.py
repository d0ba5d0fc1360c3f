"""Several recordings through one network at once: the channels of all of them are a batch.

A frame means the same at every sample rate, and all that crosses from one frame to the next is the
state. So recordings of any rates and lengths stand beside each other, and where one ends another
begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np

from enhancement.denoiser import Part, Recording
from prepare_data.errors import UserError
from waveform_unet_lru.live.core import Core, State
from waveform_unet_lru.live.framing import Framing
from waveform_unet_lru.live.frontend import FrontEnd

_FRAMES_AT_ONCE = 128


def denoised_side_by_side(
    core: Core, recordings: Iterable[Recording], count: int
) -> Iterator[Part]:
    """Denoise recordings, up to `count` of them at a time; see `Denoiser.denoise_several`."""
    waiting = (_Lane(core, index, recording) for index, recording in enumerate(recordings))
    lanes: list[_Lane] = []
    while True:
        candidates = chain(lanes, waiting)
        lanes = []
        while len(lanes) < count and (lane := next(candidates, None)) is not None:
            try:
                if lane.read():
                    lanes.append(lane)
                else:
                    yield lane.index, None
            except UserError as error:
                yield lane.index, error
        if not lanes:
            return
        _answer(core, lanes)
        for lane in lanes:
            yield lane.index, lane.denoised()


class _Lane:
    """A recording on its way through the network.

    Attributes:
        index: which recording.
        seen: frames that have been read, for the network, shape (channels, frames, 256, 2).
        masks: the answers to them, stretch after stretch.
        state: after the frames that have been answered.
    """

    def __init__(self, core: Core, index: int, recording: Recording) -> None:
        self.index = index
        self.seen: np.ndarray
        self.masks: list[np.ndarray] = []
        self.state: State
        self._core = core
        self._framing: Framing | None = None
        self._spectrum: np.ndarray
        self._samples_read = self._samples_given = 0
        self._reading = self._read(*recording)

    def read(self) -> bool:
        """Read the next frames; return whether there are any."""
        return next(self._reading, False)

    def denoised(self) -> np.ndarray:
        """Return what the answers make of these frames, shape (samples, channels)."""
        assert self._framing is not None
        mask = np.concatenate(self.masks, axis=1)
        self.masks = []
        # Only what the silence after the end adds can pass the count of what has been read.
        left = self._samples_read - self._samples_given
        part = self._framing.synthesise(self._spectrum, mask)[:, :left]
        self._samples_given += part.shape[1]
        return np.ascontiguousarray(part.T)

    def _read(self, blocks: Iterable[np.ndarray], sample_rate: int) -> Iterator[bool]:
        front_end = FrontEnd(sample_rate, self._core.config.window)
        ended = self._with_silence(blocks, front_end.lag_samples)
        for piece in _pieces(ended, _FRAMES_AT_ONCE * front_end.hop):
            if self._framing is None:
                self._framing = Framing(front_end, piece.shape[1])
                self.state = self._core.initial_state(piece.shape[1])
            self._spectrum = self._framing.analyse(piece.T)
            self.seen = front_end.for_network(self._spectrum)
            if self.seen.shape[1]:
                yield True

    def _with_silence(self, blocks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
        """Yield the blocks, and after them what it takes to finish the last frames."""
        channels = 0
        for block in blocks:
            self._samples_read += len(block)
            channels = block.shape[1]
            yield np.asarray(block, np.float32)
        if self._samples_read:
            yield np.zeros((samples, channels), np.float32)


def _answer(core: Core, lanes: Sequence[_Lane]) -> None:
    """Compute all masks; where a recording has fewer frames, the others go on without it."""
    start = 0
    for stop in sorted({lane.seen.shape[1] for lane in lanes}):
        going = [lane for lane in lanes if lane.seen.shape[1] >= stop]
        ends = np.cumsum([len(lane.seen) for lane in going])[:-1]
        seen = np.concatenate([lane.seen[:, start:stop] for lane in going])
        states = tuple(map(np.concatenate, zip(*(lane.state for lane in going), strict=True)))
        answers, after = core(seen, states)
        own = zip(*(np.split(array, ends) for array in (answers, *after)), strict=True)
        for lane, (mask, *state) in zip(going, own, strict=True):
            lane.masks.append(mask)
            lane.state = tuple(state)
        start = stop


def _pieces(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Cut and join blocks to `size`, all but the last."""
    held: np.ndarray | None = None
    for block in blocks:
        waiting = block if held is None else np.concatenate([held, block])
        whole = len(waiting) - len(waiting) % size
        for start in range(0, whole, size):
            yield waiting[start : start + size]
        held = waiting[whole:].copy()  # who gives the blocks may fill the same array again
    if held is not None and len(held):
        yield held

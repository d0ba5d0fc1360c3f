"""Process a stream in overlapping windows and fade each into the next, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

Process = Callable[[np.ndarray], np.ndarray]
"""From a window, shape (window, channels in), to one of shape (window, channels out)."""


def overlapped(
    blocks: Iterable[np.ndarray],
    process: Process,
    *,
    window: int,
    stride: int,
    first_stride: int | None = None,
    mirror: bool = True,
) -> Iterator[np.ndarray]:
    """Process a stream of any length window by window.

    Every window counts most in its middle and next to nothing at its borders, so that where the
    windows lie is not heard, and the weights of a sample sum to one. The last window ends where the
    stream ends.

    Args:
        blocks: each of shape (samples, channels), of any lengths.
        process: see `Process`.
        window: samples in a window.
        stride: samples from window to window, at most a window; then nothing overlaps but the last.
        first_stride: samples from the first window to the second, at most `stride`; moves the
            grid of the windows after the first one.
        mirror: whether a stream shorter than a window is mirrored to fill one; if not, `process`
            gets it as it is.

    Yields:
        float32 blocks of shape (samples, channels out), as many samples in all as went in.
    """
    fader = _CrossFader(process, window)
    step = stride if first_stride is None else first_stride
    for block in blocks:
        # In pieces, so that memory does not grow with the blocks.
        for start in range(0, len(block), stride):
            fader.take(block[start : start + stride])
            while fader.full:
                yield fader.next_window(step)
                step = stride
    yield from fader.rest(mirror=mirror)


class _CrossFader:
    """The part of the input that windows still need, and the part of the output still open."""

    def __init__(self, process: Process, window: int) -> None:
        self._process = process
        self._window = window
        self._input = np.zeros((0, 0), dtype=np.float32)  # the last samples received
        self._received = 0
        self._start = 0  # of the next window; what lies before it has been given out
        self._sum = np.zeros((0, 0))  # of weighted windows, from `_start` on
        self._weights = np.zeros((0, 1))

    @property
    def full(self) -> bool:
        """Whether the next window is complete."""
        return self._received >= self._start + self._window

    def take(self, block: np.ndarray) -> None:
        held = self._input if len(self._input) else block[:0]
        self._input = np.concatenate([held, block])
        self._received += len(block)

    def next_window(self, stride: int) -> np.ndarray:
        """Process a window; return what no later one will change."""
        self._add(self._start)
        self._start += stride
        # The last window of the stream may need as much as a window of what came last.
        kept = self._received - max(0, min(self._start, self._received - self._window))
        self._input = self._input[len(self._input) - kept :]
        return self._given_out(stride)

    def rest(self, *, mirror: bool) -> Iterator[np.ndarray]:
        """Process what is left at the end of the stream."""
        if not self._received:
            return
        if self._received < self._window:
            padding = ((0, self._window - self._received if mirror else 0), (0, 0))
            filled = np.pad(self._input, padding, mode="reflect")
            yield self._process(filled)[: self._received].astype(np.float32)
            return
        if self._start + len(self._sum) < self._received:
            self._add(self._received - self._window)
        if len(self._sum):
            yield self._given_out(len(self._sum))

    def _add(self, start: int) -> None:
        """Add a window to the open output, faded in from where that begins."""
        offset = start - (self._received - len(self._input))
        result = self._process(self._input[offset : offset + self._window])
        result = result[self._start - start :]
        weights = _fade(len(result))[:, None]
        longer = len(result) - len(self._sum)
        channels = result.shape[1]
        self._sum = np.concatenate([self._sum.reshape(-1, channels), np.zeros((longer, channels))])
        self._weights = np.concatenate([self._weights, np.zeros((longer, 1))])
        self._sum += weights * result
        self._weights += weights

    def _given_out(self, count: int) -> np.ndarray:
        part = self._sum[:count] / self._weights[:count]
        self._sum = self._sum[count:]
        self._weights = self._weights[count:]
        return part.astype(np.float32)


def _fade(length: int) -> np.ndarray:
    """Return weights that rise from nearly 0 and fall back, never 0."""
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2

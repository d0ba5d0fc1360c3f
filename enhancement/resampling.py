"""Run a model at its own sample rate over audio of any rate, block after block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np


def at_rate(
    denoise: Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]],
    blocks: Iterable[np.ndarray],
    sample_rate: int,
    model_rate: int,
) -> Iterator[np.ndarray]:
    """Resample to a model's rate, denoise there, and resample back.

    The result has exactly as many samples as went in and is aligned with them. Memory does not
    grow with the length. Where the two rates are equal, nothing is added. The resampler is soxr's
    at high quality, which passes what lies below 0.91 times the lower Nyquist frequency.

    Args:
        denoise: takes blocks of shape (samples, channels) at `model_rate` and yields as many
            samples in all.
        blocks: float32, each of shape (samples, channels), of any lengths.
        sample_rate: of `blocks`, in hertz.
        model_rate: in hertz.

    Yields:
        float32 blocks of shape (samples, channels), of any lengths but none empty.
    """
    if sample_rate == model_rate:
        yield from denoise(blocks)
        return
    counted = _Counted(blocks)
    # What rounding there and back can take away is less than one sample of either rate.
    padding = math.ceil(sample_rate / model_rate) + 1
    denoised = denoise(_resampled(counted, sample_rate, model_rate, padding=padding))
    written = 0
    for block in _resampled(denoised, model_rate, sample_rate):
        # Only what the padding added can pass the count of what has been read.
        part = block[: counted.frames - written]
        written += len(part)
        if len(part):
            yield part


class _Counted:
    """Blocks, and how many frames of them have been read."""

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self.frames = 0
        self._blocks = blocks

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self._blocks:
            self.frames += len(block)
            yield block


def _resampled(
    blocks: Iterable[np.ndarray], in_rate: int, out_rate: int, *, padding: int = 0
) -> Iterator[np.ndarray]:
    """Resample a stream, with `padding` frames of silence after its end."""
    import soxr

    stream: soxr.ResampleStream | None = None
    channels = 0
    for block in blocks:
        if stream is None:
            channels = block.shape[1]
            stream = soxr.ResampleStream(in_rate, out_rate, channels, dtype="float32")
        part = stream.resample_chunk(np.ascontiguousarray(block, dtype=np.float32))
        if len(part):
            yield part
    if stream is None:
        return
    rest = stream.resample_chunk(np.zeros((padding, channels), np.float32), last=True)
    if len(rest):
        yield rest

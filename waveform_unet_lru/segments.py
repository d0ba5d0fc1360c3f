"""The published recipe: split, bring to full scale, denoise each segment by itself, reassemble.

What may follow it there, a filter and a level, is what every denoiser is offered by
`enhancement.running`. The published segments touch; here they are faded into each other, because a
network that starts from rest in each of them answers differently on the two sides of a border.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from enhancement.windows import Process, overlapped
from prepare_data.errors import UserError

_OVERLAP_SHARE = 0.1


@dataclass(frozen=True)
class Segments:
    """How a recording is split.

    Attributes:
        seconds: length of a segment.
        overlap_seconds: how much of a segment is shared with the next, less than all of it; 0 for
            segments that touch, a tenth of a segment if None.
        normalize: whether each channel of a segment is brought to a peak of 1 for the network, and
            back to its own level afterwards.

    Raises:
        UserError: if a length lies outside its range.
    """

    seconds: float
    overlap_seconds: float | None = None
    normalize: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.seconds < math.inf:
            raise UserError(f"--segment-seconds is a length above 0, not {self.seconds:g}.")
        if not 0 <= self.overlap < self.seconds:
            raise UserError(
                f"--overlap-seconds goes from 0 to less than a segment of {self.seconds:g} s; it "
                f"was {self.overlap:g}."
            )

    @property
    def overlap(self) -> float:
        """Seconds that a segment shares with the next."""
        if self.overlap_seconds is None:
            return _OVERLAP_SHARE * self.seconds
        return self.overlap_seconds


def in_segments(
    blocks: Iterable[np.ndarray], process: Process, segments: Segments, sample_rate: int
) -> Iterator[np.ndarray]:
    """Process a stream segment by segment, in constant memory.

    The last segment ends where the stream ends and is as long as the others; a stream that is
    shorter than a segment is one.

    Args:
        blocks: float32, each of shape (samples, channels), of any lengths.
        process: takes a segment, shape (samples, channels), and returns one of the same shape.
        segments: how the stream is split.
        sample_rate: of the stream, in hertz.

    Yields:
        float32 blocks of shape (samples, channels), as many samples in all as went in.
    """
    window = max(1, round(segments.seconds * sample_rate))
    stride = max(1, window - round(segments.overlap * sample_rate))
    if segments.normalize:
        process = _at_full_scale(process)
    return overlapped(blocks, process, window=window, stride=stride, mirror=False)


def _at_full_scale(process: Process) -> Process:
    """Return the process on channels of peak 1, the result at their own level; silence stays."""

    def processed(segment: np.ndarray) -> np.ndarray:
        peaks = np.abs(segment).max(axis=0)
        return process(segment / np.where(peaks > 0, peaks, 1)) * peaks

    return processed

"""What becomes of one file on its way through a model, in constant memory.

The result is first kept, as float32, in an unnamed temporary file (in memory while it is small):
only at its end is it known how loud it is, and so which gain keeps it from clipping.
"""

from __future__ import annotations

import math
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from enhancement.running.effects import Effects, HighPass, blend
from enhancement.running.level import ActiveLevel
from enhancement.running.writing import AudioFormat, for_length, writer
from prepare_data.audio_io import read_blocks
from prepare_data.errors import AudioError, UserError

_IN_MEMORY_BYTES = 8 * 2**20  # of each file; a model may have several in hand
_BLOCK_FRAMES = 65_536


@dataclass(frozen=True)
class Result:
    """What became of a file: its length in seconds, and by how much it was turned down."""

    seconds: float
    turned_down_db: float


class FileRun:
    """A file that is being denoised into another, which is there whole at the end or not at all.

    Args:
        source: a recording of any format that `prepare_data` reads.
        target: the file to write; its folder exists.
        audio_format: to write; its rate and channels are the source's.
        effects: what is done after denoising.
        progress: is told how many more frames were read.

    Attributes:
        tap: the blocks of the recording, for the model.

    Raises:
        UserError: if an effect does not fit the recording.
        OSError: if nothing can be written beside the target.
    """

    def __init__(
        self,
        source: Path,
        target: Path,
        audio_format: AudioFormat,
        effects: Effects,
        *,
        progress: Callable[[int], None],
    ) -> None:
        self.tap = _Tap(source, audio_format, keep=effects.wet != 1, progress=progress)
        self._target = target
        self._format = audio_format
        self._effects = effects
        self._highpass: HighPass | None = None
        if effects.highpass_hz is not None:
            self._highpass = HighPass(effects.highpass_hz, audio_format.sample_rate)
        self._meter = _Meter(audio_format, with_level=effects.normalize_dbfs is not None)
        self._frames = 0
        self._spool = _spool(target.parent)

    def add(self, answer: np.ndarray) -> None:
        """Take the next part of the model's answer, of shape (samples, channels).

        Raises:
            UserError: if it is unusable.
            OSError: if it cannot be kept.
        """
        _refuse_unusable(answer, self._frames, self.tap)
        self._frames += len(answer)
        block = np.asarray(answer, np.float32)
        if self._effects.wet != 1:
            block = blend(self.tap.take(len(block)), block, wet=self._effects.wet)
        if self._highpass is not None:
            block = self._highpass.filter(block)
        self._meter.add(block)
        self._spool.write(block.tobytes())

    def finish(self) -> Result:
        """Write the result, when the model has no more to say.

        Raises:
            UserError: if the model's answer is not that to the whole recording.
            OSError: if the target cannot be written.
        """
        tap = self.tap
        if not tap.ended:
            raise UserError(f"the model stopped reading after {tap.frames} samples")
        if self._frames != tap.frames:
            raise UserError(f"the model gave back {self._frames} samples for {tap.frames}")
        gains, turned_down_db = _gains(tap, self._meter, self._format, self._effects)
        self._spool.seek(0)
        with writer(self._target, for_length(self._format, tap.frames)) as write:
            for block in _blocks_of(self._spool, self._format.channels):
                write(block * gains)
        return Result(tap.frames / self._format.sample_rate, turned_down_db)

    def close(self) -> None:
        """Let go of what is kept; the model gets no more to read."""
        self.tap.closed = True
        self._spool.close()


class _Tap:
    """The recording on its way to the model: checked, measured, and kept for mixing back.

    What is kept is what the model has not yet answered, so it stays small.
    """

    def __init__(
        self,
        source: Path,
        audio_format: AudioFormat,
        *,
        keep: bool,
        progress: Callable[[int], None],
    ) -> None:
        self.frames = 0
        self.ended = False
        self.closed = False
        self.peaks = np.zeros(audio_format.channels, np.float32)
        self.format = audio_format
        self._source = source
        self._keep = keep
        self._kept: deque[np.ndarray] = deque()
        self._progress = progress

    def __iter__(self) -> Iterator[np.ndarray]:
        try:
            yield from self._checked()
        except OSError as error:
            raise AudioError(f"cannot be read: {error.strerror or error}") from error

    def _checked(self) -> Iterator[np.ndarray]:
        rate = self.format.sample_rate
        for block, _ in read_blocks(self._source):
            if not np.isfinite(block).all():
                frame, channel = np.argwhere(~np.isfinite(block))[0]
                raise AudioError(
                    "holds samples that are not numbers (NaN or infinite), the first at "
                    f"{(self.frames + frame) / rate:.3f} s in channel {channel + 1}"
                )
            self.frames += len(block)
            self.peaks = np.maximum(self.peaks, np.abs(block).max(axis=0, initial=0))
            if self._keep:
                self._kept.append(block.copy())  # a model may work in place
            self._progress(len(block))
            yield block
            if self.closed:
                return
        if not self.frames:
            raise AudioError("holds no sound")
        self.ended = True

    def take(self, frames: int) -> np.ndarray:
        """Return the next frames of the noisy recording, for a result of as many."""
        parts: list[np.ndarray] = []
        while frames and self._kept:
            block = self._kept.popleft()
            parts.append(block[:frames])
            if len(block) > frames:
                self._kept.appendleft(block[frames:])
            frames -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros((0, len(self.peaks)), np.float32)


class _Meter:
    """How loud a result is."""

    def __init__(self, audio_format: AudioFormat, *, with_level: bool) -> None:
        self.peaks = np.zeros(audio_format.channels, np.float32)
        self.active_level = ActiveLevel(audio_format.sample_rate) if with_level else None

    def add(self, block: np.ndarray) -> None:
        self.peaks = np.maximum(self.peaks, np.abs(block).max(axis=0, initial=0))
        if self.active_level is not None:
            self.active_level.add(block)


def _refuse_unusable(answer: np.ndarray, frames: int, tap: _Tap) -> None:
    if frames + len(answer) > tap.frames:
        raise UserError(f"the model gave back more samples than the {tap.frames} it was given")
    if not np.isfinite(answer).all():
        raise UserError(
            "the model gave back samples that are not numbers, after "
            f"{frames / tap.format.sample_rate:.1f} s"
        )


def _gains(
    tap: _Tap, meter: _Meter, audio_format: AudioFormat, effects: Effects
) -> tuple[np.ndarray, float]:
    """Return the gain for each channel, and the decibels that keeping from clipping took.

    A silent channel stays silent, whatever a model made of it; the others share one gain.
    """
    sounding = tap.peaks > 0
    gain = 1.0
    if meter.active_level is not None and effects.normalize_dbfs is not None:
        level = meter.active_level.level_dbfs()
        if math.isfinite(level):
            gain = 10 ** ((effects.normalize_dbfs - level) / 20)
    peak = gain * float(np.max(meter.peaks * sounding))
    ceiling = _ceiling(float(tap.peaks.max()), audio_format)
    turned_down_db = 0.0
    if peak > ceiling:
        gain *= ceiling / peak
        turned_down_db = 20 * math.log10(peak / ceiling)
    return (gain * sounding).astype(np.float32), turned_down_db


def _ceiling(input_peak: float, audio_format: AudioFormat) -> float:
    """Return the largest peak that is no new clipping: full scale, or what the input had."""
    if math.isinf(audio_format.largest_sample):
        return max(1.0, input_peak)
    return max(audio_format.largest_sample, min(1.0, input_peak))


def _spool(folder: Path) -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(folder))


def _blocks_of(spool: IO[bytes], channels: int) -> Iterator[np.ndarray]:
    frame_bytes = 4 * channels
    while data := spool.read(_BLOCK_FRAMES * frame_bytes):
        yield np.frombuffer(data, np.float32).reshape(-1, channels)

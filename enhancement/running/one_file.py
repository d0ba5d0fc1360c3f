"""Denoise one file in constant memory.

The result is first kept, as float32, in an unnamed temporary file (in memory while it is small):
only at its end is it known how loud it is, and so which gain keeps it from clipping.
"""

from __future__ import annotations

import math
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.running.effects import Effects, HighPass, blend
from enhancement.running.level import ActiveLevel
from enhancement.running.writing import AudioFormat, for_length, writer
from prepare_data.audio_io import read_blocks
from prepare_data.errors import AudioError, UserError

_IN_MEMORY_BYTES = 32 * 2**20
_BLOCK_FRAMES = 65_536


@dataclass(frozen=True)
class Result:
    """What became of a file: its length in seconds, and by how much it was turned down."""

    seconds: float
    turned_down_db: float


def denoise_file(
    source: Path,
    target: Path,
    audio_format: AudioFormat,
    denoiser: Denoiser,
    effects: Effects,
    *,
    progress: Callable[[int], None],
) -> Result:
    """Denoise a file into another, which is there whole afterwards or not at all.

    Args:
        source: a recording of any format that `prepare_data` reads.
        target: the file to write; its folder exists.
        audio_format: to write; its rate and channels are the source's.
        denoiser: any.
        effects: what is done after denoising.
        progress: is told how many more frames were read.

    Raises:
        UserError: if the source cannot be read or holds NaN, or the model's answer is unusable.
        OSError: if the target cannot be written.
    """
    tap = _Tap(source, audio_format, keep=effects.wet != 1, progress=progress)
    with _spool(target.parent) as spool:
        meter = _Meter(audio_format, with_level=effects.normalize_dbfs is not None)
        for block in _processed(tap, denoiser, effects):
            meter.add(block)
            spool.write(block.tobytes())
        gains, turned_down_db = _gains(tap, meter, audio_format, effects)
        spool.seek(0)
        with writer(target, for_length(audio_format, tap.frames)) as write:
            for block in _blocks_of(spool, audio_format.channels):
                write(block * gains)
    return Result(tap.frames / audio_format.sample_rate, turned_down_db)


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
        self.peaks = np.zeros(audio_format.channels, np.float32)
        self.format = audio_format
        self._source = source
        self._keep = keep
        self._kept: deque[np.ndarray] = deque()
        self._progress = progress

    def __iter__(self) -> Iterator[np.ndarray]:
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


def _processed(tap: _Tap, denoiser: Denoiser, effects: Effects) -> Iterator[np.ndarray]:
    """Yield the denoised recording with the effects that need no second look."""
    highpass = None
    if effects.highpass_hz is not None:
        highpass = HighPass(effects.highpass_hz, tap.format.sample_rate)
    frames = 0
    for answer in denoiser.denoise_blocks(tap, tap.format.sample_rate):
        _refuse_unusable(answer, frames, tap)
        frames += len(answer)
        block = np.asarray(answer, np.float32)
        if effects.wet != 1:
            block = blend(tap.take(len(block)), block, wet=effects.wet)
        yield block if highpass is None else highpass.filter(block)
    if not tap.ended:
        raise UserError(f"the model stopped reading after {tap.frames} samples")
    if frames != tap.frames:
        raise UserError(f"the model gave back {frames} samples for {tap.frames}")


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


def _spool(folder: Path) -> AbstractContextManager[IO[bytes]]:
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(folder))


def _blocks_of(spool: IO[bytes], channels: int) -> Iterator[np.ndarray]:
    frame_bytes = 4 * channels
    while data := spool.read(_BLOCK_FRAMES * frame_bytes):
        yield np.frombuffer(data, np.float32).reshape(-1, channels)

"""Read what libsndfile cannot, through FFmpeg's libraries (PyAV)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from prepare_data.errors import AudioError
from prepare_data.storage import open_file

_SEEK_FROM_SECONDS = 20.0  # nearer than this, decoding from the start is as quick and exact
_PREROLL_SECONDS = 1.0  # so that a decoder's memory has settled where the stretch begins


def read_info(path: Path) -> tuple[int, int, None]:
    """Return (sample_rate, channels, None): containers do not tell the frames exactly."""
    with _open(path) as (_, stream):
        return int(stream.rate), int(stream.channels), None


def read_blocks(path: Path, *, block_seconds: float) -> Iterator[tuple[np.ndarray, int]]:
    """Decode from start to end; see `prepare_data.audio_io.read_blocks`."""
    with _open(path) as (container, stream):
        rate = int(stream.rate)
        block_frames = int(rate * block_seconds)
        pending: list[np.ndarray] = []
        waiting = 0
        for frame in _decode(container, stream):
            pending.append(frame)
            waiting += len(frame)
            if waiting >= block_frames:
                yield np.concatenate(pending), rate
                pending, waiting = [], 0
        if pending:
            yield np.concatenate(pending), rate


def read_segment(path: Path, *, start_frame: int, frames: int) -> tuple[np.ndarray, int]:
    """Decode one stretch; see `prepare_data.audio_io.read_segment`.

    Far into a file the container's time stamps tell the position, which is right to a codec frame
    (20 ms in speech codecs); the same stretch is the same samples every time.
    """
    with _open(path) as (container, stream):
        rate = int(stream.rate)
        position = _seek(container, stream, start_frame, rate)
        kept: list[np.ndarray] = []
        stop_frame = start_frame + frames
        for frame in _decode(container, stream):
            end = position + len(frame)
            if end > start_frame:
                kept.append(frame[max(0, start_frame - position) : stop_frame - position])
            position = end
            if position >= stop_frame:
                break
        if not kept:
            raise AudioError(f"ends at frame {position}, before frame {start_frame}")
        return np.concatenate(kept), rate


@contextmanager
def _open(path: Path) -> Iterator[tuple[Any, Any]]:
    import av

    try:
        # A file object, because FFmpeg would take a name with a colon for a protocol, and a name
        # need not be valid UTF-8.
        with open_file(path) as file, av.open(file, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioError("holds no sound")
            stream = container.streams.audio[0]
            if stream.codec_context is None:  # it has no rate then, not even None
                raise AudioError("its codec is not known")
            if not stream.rate or not stream.channels:
                raise AudioError("its sample rate or channels are not known")
            yield container, stream
    except av.FFmpegError as error:
        raise AudioError(
            f"not sound that libsndfile or FFmpeg can read ({error.strerror})"
        ) from error
    except OSError as error:
        raise AudioError(f"cannot be read: {os.strerror(error.errno or 0)}") from error


def _decode(container: Any, stream: Any) -> Iterator[np.ndarray]:
    """Yield float32 arrays (frames, channels) at the stream's first rate and layout."""
    import av

    resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    first = None
    for frame in container.decode(stream):
        form = (frame.layout.nb_channels, frame.sample_rate)
        first = first or form
        if form != first:  # the resampler would raise, or pass the frame on as it is
            raise AudioError("damaged: its channels or rate change on the way")
        frame.pts = None  # the resampler would fill gaps between time stamps with silence
        for part in resampler.resample(frame):
            yield part.to_ndarray().T
    for part in resampler.resample(None):
        yield part.to_ndarray().T


def _seek(container: Any, stream: Any, start_frame: int, rate: int) -> int:
    """Move near a frame and return the position, in frames, at which decoding will go on."""
    if start_frame < _SEEK_FROM_SECONDS * rate:
        return 0
    import av

    target = (start_frame / rate) - _PREROLL_SECONDS
    first = stream.start_time or 0
    try:
        container.seek(int(target / stream.time_base) + first, stream=stream, backward=True)
        packet = next(p for p in container.demux(stream) if p.pts is not None)
        position = round(float((packet.pts - first) * stream.time_base) * rate)
        container.seek(packet.pts, stream=stream, backward=True)
    except (av.FFmpegError, StopIteration):
        position = start_frame + 1
    if 0 <= position <= start_frame:
        return position
    container.seek(first, stream=stream, backward=True)
    return 0

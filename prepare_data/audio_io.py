"""Read recordings of any format, and only the part of them that is needed.

libsndfile (through soundfile) reads WAV, FLAC, Ogg Vorbis and Opus, and MP3; FFmpeg (through PyAV)
reads 3GP, AMR, M4A, WebM and whatever else it knows. Both give float32 with full scale at 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from prepare_data import av_io
from prepare_data.errors import AccessError, AudioError
from prepare_data.storage import is_remote, open_file
from prepare_data.truncation import why_truncated

BLOCK_SECONDS = 10.0

_SUFFIXES = """
    .wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .au .snd .caf .w64 .rf64 .bwf
    .3gp .3gpp .3g2 .amr .awb .m4a .m4b .mp4 .m4v .mov .aac .webm .mka .mkv .wma .avi .ac3 .ape
    .wv .tta .spx .mp2 .gsm .sph .nist
"""
AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())
"""Names that are taken for recordings; other files are passed over."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of itself; `frames` is None where only decoding to the end would tell."""

    sample_rate: int
    channels: int
    frames: int | None


def read_info(path: Path) -> AudioInfo:
    """Return the sample rate, channels and, where known, frames of a recording.

    Raises:
        AudioError: if neither libsndfile nor FFmpeg can read it.
    """
    with _opened(path) as file:
        if file is None:
            return AudioInfo(*av_io.read_info(path))
        return AudioInfo(file.samplerate, file.channels, file.frames)


def read_blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a recording from its start to its end in blocks of about ten seconds.

    Yields:
        Arrays of shape (frames, channels), float32, and the sample rate.

    Raises:
        AudioError: if it cannot be read, breaks off before its end, or is empty.
    """
    with _opened(path) as file:
        if file is None:
            yield from av_io.read_blocks(path, block_seconds=BLOCK_SECONDS)
            return
        if reason := why_truncated(path):
            raise AudioError(reason)
        block_frames = int(file.samplerate * BLOCK_SECONDS)
        frames_read = 0
        while len(block := _read(file, block_frames)):
            if frames_read % block_frames:  # the block before this one was not the last
                raise AudioError(f"damaged: there is a gap after frame {frames_read}")
            frames_read += len(block)
            yield block, file.samplerate
        if frames_read < file.frames - _slack(file):
            raise AudioError(
                f"truncated: its header promises {file.frames} frames, {frames_read} can be read"
            )
        if frames_read > file.frames:  # what lies beyond cannot be sought
            raise AudioError(
                f"damaged: its header promises {file.frames} frames, {frames_read} can be read"
            )
        _seek(file, frames_read // 2)  # a header may be right for reading and wrong for seeking


def read_segment(path: Path, *, start_frame: int, frames: int) -> tuple[np.ndarray, int]:
    """Decode one stretch of a recording without reading the rest.

    Args:
        path: the recording.
        start_frame: first frame, at the file's own rate.
        frames: how many frames; fewer come back where the file ends.

    Returns:
        An array of shape (frames, channels), float32, and the sample rate in hertz.

    Raises:
        AudioError: if it cannot be read, or nothing is there.
    """
    with _opened(path) as file:
        if file is None:
            return av_io.read_segment(path, start_frame=start_frame, frames=frames)
        if start_frame >= file.frames:
            raise AudioError(f"ends at frame {file.frames}, before frame {start_frame}")
        _seek(file, start_frame)
        audio = _read(file, frames)
        if not len(audio):
            raise AudioError(f"damaged: nothing can be read from frame {start_frame} on")
        return audio, file.samplerate


def to_mono(audio: np.ndarray) -> np.ndarray:
    """Average the channels: (frames, channels) to (frames,)."""
    return audio[:, 0] if audio.shape[1] == 1 else audio.mean(axis=1, dtype=np.float32)


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile | None]:
    """Open with libsndfile, or give None where FFmpeg should try."""
    with ExitStack() as stack:
        source: bytes | IO[bytes]
        if is_remote(path):
            source = stack.enter_context(open_file(path))
        else:
            _refuse_unreadable(path)
            source = os.fsencode(path)  # because a name need not be valid in the system's encoding
        try:
            file = stack.enter_context(soundfile.SoundFile(source))
        except (soundfile.LibsndfileError, TypeError):
            file = None
        yield file


def _slack(file: soundfile.SoundFile) -> int:
    """How many frames fewer than promised are no damage: MP3 headers count the padding too."""
    return file.samplerate // 4 if file.format in ("MP3", "MPEG") else 0


def _seek(file: soundfile.SoundFile, frame: int) -> None:
    try:
        file.seek(frame)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"damaged: {error}") from error


def _read(file: soundfile.SoundFile, frames: int) -> np.ndarray:
    if file.tell() > file.frames:  # soundfile would ask for less than nothing
        raise AudioError(f"damaged: it goes on after its end, frame {file.frames}")
    try:
        return file.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"damaged: {error}") from error


def _refuse_unreadable(path: Path) -> None:
    """Turn what the file system says into one sentence, before any decoder guesses at it."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise AudioError("empty: 0 bytes")
    except OSError as error:
        raise AccessError(f"cannot be opened: {error.strerror}") from error

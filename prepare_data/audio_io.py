"""Read recordings of any format, and only the part of them that is needed.

libsndfile (through soundfile) reads WAV, FLAC, Ogg Vorbis and Opus, and MP3; FFmpeg (through PyAV)
reads 3GP, AMR, M4A, WebM and whatever else it knows. Both give float32 with full scale at 1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from prepare_data import av_io
from prepare_data.errors import AccessError, AudioError
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
    _refuse_unreadable(path)
    file = _open_soundfile(path)
    if file is None:
        return AudioInfo(*av_io.read_info(path))
    with file:
        return AudioInfo(file.samplerate, file.channels, file.frames)


def read_blocks(path: Path) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a recording from its start to its end in blocks of about ten seconds.

    Yields:
        Arrays of shape (frames, channels), float32, and the sample rate.

    Raises:
        AudioError: if it cannot be read, breaks off before its end, or is empty.
    """
    _refuse_unreadable(path)
    file = _open_soundfile(path)
    if file is None:
        yield from av_io.read_blocks(path, block_seconds=BLOCK_SECONDS)
        return
    with file:
        if reason := why_truncated(path):
            raise AudioError(reason)
        frames_read = 0
        while True:
            block = _read(file, int(file.samplerate * BLOCK_SECONDS))
            if not len(block):
                break
            frames_read += len(block)
            yield block, file.samplerate
        if frames_read < file.frames - _slack(file):
            raise AudioError(
                f"truncated: its header promises {file.frames} frames, {frames_read} can be read"
            )


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
    _refuse_unreadable(path)
    file = _open_soundfile(path)
    if file is None:
        return av_io.read_segment(path, start_frame=start_frame, frames=frames)
    with file:
        if start_frame >= file.frames:
            raise AudioError(f"ends at frame {file.frames}, before frame {start_frame}")
        try:
            file.seek(start_frame)
        except soundfile.LibsndfileError as error:
            raise AudioError(f"damaged: {error}") from error
        return _read(file, frames), file.samplerate


def to_mono(audio: np.ndarray) -> np.ndarray:
    """Average the channels: (frames, channels) to (frames,)."""
    return audio[:, 0] if audio.shape[1] == 1 else audio.mean(axis=1, dtype=np.float32)


def _open_soundfile(path: Path) -> soundfile.SoundFile | None:
    """Open with libsndfile, or return None where FFmpeg should try."""
    try:
        # As bytes, because a name need not be valid in the file system's encoding.
        return soundfile.SoundFile(os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):
        return None


def _slack(file: soundfile.SoundFile) -> int:
    """How many frames fewer than promised are no damage: MP3 headers count the padding too."""
    return file.samplerate // 4 if file.format in ("MP3", "MPEG") else 0


def _read(file: soundfile.SoundFile, frames: int) -> np.ndarray:
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

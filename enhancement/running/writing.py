"""Write results in the format of their recording, whole or not at all."""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from prepare_data.audio_io import read_info

_CONTAINERS = frozenset(
    ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST")
)
_INTEGER_BITS = {
    "PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "ALAC_16": 16,
    "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "ULAW": 16, "ALAW": 16,
}  # fmt: skip
# ADPCM and GSM are missing: they only hold whole packets, so the length would change.
_FLOATING = frozenset(["FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_III"])
_LARGEST_WAV = 2**32 - 2**16  # bytes; its header counts them with 32 bits
_BYTES = {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
_FRAMES_PER_WRITE = 16_384  # libsndfile's Vorbis encoder overflows its stack on long blocks


@dataclass(frozen=True)
class AudioFormat:
    """What an audio file is, in libsndfile's words.

    Attributes:
        container: such as "WAV"; empty for what only FFmpeg can read.
        subtype: such as "PCM_16"; empty for what only FFmpeg can read.
        sample_rate: in hertz.
        channels: how many.
        frames: length, or None where only decoding to the end would tell.
    """

    container: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int | None

    @property
    def largest_sample(self) -> float:
        """The largest value that an integer format holds; infinite for the others."""
        bits = _INTEGER_BITS.get(self.subtype)
        return np.inf if bits is None else 1 - 2.0 ** (1 - bits)


def read_format(path: Path) -> AudioFormat:
    """Return the format of a recording.

    Raises:
        AudioError: if it cannot be read.
    """
    info = read_info(path)
    container = subtype = ""
    with (
        suppress(soundfile.LibsndfileError, TypeError),
        soundfile.SoundFile(os.fsencode(path)) as file,
    ):
        container, subtype = file.format, file.subtype
    return AudioFormat(container, subtype, info.sample_rate, info.channels, info.frames)


def can_write(audio_format: AudioFormat) -> bool:
    """Try it: what can be written depends on the container, subtype, rate, channels together."""
    known = audio_format.subtype in _INTEGER_BITS or audio_format.subtype in _FLOATING
    if audio_format.container not in _CONTAINERS or not known:
        return False
    try:
        with _open_sound(io.BytesIO(), audio_format):
            return True
    except (soundfile.LibsndfileError, ValueError):
        return False


def as_wav(audio_format: AudioFormat) -> AudioFormat:
    """Return 16-bit WAV of the same rate and channels."""
    return replace(audio_format, container="WAV", subtype="PCM_16")


def for_length(audio_format: AudioFormat, frames: int) -> AudioFormat:
    """Return the format for a file of so many frames: WAV becomes RF64 where it would overflow."""
    size = frames * audio_format.channels * _BYTES.get(audio_format.subtype, 1)
    if audio_format.container in ("WAV", "WAVEX") and size > _LARGEST_WAV:
        return replace(audio_format, container="RF64", frames=frames)
    return replace(audio_format, frames=frames)


@contextmanager
def writer(target: Path, audio_format: AudioFormat) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that appends blocks (frames, channels), float32, to a new file.

    The file gets its name when the context ends without an error. libsndfile does not report a
    full disk, so it writes through a Python file that does.

    Raises:
        OSError: if the file cannot be written.
    """
    partial = target.with_name(f".denoise-{os.getpid()}.partial")
    try:
        with partial.open("w+b") as file:
            watched = _Watched(file)
            with _sound(watched, audio_format) as sound:
                yield lambda block: _append(sound, watched, audio_format, block)
            watched.raise_error()
        os.replace(partial, target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


class _Watched:
    """A file for libsndfile, whose callbacks must not raise: errors wait to be raised after."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def raise_error(self) -> None:
        """Raise what went wrong since the file was opened."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        self._guarded(lambda: self._file.write(data))
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._guarded(lambda: self._file.seek(offset, whence)) or 0

    def tell(self) -> int:
        return self._guarded(self._file.tell) or 0

    def read(self, size: int = -1) -> bytes:
        return self._guarded(lambda: self._file.read(size)) or b""

    def _guarded(self, action: Callable[[], Any]) -> Any:
        if self._error is not None:
            return None
        try:
            return action()
        except OSError as error:
            self._error = error
            return None


def _open_sound(file: Any, audio_format: AudioFormat) -> soundfile.SoundFile:
    return soundfile.SoundFile(
        file,
        "w",
        samplerate=audio_format.sample_rate,
        channels=audio_format.channels,
        format=audio_format.container,
        subtype=audio_format.subtype,
    )


@contextmanager
def _sound(file: _Watched, audio_format: AudioFormat) -> Iterator[soundfile.SoundFile]:
    """Open a sound file for writing; it is closed before a signal that came meanwhile is raised."""
    sound: soundfile.SoundFile | None = None
    try:
        with _signals_held():
            sound = _open_sound(file, audio_format)
        yield sound
    finally:
        if sound is not None:
            with _signals_held():
                sound.close()


def _append(
    sound: soundfile.SoundFile, watched: _Watched, audio_format: AudioFormat, block: np.ndarray
) -> None:
    bits = _INTEGER_BITS.get(audio_format.subtype)
    samples = block if bits is None else _as_int32(block, bits)
    with _signals_held():
        for start in range(0, len(samples), _FRAMES_PER_WRITE):
            sound.write(samples[start : start + _FRAMES_PER_WRITE])
    watched.raise_error()


def _as_int32(block: np.ndarray, bits: int) -> np.ndarray:
    """Round to `bits`, in the upper bits of 32: what was read comes back bit for bit."""
    steps = 2.0 ** (bits - 1)
    rounded = np.clip(np.rint(block.astype(np.float64) * steps), -steps, steps - 1)
    return rounded.astype(np.int32) << (32 - bits)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait: raised inside libsndfile's callbacks they would be lost."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
    if received:
        signal.raise_signal(received[0])

"""Damaged recordings: real files of every format, broken the way disks and transfers break them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.prepare_data.sounds import encode_with_ffmpeg, speech_like

SECONDS = 4.0
_SOUNDFILE_KINDS = {  # name: subtype, format
    "pcm16.wav": ("PCM_16", "WAV"),
    "float.wav": ("FLOAT", "WAV"),
    "adpcm.wav": ("MS_ADPCM", "WAV"),
    "a.flac": ("PCM_16", "FLAC"),
    "a.ogg": ("VORBIS", "OGG"),
    "a.opus": ("OPUS", "OGG"),
    "a.mp3": ("MPEG_LAYER_III", "MP3"),
    "a.aiff": ("PCM_16", "AIFF"),
    "a.au": ("PCM_16", "AU"),
    "a.caf": ("ALAC_16", "CAF"),
    "a.w64": ("PCM_24", "W64"),
}
_FFMPEG_KINDS = {  # name: codec, rate
    "amr.3gp": ("libopencore_amrnb", 8000),
    "aac.3gp": ("aac", 16_000),
    "a.amr": ("libopencore_amrnb", 8000),
    "a.m4a": ("aac", 44_100),
    "a.aac": ("aac", 16_000),
    "a.webm": ("libopus", 48_000),
    "a.mka": ("flac", 16_000),
    "a.mov": ("pcm_s16le", 16_000),
    "a.wv": ("wavpack", 16_000),
    "a.tta": ("tta", 16_000),
    "a.mp2": ("mp2", 48_000),
    "a.ac3": ("ac3", 48_000),
}

Mutation = Callable[[bytearray, np.random.Generator], None]


def write_whole_recordings(folder: Path) -> list[Path]:
    """Write a speech-like recording of every format."""
    folder.mkdir(parents=True)
    for name, (subtype, kind) in _SOUNDFILE_KINDS.items():
        soundfile.write(folder / name, speech_like(SECONDS, 16_000), 16_000, subtype, format=kind)
    for name, (codec, rate) in _FFMPEG_KINDS.items():
        encode_with_ffmpeg(folder / name, codec, speech_like(SECONDS, rate), rate)
    return sorted(folder.iterdir())


def mutate(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return what was done to a file's bytes, and the result."""
    name = list(MUTATIONS)[rng.integers(len(MUTATIONS))]
    changed = bytearray(content)
    MUTATIONS[name](changed, rng)
    return name, bytes(changed)


def _truncate(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(1, len(content))) :]


def _lose_start(content: bytearray, rng: np.random.Generator) -> None:
    del content[: int(rng.integers(1, 2000))]


def _zero_header(content: bytearray, rng: np.random.Generator) -> None:
    length = int(rng.integers(4, 200))
    content[:length] = bytes(length)


def _flip_bytes(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, len(content), int(rng.integers(1, 50))):
        content[place] ^= int(rng.integers(1, 256))


def _flip_header(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, min(len(content), 200), int(rng.integers(1, 8))):
        content[place] ^= int(rng.integers(1, 256))


def _overwrite_block(content: bytearray, rng: np.random.Generator) -> None:
    first, length = _block(content, rng)
    content[first : first + length] = rng.bytes(length)


def _zero_block(content: bytearray, rng: np.random.Generator) -> None:
    first, length = _block(content, rng)
    content[first : first + length] = bytes(length)


def _swap_blocks(content: bytearray, rng: np.random.Generator) -> None:
    middle = len(content) // 2
    length = int(rng.integers(1, max(2, middle // 2)))
    first = int(rng.integers(0, middle - length))
    second = int(rng.integers(middle, len(content) - length))
    moved = content[first : first + length]
    content[first : first + length] = content[second : second + length]
    content[second : second + length] = moved


def _lose_block(content: bytearray, rng: np.random.Generator) -> None:
    first, length = _block(content, rng)
    del content[first : first + length]


def _empty(content: bytearray, rng: np.random.Generator) -> None:
    content.clear()


def _append_junk(content: bytearray, rng: np.random.Generator) -> None:
    content += rng.bytes(int(rng.integers(1, 20_000)))


def _repeat(content: bytearray, rng: np.random.Generator) -> None:
    content += content[int(rng.integers(0, len(content))) :]


def _block(content: bytearray, rng: np.random.Generator) -> tuple[int, int]:
    length = int(rng.integers(1, max(2, len(content) // 4)))
    return int(rng.integers(0, len(content) - length)), length


MUTATIONS: dict[str, Mutation] = {
    "truncated": _truncate,
    "start lost": _lose_start,
    "header zeroed": _zero_header,
    "bytes flipped": _flip_bytes,
    "header flipped": _flip_header,
    "block overwritten": _overwrite_block,
    "block zeroed": _zero_block,
    "blocks swapped": _swap_blocks,
    "block lost": _lose_block,
    "emptied": _empty,
    "junk appended": _append_junk,
    "end repeated": _repeat,
}

"""Tell whether a file breaks off before its own container says it ends.

libsndfile reads a cut WAV or Ogg file without a word, so that the loss would go unnoticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from prepare_data.storage import open_file

_STREAMED_SIZES = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # written by programs that could not seek back
_STREAMED_FROM = 0x7FFFF000  # some round the placeholder down to whole frames
_LONGEST_OGG_PAGE = 65_307
_END_OF_STREAM = 0x04


def why_truncated(path: Path) -> str | None:
    """Return a reason if a WAV or Ogg file is cut short, else None."""
    with open_file(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        magic = file.read(12)
        if magic[:4] == b"RIFF" and magic[8:12] == b"WAVE":
            return _truncated_wav(file, size)
        if magic[:4] == b"OggS":
            return _truncated_ogg(file, size)
    return None


def _truncated_wav(file: IO[bytes], size: int) -> str | None:
    """Walk the RIFF chunks and compare the data chunk's length with the file's."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:8], "little")
        if header[:4] == b"data":
            left = size - position - 8
            if length in _STREAMED_SIZES or length >= _STREAMED_FROM or left >= length:
                return None
            return f"truncated: its header promises {length} bytes of sound, {left} are there"
        position += 8 + length + length % 2
    return None


def _truncated_ogg(file: IO[bytes], size: int) -> str | None:
    """Look for the end-of-stream mark in the last page's header."""
    file.seek(max(0, size - 2 * _LONGEST_OGG_PAGE))
    tail = file.read()
    last_page = tail.rfind(b"OggS")
    if last_page < 0 or last_page + 27 > len(tail):
        return "truncated: it breaks off inside an Ogg page"
    segments = tail[last_page + 26]
    body = last_page + 27 + segments
    length = sum(tail[last_page + 27 : body])
    if body + length > len(tail):
        return "truncated: it breaks off inside an Ogg page"
    if not tail[last_page + 5] & _END_OF_STREAM:
        return "truncated: its Ogg stream has no end"
    return None

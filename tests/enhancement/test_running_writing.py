"""Formats: what is written is what was read."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from enhancement.running import writing
from enhancement.running.writing import AudioFormat, can_write, for_length, read_format, writer
from prepare_data.errors import AudioError

NOISE = (0.1 * np.random.default_rng(0).standard_normal((30_123, 2))).astype(np.float32)

LOSSLESS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"), ("WAV", "ULAW"), ("WAV", "ALAW"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"),
    ("W64", "PCM_24"), ("AIFF", "PCM_S8"), ("AIFF", "PCM_16"), ("AU", "PCM_16"),
    ("CAF", "ALAC_16"), ("CAF", "PCM_16"), ("FLAC", "PCM_S8"), ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"), ("NIST", "PCM_16"),
]  # fmt: skip


def copy(source: Path, target: Path) -> AudioFormat:
    audio_format = read_format(source)
    audio, _ = soundfile.read(source, dtype="float32", always_2d=True)
    with writer(target, for_length(audio_format, len(audio))) as write:
        for part in np.array_split(audio, 3):
            write(part)
    return audio_format


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_lossless_formats_come_back_bit_for_bit(
    container: str, subtype: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    soundfile.write(source, NOISE, 22050, subtype, format=container)
    audio_format = copy(source, target)
    assert can_write(audio_format)
    assert read_format(target) == audio_format == AudioFormat(container, subtype, 22050, 2, 30_123)
    before, _ = soundfile.read(source, dtype="float32")
    after, _ = soundfile.read(target, dtype="float32")
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(
    ("container", "subtype", "rate"),
    [("OGG", "VORBIS", 44100), ("OGG", "OPUS", 16000), ("MP3", "MPEG_LAYER_III", 44100)],
)
def test_lossy_formats_keep_length_and_alignment(
    container: str, subtype: str, rate: int, tmp_path: Path
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    time = np.arange(30_123)[:, None] / rate
    sweep = 0.3 * np.sin(2 * np.pi * (200 * time + np.array([300, 400]) * time**2))
    soundfile.write(source, sweep, rate, subtype, format=container)
    audio_format = copy(source, target)
    assert can_write(audio_format)
    assert read_format(target) == audio_format
    before, _ = soundfile.read(source)
    after, _ = soundfile.read(target)
    assert np.sum((after - before) ** 2) < 0.05 * np.sum(before**2)


@pytest.mark.parametrize(
    ("container", "subtype", "rate", "channels"),
    [
        ("", "", 8000, 1),
        ("WAV", "IMA_ADPCM", 16000, 1),
        ("WAV", "GSM610", 8000, 1),
        ("MP3", "MPEG_LAYER_II", 44100, 2),
        ("OGG", "OPUS", 44100, 1),
        ("MP3", "MPEG_LAYER_III", 96000, 1),
    ],
)
def test_what_cannot_be_written_with_its_length_is_known_before(
    container: str, subtype: str, rate: int, channels: int
) -> None:
    assert not can_write(AudioFormat(container, subtype, rate, channels, 1000))


def test_wav_becomes_rf64_where_its_header_would_overflow() -> None:
    wav = AudioFormat("WAV", "PCM_16", 48000, 2, None)
    assert for_length(wav, 2**30 - 2**15).container == "WAV"
    assert for_length(wav, 2**30).container == "RF64"


def test_integers_are_rounded_and_limited() -> None:
    values = np.array([[-2.0], [-1.0], [0.6 / 32768], [0.4 / 32768], [1.0]], np.float32)
    words = writing._as_int32(values, 16) >> 16
    assert words[:, 0].tolist() == [-32768, -32768, 1, 0, 32767]


def test_a_file_that_is_no_sound_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("text")
    with pytest.raises(AudioError, match="not sound"):
        read_format(tmp_path / "a.wav")


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_full_disk_is_an_error_in_every_format_and_leaves_nothing(
    container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libsndfile says nothing about it, so a cut file would look like a result."""
    subtype = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
    written = 0

    def small_disk(self: Any, data: bytes) -> int:
        nonlocal written
        written += len(data)
        if written > 3000:
            self._error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)

    monkeypatch.setattr(writing._Watched, "write", small_disk)
    audio_format = AudioFormat(container, subtype[container], 44100, 2, None)
    with (
        pytest.raises(OSError, match="No space"),
        writer(tmp_path / "a", audio_format) as write,
    ):
        write(NOISE)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_the_very_end_is_an_error_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    real = writing._Watched.write

    def write_or_fail(self: Any, data: bytes) -> int:
        if full:
            self._error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, data)

    monkeypatch.setattr(writing._Watched, "write", write_or_fail)
    with (
        pytest.raises(OSError, match="No space"),
        writer(tmp_path / "a.wav", AudioFormat("WAV", "PCM_16", 16000, 2, None)) as write,
    ):
        write(NOISE)
        full = True
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_inside_the_library_is_not_lost_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    real = writing._Watched.write

    def interrupted(self: Any, data: bytes) -> int:
        signal.raise_signal(signal.SIGINT)
        return real(self, data)

    monkeypatch.setattr(writing._Watched, "write", interrupted)
    with (
        pytest.raises(KeyboardInterrupt),
        writer(tmp_path / "a.wav", AudioFormat("WAV", "PCM_16", 16000, 2, None)) as write,
    ):
        write(NOISE)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is handler

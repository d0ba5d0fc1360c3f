"""Recordings of every format, whole and in part, and those that are no recordings at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import AudioError, read_blocks, read_info, read_segment
from tests.prepare_data.sounds import encode_with_ffmpeg, speech_like, write_sound

SOUNDFILE_FORMATS = [
    ("pcm8.wav", "PCM_U8", 0.01),
    ("pcm16.wav", "PCM_16", 1e-4),
    ("pcm24.wav", "PCM_24", 1e-6),
    ("pcm32.wav", "PCM_32", 1e-6),
    ("float.wav", "FLOAT", 0),
    ("double.wav", "DOUBLE", 1e-6),
    ("a.flac", "PCM_16", 1e-4),
    ("a.ogg", "VORBIS", 0.1),
    ("a.opus", "OPUS", 0.1),
    ("a.mp3", "MPEG_LAYER_III", 0.1),
]
FFMPEG_FORMATS = [
    ("a.3gp", "libopencore_amrnb", 8000),
    ("a.amr", "libopencore_amrnb", 8000),
    ("a.m4a", "aac", 44_100),
    ("a.webm", "libopus", 48_000),
    ("a.mka", "pcm_s16le", 16_000),
]


def read_whole(path: Path) -> np.ndarray:
    return np.concatenate([block for block, _ in read_blocks(path)])


@pytest.mark.parametrize(("name", "subtype", "tolerance"), SOUNDFILE_FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_libsndfile_formats_come_back(
    tmp_path: Path, name: str, subtype: str, tolerance: float, channels: int
) -> None:
    rate = 48_000 if name.endswith(".opus") else 22_050
    audio = np.stack([speech_like(1.5, rate, seed) for seed in range(channels)], axis=1)
    kind = {"opus": "OGG"}.get(name.split(".")[1])
    soundfile.write(tmp_path / name, audio, rate, subtype, format=kind)
    whole = read_whole(tmp_path / name)
    info = read_info(tmp_path / name)
    assert (info.sample_rate, info.channels) == (rate, channels)
    assert whole.dtype == np.float32
    assert whole.shape[1] == channels
    assert abs(len(whole) - len(audio)) <= (2500 if name.endswith("mp3") else 0)
    common = min(len(whole), len(audio))
    assert np.sqrt(np.mean((whole[:common] - audio[:common]) ** 2)) <= tolerance


@pytest.mark.parametrize(("name", "codec", "rate"), FFMPEG_FORMATS)
def test_ffmpeg_formats_come_back_at_their_level(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    audio = speech_like(2, rate)
    encode_with_ffmpeg(tmp_path / name, codec, audio, rate)
    whole = read_whole(tmp_path / name)
    assert read_info(tmp_path / name).sample_rate == rate
    assert whole.shape[1] == 1
    assert len(whole) == pytest.approx(len(audio), abs=0.1 * rate)
    assert np.std(whole) == pytest.approx(np.std(audio), rel=0.25)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_segments_are_the_same_as_in_the_whole(tmp_path: Path, name: str) -> None:
    write_sound(tmp_path / name, 30, 16_000)
    whole = read_whole(tmp_path / name)
    for start, frames in ((0, 100), (12_345, 16_000), (400_001, 5000), (len(whole) - 50, 500)):
        segment, rate = read_segment(tmp_path / name, start_frame=start, frames=frames)
        assert rate == 16_000
        assert segment == pytest.approx(whole[start : start + frames], abs=1e-3)


@pytest.mark.parametrize(("name", "codec", "rate"), FFMPEG_FORMATS)
def test_far_segments_through_ffmpeg_are_found_within_a_codec_frame(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    chirp_time = np.arange(60 * rate) / rate
    chirp = (0.3 * np.sin(2 * np.pi * (200 + 10 * chirp_time) * chirp_time)).astype(np.float32)
    encode_with_ffmpeg(tmp_path / name, codec, chirp, rate)
    whole = read_whole(tmp_path / name)[:, 0]
    segment, _ = read_segment(tmp_path / name, start_frame=40 * rate, frames=rate)
    again, _ = read_segment(tmp_path / name, start_frame=40 * rate, frames=rate)
    assert np.array_equal(segment, again)
    margin = rate // 20
    reference = whole[40 * rate - margin : 41 * rate + margin]
    match = np.correlate(reference[:: rate // 4000], segment[:: rate // 4000, 0], "valid")
    lag = (int(match.argmax()) - margin // (rate // 4000)) * (rate // 4000) / rate
    assert abs(lag) <= 0.021


def test_two_channels_are_kept_apart(tmp_path: Path) -> None:
    audio = np.stack([speech_like(1, 16_000, 1), np.zeros(16_000, np.float32)], axis=1)
    soundfile.write(tmp_path / "a.wav", audio, 16_000, "FLOAT")
    assert read_whole(tmp_path / "a.wav")[:, 1].max() == 0


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS refuses names that are not UTF-8")
def test_names_that_are_not_utf8_or_very_long_are_read(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", 0.5)
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    long = tmp_path / ("x" * 246 + ".wav")
    for path in (strange, long):
        os.link(tmp_path / "a.wav", path)
        assert np.array_equal(read_whole(path), read_whole(tmp_path / "a.wav"))
        assert read_info(path).frames == 8000


def damaged(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_files_that_are_no_recordings_say_why(tmp_path: Path) -> None:
    text = damaged(tmp_path, "text.wav", b"this is no sound" * 100)
    empty = damaged(tmp_path, "empty.flac", b"")
    for path, words in ((text, "not sound"), (empty, "empty"), (tmp_path / "none.wav", "opened")):
        with pytest.raises(AudioError, match=words):
            read_whole(path)
        with pytest.raises(AudioError, match=words):
            read_info(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_files_are_told_apart(tmp_path: Path, name: str, share: float) -> None:
    content = write_sound(tmp_path / name, 10).read_bytes()
    cut = damaged(tmp_path, f"cut-{name}", content[: int(len(content) * share)])
    with pytest.raises(AudioError, match=r"truncated|damaged"):
        read_whole(cut)
    assert len(read_whole(tmp_path / name)) == 160_000


def test_wav_written_to_a_pipe_has_no_length_and_is_not_truncated(tmp_path: Path) -> None:
    content = bytearray(write_sound(tmp_path / "a.wav", 1).read_bytes())
    data = content.index(b"data")
    content[data + 4 : data + 8] = b"\xff\xff\xff\xff"
    assert len(read_whole(damaged(tmp_path, "piped.wav", bytes(content)))) == 16_000


def test_real_recordings_of_every_corpus_are_read(speech_data: Path) -> None:
    for corpus in sorted(speech_data.glob("*/*/")):
        path = next(
            p
            for p in sorted(corpus.rglob("*"))
            if p.suffix in (".flac", ".opus", ".mp3", ".ogg", ".wav")
        )
        whole = read_whole(path)
        assert len(whole) > 0.2 * read_info(path).sample_rate
        assert np.isfinite(whole).all()

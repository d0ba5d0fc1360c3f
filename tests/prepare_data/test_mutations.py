"""Damaged recordings of every format: each is used or listed with its reason, and no run falls."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prepare_data.audio_io import read_segment
from prepare_data.errors import AudioError
from prepare_data.measure import Levels, measure
from prepare_data.worth import weigh
from tests.prepare_data.mutations import mutate, write_whole_recordings
from tests.prepare_data.sounds import write_sound

_MOST_MEGABYTES = 700
# Runs a command and prints its largest process, in kilobytes. From the tests' own process it would
# be theirs: a child is as large as its parent until it becomes another program.
_WATCHED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
_REAL_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")


def damaged(folder: Path, whole: list[Path], count: int, seed: int = 0) -> list[Path]:
    """Write so many damaged copies of recordings, and return them."""
    folder.mkdir(parents=True)
    files = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        original = whole[number % len(whole)]
        what, content = mutate(original.read_bytes(), rng)
        file = folder / f"{number:03d} {what} {original.name}"
        file.write_bytes(content)
        files.append(file)
    return files


def run(out: Path, speech: Path, noise: Path) -> set[Path]:
    """Blend from folders in a process of its own, and return what it listed as skipped."""
    command = [
        *(sys.executable, "-m", "prepare_data", "--speech", str(speech), "--noise", str(noise)),
        *("--out", str(out), "--samples", "40", "10", "10", "--jobs", "2", "--quiet"),
        *("--no-spectrograms", "--min-activity", "0", "--speaker-regex", "(.+)"),
    ]
    command = [sys.executable, "-c", _WATCHED, *command]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=280)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert int(done.stdout.split()[-1]) / 1024 < _MOST_MEGABYTES
    with open(out / "skipped.csv", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert all(reason for _, reason in rows)
    return {Path(name) for name, _ in rows}


def assert_readable_anywhere(file: Path) -> None:
    """Draw stretches as a plan would: each must be there, whole and finite."""
    levels = measure(file)
    rng = np.random.default_rng(0)
    for _ in range(5):
        frames = int(rng.integers(1, max(2, min(levels.frames, 2 * levels.sample_rate))))
        start = int(rng.integers(0, max(1, levels.frames - frames)))
        audio, rate = read_segment(file, start_frame=start, frames=frames)
        assert (rate, audio.shape) == (levels.sample_rate, (frames, levels.channels)), file.name
        assert np.isfinite(audio).all(), file.name


def check(tmp_path: Path, whole: list[Path], count: int) -> tuple[int, int]:
    """Build from damaged files among whole ones; return how many were used and skipped."""
    files = []
    for seed, kind in enumerate(("speech", "noise")):
        write_whole_recordings(tmp_path / kind / "whole")
        files += damaged(tmp_path / kind / "damaged", whole, count // 2, seed)
    skipped = run(tmp_path / "out", tmp_path / "speech", tmp_path / "noise")
    assert not [file for file in skipped if file.parent.name == "whole"]
    used = [file for file in files if file not in skipped]
    for file in used:
        assert_readable_anywhere(file)
    return len(used), len(files) - len(used)


def test_damaged_recordings_are_used_or_listed(tmp_path: Path) -> None:
    used, skipped = check(tmp_path, write_whole_recordings(tmp_path / "originals"), 46)
    assert used
    assert skipped


@pytest.mark.slow
def test_200_damaged_recordings_of_every_format(tmp_path: Path) -> None:
    originals = write_whole_recordings(tmp_path / "originals")
    if folder := os.environ.get("SPEECH_DATA"):
        real = sorted(p for p in Path(folder).rglob("*") if p.suffix in _REAL_SUFFIXES)
        originals += real[:: len(real) // len(originals)]
    used, skipped = check(tmp_path, originals, 200)
    print(f"of 200 damaged recordings {used} were used and {skipped} listed as skipped")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        # A WAV header of a format that nobody knows: FFmpeg opens it and has no decoder.
        (
            b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0\x77\x77\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data"
            b"\0\x10\0\0" + bytes(range(256)) * 16,
            "codec is not known",
        ),
    ],
)
def test_what_no_decoder_knows_is_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=words):
        measure(tmp_path / "a.wav")


def test_a_gap_in_a_recording_is_found_when_it_is_measured(tmp_path: Path) -> None:
    """There a stretch would end too early, and the sample would be filled with silence."""
    (original,) = (p for p in write_whole_recordings(tmp_path / "whole") if p.name == "a.ogg")
    content = bytearray(original.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    (tmp_path / "gap.ogg").write_bytes(content)
    with pytest.raises(AudioError, match="gap after frame"):
        measure(tmp_path / "gap.ogg")


def test_a_stream_that_changes_its_channels_is_listed(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.ac3"
    packets = bytearray()
    for layout in ("mono", "stereo"):
        with av.open(str(tmp_path / f"{layout}.ac3"), "w") as container:
            stream = container.add_stream("ac3", rate=48_000)
            stream.layout = layout
            channels = 1 if layout == "mono" else 2
            noise = np.random.default_rng(0).uniform(-0.1, 0.1, (channels, 48_000))
            frame = av.AudioFrame.from_ndarray(noise.astype(np.float32), "fltp", layout)
            frame.rate = 48_000
            fifo = av.AudioFifo()
            fifo.write(frame)
            while (part := fifo.read(1536)) is not None:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        packets += (tmp_path / f"{layout}.ac3").read_bytes()
    path.write_bytes(packets)
    with pytest.raises(AudioError, match="channels or rate change"):
        measure(path)


@pytest.mark.parametrize("frames", [1, 2, 3, 30, 3000])
def test_any_levels_can_be_weighed(frames: int) -> None:
    rng = np.random.default_rng(frames)
    for codes in (rng.integers(0, 256, frames), np.full(frames, 255), rng.integers(0, 2, frames)):
        codes[rng.integers(frames)] = 255  # the loudest frame
        levels = Levels(16_000, 1, 160 * frames, 160, -10.0, codes.astype(np.uint8))
        worth = weigh(levels)
        assert np.isfinite([worth.speech_level_dbfs, worth.speech_snr_db]).all()
        assert 0 <= worth.speech_seconds <= worth.seconds + 0.01
        assert 0 < worth.densest_phrase <= 1


def test_a_stretch_that_holds_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some damage shows only where a decoder is sent to a place in the middle."""
    path = write_sound(tmp_path / "a.wav", 2)
    monkeypatch.setattr("prepare_data.audio_io._read", lambda file, frames: np.empty((0, 1)))
    with pytest.raises(AudioError, match="nothing can be read from frame 5000"):
        read_segment(path, start_frame=5000, frames=100)

"""Where recordings hold speech and sound, how loud their floor is, and that it is remembered."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import active_speech_level
from prepare_data.errors import AudioError
from prepare_data.measure import Levels, find_sound, find_speech, measure
from prepare_data.measurements import Measurements
from tests.prepare_data.sounds import speech_like, write_sound

RATE = 16_000


def written(path: Path, audio: np.ndarray, rate: int = RATE) -> Path:
    soundfile.write(path, audio, rate, "FLOAT")
    return path


def test_level_agrees_with_the_exact_meter(tmp_path: Path) -> None:
    for seed in range(5):
        audio = speech_like(20, RATE, seed)
        speech = find_speech(measure(written(tmp_path / "a.wav", audio)))
        assert speech.level_dbfs == pytest.approx(active_speech_level(audio, RATE)[0], abs=0.6)


@pytest.mark.parametrize("floor_dbfs", [-70.0, -55.0, -45.0])
@pytest.mark.parametrize("rate", [8000, 11_025, 48_000])
def test_floor_is_that_of_the_noise_in_the_pauses(
    tmp_path: Path, floor_dbfs: float, rate: int
) -> None:
    rng = np.random.default_rng(0)
    audio = speech_like(20, rate) + 10 ** (floor_dbfs / 20) * rng.standard_normal(20 * rate)
    speech = find_speech(measure(written(tmp_path / "a.wav", audio, rate)))
    assert speech.floor_dbfs == pytest.approx(floor_dbfs, abs=2)


def test_speech_frames_are_the_bursts(tmp_path: Path) -> None:
    audio = np.zeros(10 * RATE)
    audio[2 * RATE : 3 * RATE] = audio[6 * RATE : 8 * RATE] = 0.1
    audio += 1e-4 * np.random.default_rng(0).standard_normal(len(audio))
    active = find_speech(measure(written(tmp_path / "a.wav", audio))).active
    expected = np.zeros(1000, bool)
    expected[200:300] = expected[600:800] = True
    assert (active != expected).sum() <= 8  # the smoothing reaches one frame out on either side


def test_sound_leaves_out_padding_and_keeps_rhythm(tmp_path: Path) -> None:
    audio = np.zeros(10 * RATE)
    for second in (1.0, 1.8, 2.6):  # ticks with pauses of digital silence
        audio[int(second * RATE) : int((second + 0.1) * RATE)] = 0.1
    audio[8 * RATE : 9 * RATE] = 0.1
    assert find_sound(measure(written(tmp_path / "a.wav", audio))) == [(100, 270), (800, 900)]


def test_levels_do_not_depend_on_blocks_channels_or_a_constant_gain(tmp_path: Path) -> None:
    audio = speech_like(25, RATE)
    mono = measure(written(tmp_path / "mono.wav", audio))
    stereo = measure(written(tmp_path / "stereo.wav", np.stack([audio, audio], axis=1)))
    quiet = measure(written(tmp_path / "quiet.wav", audio / 16))
    assert np.array_equal(mono.codes, stereo.codes)
    assert mono.peak_db - quiet.peak_db == pytest.approx(20 * np.log10(16), abs=0.02)
    power = np.mean(audio[: 2400 * 160].reshape(-1, 160).astype(float) ** 2, axis=1)
    assert np.abs(10 * np.log10(mono.power[:2400] / power)).max() < 0.3


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros(RATE), "silent"),
        (np.full(RATE, np.nan), "not numbers"),
        (np.concatenate([speech_like(1, RATE), [np.inf]]), "not numbers"),
    ],
)
def test_useless_recordings_say_why(tmp_path: Path, audio: np.ndarray, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        measure(written(tmp_path / "a.wav", audio))


def test_measurements_are_remembered_until_the_file_changes(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 2)
    database = tmp_path / "cache" / "m.sqlite"
    first = Measurements(database)
    levels = measure(path)
    first.put(path, levels)
    first.put(tmp_path / "missing.wav", AudioError("gone"))
    first.close()
    second = Measurements(database)
    remembered = second.get(path)
    assert isinstance(remembered, Levels)
    assert np.array_equal(remembered.codes, levels.codes)
    assert remembered.peak_db == levels.peak_db
    os.utime(path, (1, 1))
    assert second.get(path) is None
    second.close()


def test_a_cache_that_fails_in_mid_run_does_not_stop_it(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", 1)
    measurements = Measurements(tmp_path / "m.sqlite")
    measurements._database.execute("PRAGMA query_only = ON")
    measurements.put(path, measure(path))
    assert isinstance(measurements.get(path), Levels)
    measurements.close()


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "damaged.sqlite").write_bytes(b"no database at all" * 100)
    path = write_sound(tmp_path / "a.wav", 1)
    for place in (tmp_path / "file" / "m.sqlite", tmp_path / "damaged.sqlite"):
        measurements = Measurements(place)
        measurements.put(path, measure(path))
        assert isinstance(measurements.get(path), Levels)
        measurements.close()

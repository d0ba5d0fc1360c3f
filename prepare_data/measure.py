"""What a recording holds: its levels every 10 ms, and from them speech, pauses, floor, silence.

The levels are kept as one byte each, so that an hour of sound is 360 kB, and everything that the
plan needs later (where speech is, where a noise sounds) follows from them without decoding again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prepare_data.audio_io import read_blocks, to_mono
from prepare_data.errors import AudioError
from prepare_data.speech_level import HANGOVER_SECONDS, MARGIN_DB, find_threshold

FRAMES_PER_SECOND = 100
DIGITAL_SILENCE_DBFS = -85.0

_STEP_DB = 0.5
_LOUDEST_CODE = 255  # code 0 is digital silence, 1 is everything 127 dB below the loudest frame
_SMOOTHING_FRAMES = 3  # 30 ms, as in P.56
_FLOOR_PERCENTILE_OF_PAUSES = 15
_LEAST_FLOOR_PERCENTILE = 3  # of all frames, where a recording has hardly a pause
_SHORTEST_SOUND_FRAMES = 5
_LONGEST_RHYTHM_FRAMES = 100


@dataclass(frozen=True)
class Levels:
    """The level of a recording in frames of 10 ms.

    Attributes:
        sample_rate: of the recording, in hertz.
        channels: of the recording; the levels are those of their average.
        frames: length in samples per channel.
        frame_length: samples in one level frame.
        peak_db: level of the loudest frame in dBFS.
        codes: shape (level frames,), uint8, half decibels; see `power`.
    """

    sample_rate: int
    channels: int
    frames: int
    frame_length: int
    peak_db: float
    codes: np.ndarray

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.frames / self.sample_rate

    @property
    def power(self) -> np.ndarray:
        """Mean square of each frame, float64; 0 in digital silence."""
        table = 10 ** ((self.peak_db + _STEP_DB * (np.arange(256) - _LOUDEST_CODE)) / 10)
        table[0] = 0
        return table[self.codes]


@dataclass(frozen=True)
class Speech:
    """Where a recording holds speech.

    Attributes:
        level_dbfs: active speech level, by P.56 on the 10 ms frames.
        floor_dbfs: level below which the quietest 15 % of its pauses lie, digital silence left
            out (a gated recording has no true pauses, so its quietest speech counts).
        active: shape (level frames,), bool.
    """

    level_dbfs: float
    floor_dbfs: float
    active: np.ndarray

    @property
    def active_seconds(self) -> float:
        """How much speech there is."""
        return int(self.active.sum()) / FRAMES_PER_SECOND

    @property
    def snr_db(self) -> float:
        """Level of the speech over the recording's own noise floor."""
        return self.level_dbfs - self.floor_dbfs


def measure(path: Path) -> Levels:
    """Decode a recording once, block by block, and keep its levels.

    Raises:
        AudioError: if it cannot be read, is truncated, silent throughout, or holds a sample that
            is not a number.
    """
    powers: list[np.ndarray] = []
    rest = np.empty(0, dtype=np.float32)
    frames = channels = sample_rate = frame_length = 0
    for block, rate in read_blocks(path):
        if not frames:
            sample_rate, channels = rate, block.shape[1]
            frame_length = max(1, round(rate / FRAMES_PER_SECOND))
        frames += len(block)
        mono = np.concatenate([rest, to_mono(block)])
        if not np.isfinite(mono).all():
            raise AudioError("holds samples that are not numbers (NaN or infinite)")
        whole = len(mono) // frame_length * frame_length
        powers.append(_frame_power(mono[:whole], frame_length))
        rest = mono[whole:]
    if len(rest):
        powers.append(_frame_power(rest, len(rest)))
    if not frames:
        raise AudioError("holds no sound")
    power = np.concatenate(powers)
    peak_db, codes = _encode(power)
    return Levels(sample_rate, channels, frames, frame_length, peak_db, codes)


def find_speech(levels: Levels) -> Speech:
    """Find the active level, the noise floor and the frames that hold speech.

    A frame holds speech if its level, smoothed over 30 ms, is at most 15.9 dB below the active
    speech level: P.56's own threshold, without the hangover that bridges pauses.
    """
    power = levels.power
    smooth = _moving_average(power, _SMOOTHING_FRAMES)
    hangover = round(HANGOVER_SECONDS * FRAMES_PER_SECOND)
    threshold_db = find_threshold(np.sqrt(smooth), float(power.sum()), hangover)
    active = smooth >= 10 ** (threshold_db / 10)
    sounding = levels.codes > 0
    pauses = float(np.mean(~active[sounding]))
    percentile = max(_LEAST_FLOOR_PERCENTILE, _FLOOR_PERCENTILE_OF_PAUSES * pauses)
    floor = 10 * math.log10(float(np.percentile(smooth[sounding], percentile)))
    return Speech(threshold_db + MARGIN_DB, floor, active)


def find_sound(levels: Levels) -> list[tuple[int, int]]:
    """Return the stretches (first, end) of level frames between digital silences.

    A silence of up to a second is rhythm (a clock ticks, a dog barks again) and stays; longer ones,
    and those before the first sound and after the last, are the padding of a clip.
    """
    sounds: list[tuple[int, int]] = []
    for first, end in runs(levels.codes > 0):
        if sounds and first - sounds[-1][1] <= _LONGEST_RHYTHM_FRAMES:
            sounds[-1] = (sounds[-1][0], end)
        else:
            sounds.append((first, end))
    long_enough = [(a, b) for a, b in sounds if b - a >= _SHORTEST_SOUND_FRAMES]
    return long_enough or sounds


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, end) of every run of true values."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _frame_power(mono: np.ndarray, frame_length: int) -> np.ndarray:
    frames = mono.reshape(-1, frame_length).astype(np.float64)
    return np.einsum("ij,ij->i", frames, frames) / frame_length


def _encode(power: np.ndarray) -> tuple[float, np.ndarray]:
    """Round frame powers to half decibels below the loudest frame."""
    peak = float(power.max())
    if peak <= 10 ** (DIGITAL_SILENCE_DBFS / 10):
        raise AudioError("silent throughout")
    peak_db = round(10 * math.log10(peak), 2)
    silent = power <= 10 ** (DIGITAL_SILENCE_DBFS / 10)
    decibels = 10 * np.log10(np.where(silent, peak, power)) - peak_db
    codes = np.clip(_LOUDEST_CODE + np.rint(decibels / _STEP_DB), 1, _LOUDEST_CODE)
    codes[silent] = 0
    return peak_db, codes.astype(np.uint8)


def _moving_average(values: np.ndarray, width: int) -> np.ndarray:
    # Not mode="same", which is as long as the window where the values are fewer.
    averages = np.convolve(values, np.full(width, 1 / width))
    return averages[width // 2 :][: len(values)]

"""The random choices of a mixture, each by counter: seed, epoch and index alone decide them.

Nothing here touches sound. What is drawn are plain numbers, which travel with the item, so that
the sound is shaped on the device that trains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

NoiseKind = Literal["recorded", "coloured", "babble"]

_TILT_DB = 3.0  # an octave; a recorded noise stays recognisable
_COLOURS_DB = (-9.0, 3.0)  # an octave: from below brown to blue
_SHELF_DB = 8.0
_LOW_CORNER_HZ = (80.0, 500.0)
_HIGH_CORNER_HZ = (1500.0, 6000.0)
_PEAK_DB = 10.0
_PEAK_HZ = (150.0, 6000.0)
_PEAK_OCTAVES = (0.2, 1.5)
_CHANNEL = 0.6  # a microphone bends the spectrum less than a noise may be bent
_BAND_HZ = (2500.0, 8000.0)


@dataclass(frozen=True)
class Ranges:
    """What mixtures are drawn from.

    Attributes:
        snr_db: lowest and highest ratio of speech level to noise level, drawn uniformly.
        snr_grid_db: ratios taken in turn by index instead, where there are any.
        level_dbfs: lowest and highest RMS level of the mixture.
        without_voice: share of mixtures that hold no voice, whose target is silence.
        without_noise: share of mixtures that hold no noise, to be left as they are.
        coloured: share of the noises that are stationary noise of a random colour.
        babble: share of the noises that are a murmur of other speakers.
        second_noise: share of the recorded noises that have another one beside them.
        noise_filter: share of the noises that are filtered.
        channel_filter: share of the mixtures that are filtered, voice and noise alike, as
            microphones and rooms do.
        band_limit: share of the mixtures without high frequencies.
    """

    snr_db: tuple[float, float] = (-7.0, 30.0)
    snr_grid_db: tuple[float, ...] = ()
    level_dbfs: tuple[float, float] = (-45.0, -12.0)
    without_voice: float = 0.03
    without_noise: float = 0.03
    coloured: float = 0.1
    babble: float = 0.1
    second_noise: float = 0.3
    noise_filter: float = 0.5
    channel_filter: float = 0.3
    band_limit: float = 0.15


VALIDATION = Ranges(
    snr_grid_db=(-5.0, 0.0, 5.0, 10.0, 15.0, 20.0),
    level_dbfs=(-35.0, -15.0),
    without_voice=0.0,
    without_noise=0.0,
    coloured=0.0,
    babble=0.0,
    noise_filter=0.0,
    channel_filter=0.0,
    band_limit=0.0,
)
"""Recorded noises on the grid of the data sets' val and test, and nothing bent."""


@dataclass(frozen=True)
class Filter:
    """A smooth curve over frequency: a tilt, a shelf at either end and a peak between.

    Attributes:
        tilt_db: an octave, 0 dB at 1 kHz.
        low_db: below `low_hz`.
        low_hz: where the low shelf is half up.
        high_db: above `high_hz`.
        high_hz: where the high shelf is half up.
        peak_db: at `peak_hz`.
        peak_hz: centre of the peak, or the dip.
        peak_octaves: its half width.
    """

    tilt_db: float = 0.0
    low_db: float = 0.0
    low_hz: float = 200.0
    high_db: float = 0.0
    high_hz: float = 3000.0
    peak_db: float = 0.0
    peak_hz: float = 1000.0
    peak_octaves: float = 1.0


@dataclass(frozen=True)
class Draw:
    """The numbers of one mixture.

    Attributes:
        snr_db: ratio of speech level to noise level.
        level_dbfs: RMS level of the mixture.
        has_voice: whether the voice is heard.
        has_noise: whether the noise is heard.
        kind: of the noise.
        second_noise: whether a recorded noise has another one beside it.
        noise_filter: of the noise; flat for most.
        channel_filter: of the mixture.
        highest_hz: there is nothing above; infinite for no limit.
    """

    snr_db: float
    level_dbfs: float
    has_voice: bool
    has_noise: bool
    kind: NoiseKind
    second_noise: bool
    noise_filter: Filter
    channel_filter: Filter
    highest_hz: float


def draw_mixture(rng: np.random.Generator, ranges: Ranges, index: int) -> Draw:
    """Draw the numbers of one mixture.

    Args:
        rng: of this mixture alone, see `prepare_data.random_numbers.generator`.
        ranges: what to draw from.
        index: of the mixture, for ratios taken in turn.
    """
    grid = ranges.snr_grid_db
    snr_db = grid[index % len(grid)] if grid else rng.uniform(*ranges.snr_db)
    level_dbfs = rng.uniform(*ranges.level_dbfs)
    lacking = rng.random()
    has_voice = lacking >= ranges.without_voice
    has_noise = not has_voice or lacking >= ranges.without_voice + ranges.without_noise
    kind = _kind(rng.random(), ranges)
    noise_filter = _filter(rng, 1.0) if rng.random() < ranges.noise_filter else Filter()
    if kind == "coloured":
        noise_filter = Filter(tilt_db=rng.uniform(*_COLOURS_DB))
    return Draw(
        snr_db=float(snr_db),
        level_dbfs=float(level_dbfs),
        has_voice=has_voice,
        has_noise=has_noise,
        kind=kind,
        second_noise=bool(rng.random() < ranges.second_noise),
        noise_filter=noise_filter,
        channel_filter=(
            _filter(rng, _CHANNEL) if rng.random() < ranges.channel_filter else Filter()
        ),
        highest_hz=_log_uniform(rng, _BAND_HZ) if rng.random() < ranges.band_limit else math.inf,
    )


def _kind(share: float, ranges: Ranges) -> NoiseKind:
    if share < ranges.coloured:
        return "coloured"
    return "babble" if share < ranges.coloured + ranges.babble else "recorded"


def _filter(rng: np.random.Generator, strength: float) -> Filter:
    return Filter(
        tilt_db=strength * rng.uniform(-_TILT_DB, _TILT_DB),
        low_db=strength * rng.uniform(-_SHELF_DB, _SHELF_DB),
        low_hz=_log_uniform(rng, _LOW_CORNER_HZ),
        high_db=strength * rng.uniform(-_SHELF_DB, _SHELF_DB),
        high_hz=_log_uniform(rng, _HIGH_CORNER_HZ),
        peak_db=strength * rng.uniform(-_PEAK_DB, _PEAK_DB),
        peak_hz=_log_uniform(rng, _PEAK_HZ),
        peak_octaves=_log_uniform(rng, _PEAK_OCTAVES),
    )


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(limits))))

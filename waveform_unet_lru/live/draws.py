"""The random choices of a mixture, each by counter: seed, epoch and index alone decide them.

Nothing here touches sound. What is drawn are plain numbers, which travel with the item, so that
the sound is shaped on the device that trains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

NoiseKind = Literal["recorded", "coloured", "babble", "tonal", "clicks"]

FAINT_SNR_DB = 40.0
_TILT_DB = 3.0  # an octave; a recorded noise stays recognisable
_SHELF_DB = 8.0
_LOW_CORNER_HZ = (80.0, 500.0)
_HIGH_CORNER_HZ = (1500.0, 6000.0)
_PEAK_DB = 10.0
_PEAK_HZ = (150.0, 6000.0)
_PEAK_OCTAVES = (0.2, 1.5)
_CHANNEL = 0.6  # a microphone bends the spectrum less than a noise may be bent


@dataclass(frozen=True)
class Ranges:
    """What mixtures are drawn from.

    Attributes:
        snr_db: lowest and highest ratio of speech level to noise level, drawn uniformly.
        snr_grid_db: ratios taken in turn by index instead, where there are any.
        level_dbfs: lowest and highest RMS level of the mixture.
        without_voice: share of mixtures that hold no voice, whose target is silence.
        without_noise: share of mixtures that hold no noise, to be left as they are.
        faint_noise: share of mixtures whose noise is 40 dB below the voice, to be left nearly so.
        coloured: share of the noises that are noise of a random colour.
        colours_db: steepest falling and rising colour, an octave.
        peaks: whether colours have peaks and notches, and an end towards the lowest frequencies.
        modulation: share of the coloured noises whose level moves.
        babble: share of the noises that are a murmur of other speakers.
        speakers: fewest and most in a murmur.
        tonal: share of the noises that are hums, glides, chords and sirens.
        clicks: share of the noises that are clicks and knocks.
        second_noise: share of the recorded noises that have another one beside them, or two.
        third_noise: share of the recorded noises that have two others beside them.
        noise_speed: share of the recorded noises played at half to twice their speed.
        noise_filter: share of the noises that are filtered smoothly.
        noise_bands: share of the noises, but for the coloured, whose eight bands are turned up or
            down by up to 10 dB.
        voice_speed: share of the voices played at 0.8 to 1.25 of their speed.
        voice_bands: share of the voices whose eight bands are turned up or down by up to 6 dB.
        rooms: share of the mixtures whose voice is in a room, which belongs to the target; half of
            their noises are in another room.
        channel_filter: share of the mixtures that are filtered, voice and noise alike, as
            microphones and rooms do.
        band_limit: share of the mixtures without high frequencies.
        band_hz: lowest and highest limit.
        clipping: share of the mixtures that are clipped; their target is not.
        longest_pause: of a recording of speech, in seconds; what a pause has beyond is left out.
    """

    snr_db: tuple[float, float] = (-7.0, 20.0)
    snr_grid_db: tuple[float, ...] = ()
    level_dbfs: tuple[float, float] = (-45.0, -12.0)
    without_voice: float = 0.05
    without_noise: float = 0.025
    faint_noise: float = 0.025
    coloured: float = 0.3
    colours_db: tuple[float, float] = (-12.0, 3.0)
    peaks: bool = True
    modulation: float = 0.6
    babble: float = 0.15
    speakers: tuple[int, int] = (3, 8)
    tonal: float = 0.1
    clicks: float = 0.05
    second_noise: float = 0.4
    third_noise: float = 0.1
    noise_speed: float = 0.5
    noise_filter: float = 0.0
    noise_bands: float = 0.6
    voice_speed: float = 0.3
    voice_bands: float = 0.3
    rooms: float = 0.25
    channel_filter: float = 0.3
    band_limit: float = 0.15
    band_hz: tuple[float, float] = (3200.0, 8000.0)  # from telephones on
    clipping: float = 0.05
    longest_pause: float = 0.5


PLAIN = Ranges(
    snr_db=(-7.0, 30.0),
    without_voice=0.03,
    without_noise=0.03,
    faint_noise=0.0,
    coloured=0.1,
    colours_db=(-9.0, 3.0),
    peaks=False,
    modulation=0.0,
    babble=0.1,
    speakers=(3, 7),
    tonal=0.0,
    clicks=0.0,
    second_noise=0.3,
    third_noise=0.0,
    noise_speed=0.0,
    noise_filter=0.5,
    noise_bands=0.0,
    voice_speed=0.0,
    voice_bands=0.0,
    rooms=0.0,
    band_hz=(2500.0, 8000.0),
    clipping=0.0,
    longest_pause=math.inf,
)
"""Mostly recorded noises, smoothly bent, and voices as they are: to compare with."""


VALIDATION = replace(
    PLAIN,
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


def more_recorded(ranges: Ranges) -> Ranges:
    """Return the same with half as many noises made up, and recorded ones in their place."""
    made = ("coloured", "babble", "tonal", "clicks")
    return replace(ranges, **{kind: getattr(ranges, kind) / 2 for kind in made})


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
        noises: how many recorded noises there are at once.
        noise_filter: of the noise; flat for most.
        channel_filter: of the mixture.
        highest_hz: there is nothing above; infinite for no limit.
    """

    snr_db: float
    level_dbfs: float
    has_voice: bool
    has_noise: bool
    kind: NoiseKind
    noises: int
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
    without = ranges.without_voice + ranges.without_noise
    has_noise = not has_voice or lacking >= without
    if without <= lacking < without + ranges.faint_noise:
        snr_db = FAINT_SNR_DB
    kind = _kind(rng.random(), ranges)
    noise_filter = _filter(rng, 1.0) if rng.random() < ranges.noise_filter else Filter()
    if kind == "coloured":
        noise_filter = Filter(tilt_db=rng.uniform(*ranges.colours_db))
    beside = rng.random()
    return Draw(
        snr_db=float(snr_db),
        level_dbfs=float(level_dbfs),
        has_voice=has_voice,
        has_noise=has_noise,
        kind=kind,
        noises=1 + (beside < ranges.second_noise) + (beside < ranges.third_noise),
        noise_filter=noise_filter,
        channel_filter=(
            _filter(rng, _CHANNEL) if rng.random() < ranges.channel_filter else Filter()
        ),
        highest_hz=(
            log_uniform(rng, ranges.band_hz) if rng.random() < ranges.band_limit else math.inf
        ),
    )


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(*np.log(limits))))


def _kind(place: float, ranges: Ranges) -> NoiseKind:
    made: tuple[tuple[NoiseKind, float], ...] = (
        ("coloured", ranges.coloured),
        ("babble", ranges.babble),
        ("tonal", ranges.tonal),
        ("clicks", ranges.clicks),
    )
    for kind, share in made:
        if place < share:
            return kind
        place -= share
    return "recorded"


def _filter(rng: np.random.Generator, strength: float) -> Filter:
    return Filter(
        tilt_db=strength * rng.uniform(-_TILT_DB, _TILT_DB),
        low_db=strength * rng.uniform(-_SHELF_DB, _SHELF_DB),
        low_hz=log_uniform(rng, _LOW_CORNER_HZ),
        high_db=strength * rng.uniform(-_SHELF_DB, _SHELF_DB),
        high_hz=log_uniform(rng, _HIGH_CORNER_HZ),
        peak_db=strength * rng.uniform(-_PEAK_DB, _PEAK_DB),
        peak_hz=log_uniform(rng, _PEAK_HZ),
        peak_octaves=log_uniform(rng, _PEAK_OCTAVES),
    )

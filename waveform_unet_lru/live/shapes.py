"""The random choices of how the sounds of a mixture are shaped: speeds, bands, rooms, clipping.

As in `draws`, what is drawn are plain numbers. They come of a generator of their own, so that
mixtures that are not shaped do not depend on what might have been done to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from waveform_unet_lru.live.draws import Draw, Ranges, log_uniform

CURVE_HZ = 20.0 * 2 ** (np.arange(81) / 8)
"""Where the points of a curve lie: every eighth of an octave from 20 Hz to 20 kHz."""
LONGEST_RT60 = 0.8

_BANDS_HZ = 62.5 * 2.0 ** np.arange(8)
_NOISE_BANDS_DB = 10.0
_VOICE_BANDS_DB = 6.0
_NOISE_SPEEDS = (0.5, 2.0)
_VOICE_SPEEDS = (0.8, 1.25)
_PEAKS = (2, 6)
_PEAK_DB = 15.0
_PEAK_HZ = (60.0, 7500.0)
_PEAK_OCTAVES = (0.1, 0.7)
# A steep colour without an end would put all its power where nobody hears it.
_COLOUR_END_HZ = (30.0, 150.0)
_RT60 = (0.1, LONGEST_RT60)
_TAIL_DB = (-15.0, 3.0)
_DELAY_SECONDS = (0.001, 0.012)
_DAMPING = (0.6, 1.0)
_SEEDS = 1 << 24  # as many as float32 tells apart
_NOISE_ROOMS = 0.5  # of the mixtures whose voice is in a room
_CLIP_DB = (1.0, 10.0)


@dataclass(frozen=True)
class Room:
    """What a room adds to a sound: a tail of noise that dies away, sooner where it is higher.

    Attributes:
        rt60: seconds in which the tail's low frequencies fall by 60 dB; 0 for no room.
        tail_db: energy of the tail over that of the direct sound.
        delay: seconds from the direct sound to the tail.
        damping: factor of the decay time every two octaves, from 250 Hz to 4 kHz.
        seed: of the tail, a whole number.
    """

    rt60: float = 0.0
    tail_db: float = 0.0
    delay: float = 0.0
    damping: float = 1.0
    seed: float = 0.0


@dataclass(frozen=True)
class Shaping:
    """How the sounds of one mixture are shaped.

    Attributes:
        voice_speed: of playing the voice.
        noise_speed: of playing a recorded noise.
        modulated: whether a coloured noise's level moves.
        voice_curve: decibels at `CURVE_HZ`, float32; of zeros for most.
        noise_curve: the same for the noise.
        voice_room: the voice's, which its target has too.
        noise_room: another one.
        clip_db: from the mixture's peak down to where it is clipped; 0 for not at all.
    """

    voice_speed: float
    noise_speed: float
    modulated: bool
    voice_curve: np.ndarray
    noise_curve: np.ndarray
    voice_room: Room
    noise_room: Room
    clip_db: float


def draw_shaping(rng: np.random.Generator, ranges: Ranges, draw: Draw) -> Shaping:
    """Draw how the sounds of a mixture are shaped.

    Args:
        rng: of this mixture and this purpose alone, see `prepare_data.random_numbers.generator`.
        ranges: what to draw from.
        draw: the mixture's other numbers.
    """
    speed_up = rng.random() < ranges.noise_speed
    noise_speed = log_uniform(rng, _NOISE_SPEEDS) if speed_up else 1.0
    modulated = bool(rng.random() < ranges.modulation)
    noise_curve = _flat()
    if draw.kind == "coloured":
        if ranges.peaks:
            noise_curve = _colour(rng, draw.noise_filter.tilt_db)
    elif rng.random() < ranges.noise_bands:
        noise_curve = _bands(rng, _NOISE_BANDS_DB)
    speed_up = rng.random() < ranges.voice_speed
    voice_speed = log_uniform(rng, _VOICE_SPEEDS) if speed_up else 1.0
    bent = rng.random() < ranges.voice_bands
    voice_curve = _bands(rng, _VOICE_BANDS_DB) if bent else _flat()
    voice_room = noise_room = Room()
    if rng.random() < ranges.rooms:
        voice_room = _room(rng)
        noise_room = _room(rng) if rng.random() < _NOISE_ROOMS else noise_room
    return Shaping(
        voice_speed=voice_speed,
        noise_speed=noise_speed if draw.kind == "recorded" else 1.0,
        modulated=modulated,
        voice_curve=voice_curve,
        noise_curve=noise_curve,
        voice_room=voice_room,
        noise_room=noise_room,
        clip_db=rng.uniform(*_CLIP_DB) if rng.random() < ranges.clipping else 0.0,
    )


def band_curve(gains_db: np.ndarray) -> np.ndarray:
    """Return the curve of eight bands, an octave each from 62.5 Hz to 8 kHz.

    Args:
        gains_db: at the bands' centres, shape (8,); between them the decibels go straight.

    Returns:
        Decibels at `CURVE_HZ`, float32.
    """
    curve = np.interp(np.log2(CURVE_HZ), np.log2(_BANDS_HZ), gains_db)
    return curve.astype(np.float32)


def peak_curve(peaks_db: np.ndarray, peaks_hz: np.ndarray, octaves: np.ndarray) -> np.ndarray:
    """Return the curve of peaks, and of notches, whose decibels add up.

    Args:
        peaks_db: heights, shape (peaks,).
        peaks_hz: places, of the same shape.
        octaves: half widths, of the same shape.

    Returns:
        Decibels at `CURVE_HZ`, float32.
    """
    away = np.log2(CURVE_HZ / peaks_hz[:, None]) / octaves[:, None]
    return (peaks_db @ np.exp(-(away**2))).astype(np.float32)


def _flat() -> np.ndarray:
    return np.zeros(len(CURVE_HZ), dtype=np.float32)


def _bands(rng: np.random.Generator, most_db: float) -> np.ndarray:
    return band_curve(rng.uniform(-most_db, most_db, len(_BANDS_HZ)))


def _colour(rng: np.random.Generator, tilt_db: float) -> np.ndarray:
    """Draw what a colour has beside its tilt: peaks, and an end towards low frequencies."""
    count = int(rng.integers(_PEAKS[0], _PEAKS[1] + 1))
    peaks = peak_curve(
        rng.uniform(-_PEAK_DB, _PEAK_DB, count),
        np.array([log_uniform(rng, _PEAK_HZ) for _ in range(count)]),
        np.array([log_uniform(rng, _PEAK_OCTAVES) for _ in range(count)]),
    )
    below = np.log2(log_uniform(rng, _COLOUR_END_HZ) / CURVE_HZ).clip(min=0)
    return peaks + (tilt_db * below).astype(np.float32)


def _room(rng: np.random.Generator) -> Room:
    return Room(
        rt60=rng.uniform(*_RT60),
        tail_db=rng.uniform(*_TAIL_DB),
        delay=log_uniform(rng, _DELAY_SECONDS),
        damping=rng.uniform(*_DAMPING),
        seed=float(rng.integers(_SEEDS)),
    )

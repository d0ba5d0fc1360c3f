"""Built-in speech-like corpus: babble without words, synthesised by source and filter.

A periodic train of glottal flow pulses and breath noise drives a cascade of resonators, the
formants, that glide between targets (Fant, "Acoustic Theory of Speech Production", 1960;
cascade and bandwidths as in Klatt, "Software for a cascade/parallel formant synthesizer",
JASA 67, 1980). Fricatives and bursts are noise in a band of their own, beside the cascade.
Everything moves in frames of 8 ms, filtered in the frequency domain and overlap-added.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from prepare_data.demo_common import (
    HOP,
    N_FFT,
    SAMPLE_RATE,
    Signal,
    Track,
    active_rms,
    column,
    delay,
    framed_spectra,
    from_decibels,
    keyed_generator,
    limit_peak,
    overlap_add,
    resonance_denominators,
    write_wav,
)

VOICES = 12
UTTERANCES = 10
LONGEST_SECONDS = 7.3  # before the last pause
BACKGROUND_DBFS = -78.0  # a quiet recorder's hiss: pauses are never digital silence

Triple: TypeAlias = tuple[float, float, float]


class Phone(NamedTuple):
    """Targets of one stretch of sound; the amplitudes are linear, the formants a man's."""

    formants_hz: Triple
    seconds: float
    voicing: float = 1.0
    aspiration: float = 0.0
    frication: float = 0.0
    noise_hz: float = 4000.0
    noise_width_hz: float = 1500.0
    damping: float = 1.0  # widens the formants: the nose and an open glottis swallow sound


# Mean formants of 33 men: Peterson and Barney, "Control methods used in a study of the
# vowels", JASA 24, 1952. In order: heed hid head had hod hawed hood who'd hud heard.
VOWELS_HZ: tuple[Triple, ...] = (
    (270, 2290, 3010),
    (390, 1990, 2550),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (440, 1020, 2240),
    (300, 870, 2240),
    (640, 1190, 2390),
    (490, 1350, 1690),
)
NEUTRAL_HZ: Triple = (500, 1500, 2500)
BANDWIDTHS_HZ: Triple = (70, 90, 140)
LABIAL, ALVEOLAR, VELAR = (250.0, 900.0, 2200.0), (250.0, 1750.0, 2650.0), (250.0, 2000.0, 2300.0)


def _plosive(locus: Triple, burst_hz: float, width_hz: float, *, voiced: bool) -> tuple[Phone, ...]:
    """Return closure, burst and, after a voiceless one, the breath until the voice starts."""
    burst = Phone(locus, 0.012, 0.0, 0.1, 0.14, burst_hz, width_hz)
    if voiced:
        return Phone(locus, 0.055, 0.12), burst
    return Phone(locus, 0.06, 0.0), burst, Phone(locus, 0.04, 0.0, 0.25, damping=2.0)


def _fricative(
    locus: Triple, level: float, centre_hz: float, width_hz: float, *, voicing: float = 0.0
) -> tuple[Phone, ...]:
    """Return hissing that swells, holds and fades."""
    full = Phone(locus, 0.06, voicing, 0.02, level, centre_hz, width_hz)
    return (
        full._replace(seconds=0.02, frication=0.4 * level),
        full,
        full._replace(seconds=0.016, frication=0.3 * level),
    )


PLOSIVES = (
    _plosive(LABIAL, 800, 700, voiced=True),
    _plosive(ALVEOLAR, 4200, 1500, voiced=True),
    _plosive(VELAR, 1900, 600, voiced=True),
    _plosive(LABIAL, 800, 700, voiced=False),
    _plosive(ALVEOLAR, 4200, 1500, voiced=False),
    _plosive(VELAR, 1900, 600, voiced=False),
)
FRICATIVES = (
    _fricative(ALVEOLAR, 0.09, 6200, 1200),  # s
    _fricative(VELAR, 0.09, 3300, 900),  # sh
    _fricative(LABIAL, 0.018, 5500, 2500),  # f
    _fricative(ALVEOLAR, 0.05, 6000, 1300, voicing=0.15),  # z
    _fricative(LABIAL, 0.02, 5000, 2500, voicing=0.2),  # v
    (Phone(NEUTRAL_HZ, 0.06, 0.0, 0.25, damping=2.0),),  # h
)
SONORANTS = (
    (Phone((260, 1000, 2200), 0.07, 0.3, damping=2.5),),  # m
    (Phone((260, 1450, 2500), 0.065, 0.3, damping=2.5),),  # n
    (Phone((360, 1100, 2600), 0.06, 0.35),),  # l
    (Phone((350, 1150, 1500), 0.06, 0.35),),  # r
    (Phone((280, 700, 2200), 0.06, 0.35),),  # w
    (Phone((270, 2200, 2900), 0.06, 0.35),),  # y
)
ONSETS = PLOSIVES + FRICATIVES + SONORANTS
CODAS = PLOSIVES[3:] + FRICATIVES[:4] + SONORANTS[:4]


@dataclass(frozen=True)
class Voice:
    """One speaker: pitch, vocal tract, manner and loudness."""

    name: str
    pitch_hz: float
    formant_scale: float  # 1 for the tract of a man, more for a shorter one
    tempo: float
    open_phase: float  # part of a cycle in which the glottis opens
    closing_phase: float
    breath: float
    tilt_hz: float  # above it the voice loses another 6 dB an octave
    level_dbfs: float


class Controls(NamedTuple):
    """The moving targets of an utterance, one row for each hop."""

    pitch_hz: Track
    formants_hz: Track  # (frames, 3)
    damping: Track
    voicing: Track
    aspiration: Track
    frication: Track
    noise_hz: Track
    noise_width_hz: Track


def write_demo_speech(folder: Path, *, seed: int = 0) -> None:
    """Write the built-in speech-like corpus; all of it is synthetic, nobody was recorded.

    Babble of 12 made-up voices from deep to high, 10 utterances each, 3 to 8 s long, as
    mono 16-bit WAV files at 16 kHz: `folder/<voice>/<voice>_<utterance>.wav`. It has the
    pitch, formants, rhythm and pauses of speech and no words: enough to try the tools with,
    no substitute for recordings. Source-filter model of Fant (1960), glottal pulse of
    Rosenberg (1971), vowels of Peterson and Barney (1952), resonators of Klatt (1980).

    Args:
        folder: Folder to write into; made if missing, files of the same name are replaced.
        seed: Same seed, same bytes; 0 or more.
    """
    for index in range(VOICES):
        voice = _make_voice(keyed_generator(seed, "voice", index), index)
        home = folder / voice.name
        home.mkdir(parents=True, exist_ok=True)
        for utterance in range(1, UTTERANCES + 1):
            audio = _say(voice, keyed_generator(seed, voice.name, utterance))
            write_wav(home / f"{voice.name}_{utterance:02d}.wav", audio)


def _make_voice(rng: np.random.Generator, index: int) -> Voice:
    """Draw a voice; the index decides how high, so that any seed covers the whole range."""
    height = index / (VOICES - 1)
    return Voice(
        name=f"voice_{index + 1:02d}",
        pitch_hz=100 * 2.25**height * rng.uniform(0.97, 1.03),
        formant_scale=(1 + 0.17 * height) * rng.uniform(0.96, 1.04),
        tempo=rng.uniform(0.9, 1.1),
        open_phase=rng.uniform(0.36, 0.46),
        closing_phase=rng.uniform(0.13, 0.2),
        breath=rng.uniform(0.003, 0.015),
        tilt_hz=rng.uniform(2500, 6000),
        level_dbfs=rng.uniform(-26.5, -23.5),
    )


def _say(voice: Voice, rng: np.random.Generator) -> Signal:
    """Return one utterance (samples,) at the voice's level, on its quiet background."""
    speech = _resonate(_draw_controls(voice, rng), voice, rng)
    level = voice.level_dbfs + rng.uniform(-0.5, 0.5)
    speech = limit_peak(speech * (from_decibels(level) / active_rms(speech)))
    hiss = rng.standard_normal(len(speech), dtype=np.float32)
    return speech + from_decibels(BACKGROUND_DBFS) * hiss


def _draw_controls(voice: Voice, rng: np.random.Generator) -> Controls:
    """Draw phrases and pauses until the utterance is long enough, and smooth the targets."""
    silence = Phone(NEUTRAL_HZ, rng.uniform(0.2, 0.4), 0.0)
    track, phrases, wanted = [(silence, 1.0)], 0, rng.uniform(3.4, 5.5)
    while phrases < 2 or _seconds(track) < wanted:
        phrase = _draw_phrase(voice, rng)
        if _seconds(track + phrase) > LONGEST_SECONDS:
            continue  # a shorter one will fit
        pause = Phone(NEUTRAL_HZ, rng.uniform(0.25, 0.6), 0.0)
        track += [*phrase, (pause, 1.0)]
        phrases += 1
    frames = [max(round(phone.seconds * SAMPLE_RATE / HOP), 1) for phone, _ in track]
    columns = np.array([(*phone.formants_hz, *phone[2:], pitch) for phone, pitch in track])
    return _glide(np.repeat(columns, frames, axis=0), voice, rng)


def _seconds(track: list[tuple[Phone, float]]) -> float:
    return sum(phone.seconds for phone, _ in track)


def _draw_phrase(voice: Voice, rng: np.random.Generator) -> list[tuple[Phone, float]]:
    """Return a phrase: phones with their pitch against the voice's own.

    The pitch declines over the phrase, rises on stressed syllables and falls at the end.
    """
    syllables = int(rng.integers(6, 12))
    phrase = []
    for index in range(syllables):
        last, stressed = index == syllables - 1, rng.random() < 0.4
        pitch = 1.1 - 0.22 * index / (syllables - 1) + 0.15 * stressed - 0.08 * last
        pitch *= rng.uniform(0.97, 1.03)
        stretch = (1.35 if last else 1.0) * (1.2 if stressed else 0.95) / voice.tempo
        for phone in _draw_syllable(rng, stressed=stressed):
            gain = (1.0 if stressed else 0.8) * (0.75 if last else 1.0)
            louder = phone._replace(seconds=phone.seconds * stretch, voicing=phone.voicing * gain)
            phrase.append((louder, pitch))
    return phrase


def _draw_syllable(rng: np.random.Generator, *, stressed: bool) -> list[Phone]:
    """Return the phones of a syllable: mostly consonant and vowel, at times a coda."""
    phones: list[Phone] = []
    if rng.random() < 0.92:
        phones += ONSETS[rng.integers(len(ONSETS))]
    # Unstressed vowels are shorter and lie nearer to the neutral one.
    target = np.array(VOWELS_HZ[rng.integers(len(VOWELS_HZ))])
    target = target if stressed else 0.65 * target + 0.35 * np.array(NEUTRAL_HZ)
    first, second, third = (target * rng.uniform(0.95, 1.05, 3)).tolist()
    phones.append(Phone((first, second, third), rng.uniform(0.09, 0.15)))
    if rng.random() < 0.25:
        phones += CODAS[rng.integers(len(CODAS))]
    return phones


def _glide(columns: Track, voice: Voice, rng: np.random.Generator) -> Controls:
    """Turn steps from phone to phone into movements as slow as the organs that make them."""
    formants, rest = columns[:, :3], columns[:, 3:].T
    voicing, aspiration, frication, noise_hz, noise_width_hz, damping, pitch = rest
    jitter, shimmer = 1 + 0.012 * rng.standard_normal((2, len(columns)))
    return Controls(
        pitch_hz=voice.pitch_hz * _smooth(pitch, seconds=0.12) * jitter,
        formants_hz=voice.formant_scale * _smooth(formants, seconds=0.08),
        damping=_smooth(damping, seconds=0.04),
        voicing=_smooth(voicing, seconds=0.03) * shimmer,
        aspiration=_smooth(aspiration, seconds=0.02),
        frication=frication,
        noise_hz=noise_hz,
        noise_width_hz=noise_width_hz,
    )


def _smooth(track: Track, *, seconds: float) -> Track:
    width = 2 * round(seconds * SAMPLE_RATE / HOP / 2) + 1
    kernel = np.hanning(width + 2)[1:-1]
    return scipy.ndimage.convolve1d(track, kernel / kernel.sum(), axis=0, mode="nearest")


def _glottal_flow(pitch_hz: Track, voice: Voice) -> Signal:
    """Return a train of glottal flow pulses ((frames + 1) * HOP,), each from 0 to 1 to 0.

    Polynomial pulse of Rosenberg, "Effect of glottal pulse shape on the quality of natural
    vowels", JASA 49, 1971.
    """
    samples = np.arange((len(pitch_hz) + 1) * HOP)
    cycles = np.cumsum(np.interp(samples, np.arange(len(pitch_hz)) * HOP, pitch_hz)) / SAMPLE_RATE
    phase = (cycles % 1.0).astype(np.float32)
    opening = np.minimum(phase / voice.open_phase, 1)
    closing = np.clip((phase - voice.open_phase) / voice.closing_phase, 0, 1)
    return opening * opening * (3 - 2 * opening) - closing * closing


def _resonate(controls: Controls, voice: Voice, rng: np.random.Generator) -> Signal:
    """Drive the moving formants and the friction bands; return (frames * HOP,)."""
    flow = _glottal_flow(controls.pitch_hz, voice)
    noise = rng.standard_normal(len(flow), dtype=np.float32)
    # The lips radiate the derivative of the flow; it is taken per cycle, because a higher voice
    # closes more often and not harder. Breath is turbulence, so it pulses with the flow.
    source = np.diff(flow, prepend=0) * (120 / voice.pitch_hz)
    source += voice.breath * flow * noise
    spectrum = framed_spectra(source) * column(controls.voicing)
    hissing = controls.frication + controls.aspiration > 0
    hiss = framed_spectra(noise, hissing)
    spectrum[hissing] += hiss * column(0.1 * controls.aspiration[hissing])
    spectrum *= _tract_response(controls, voice)
    spectrum[hissing] += hiss * _friction_bands(controls, hissing)
    return overlap_add(scipy.fft.irfft(spectrum, N_FFT, axis=1))


def _tract_response(controls: Controls, voice: Voice) -> NDArray[np.complex64]:
    """Return the response of the vocal tract (frames, bins): three formants move, others rest."""
    response: NDArray[np.complex64] = np.ones(1, np.complex64)
    for index, bandwidth in enumerate(BANDWIDTHS_HZ):
        centre = np.minimum(controls.formants_hz[:, index], 0.45 * SAMPLE_RATE)
        response = response * resonance_denominators(centre, bandwidth * controls.damping)
    # A uniform tract has a resonance every 1 kHz; those past the third hardly move.
    for rest_hz in voice.formant_scale * np.arange(3500, 8000, 1000):
        if rest_hz < 0.48 * SAMPLE_RATE:
            response = response * resonance_denominators(
                np.array([rest_hz]), np.array([0.07 * rest_hz])
            )
    pole = np.exp(-2 * np.pi * voice.tilt_hz / SAMPLE_RATE)
    tilt = (1 - pole * delay(1)) / (1 - pole)
    return 1 / (response * tilt.astype(np.complex64))


def _friction_bands(controls: Controls, chosen: NDArray[np.bool_]) -> Signal:
    """Return the magnitudes (chosen frames, bins) of fricatives and bursts: a bell each."""
    frequencies = np.arange(N_FFT // 2 + 1, dtype=np.float32) * (SAMPLE_RATE / N_FFT)
    distance = frequencies - column(controls.noise_hz[chosen])
    bells = np.exp(-0.5 * np.square(distance / column(controls.noise_width_hz[chosen])))
    return bells * column(controls.frication[chosen])

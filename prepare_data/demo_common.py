"""Building blocks of the two built-in corpora.

Seeded generators, levels and WAV files; noise with a spectrum, pulses with a period, impulses
that ring; and a filter bank of overlapping frames whose response may change with every frame.
"""

import os
import wave
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
FULL_SCALE = 32_768  # 16-bit PCM
PEAK_LIMIT = 0.85
HOP = 128  # 8 ms between frames
N_FFT = 640  # a window of two hops, and 24 ms for the narrowest resonance to die away

Signal: TypeAlias = NDArray[np.float32]
Track: TypeAlias = NDArray[np.float64]
Gain: TypeAlias = Callable[[Signal], NDArray[np.floating]]
Indices: TypeAlias = NDArray[np.int64]


def keyed_generator(seed: int, *key: str | int) -> np.random.Generator:
    """Return the generator of one item, the same whatever else is made before or after it.

    Args:
        seed: Seed of the corpus, 0 or more.
        *key: What names the item within the corpus, such as a voice and a number.

    Returns:
        A generator that depends on the seed and the key alone.
    """
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.default_rng([seed, *words])


def shaped_noise(rng: np.random.Generator, samples: int, gain: Gain) -> Signal:
    """Return stationary Gaussian noise with a given spectrum.

    Args:
        rng: Source of randomness.
        samples: Length of the noise.
        gain: Maps frequencies in Hz to magnitudes on any common scale.

    Returns:
        Noise (samples,) of zero mean and unit RMS.
    """
    bins = samples // 2 + 1
    pairs = rng.standard_normal((bins, 2), dtype=np.float32)
    frequencies = np.linspace(0, SAMPLE_RATE / 2, bins, dtype=np.float32)
    magnitudes = gain(frequencies).astype(np.float32)
    noise = scipy.fft.irfft(pairs.view(np.complex64)[:, 0] * magnitudes, samples)
    return normalised(noise)


def slow_noise(rng: np.random.Generator, samples: int, rate_hz: float) -> Signal:
    """Return a smooth random control curve.

    Args:
        rng: Source of randomness.
        samples: Length of the curve.
        rate_hz: About how many times a second the curve turns.

    Returns:
        Curve (samples,) of zero mean and unit RMS.
    """
    # Eight points a turn say it all; drawn so, and interpolated, the curve costs little.
    points = max(int(8 * rate_hz * samples / SAMPLE_RATE), 8)
    cutoff_hz = rate_hz * samples / points  # as if the points came at the sample rate
    coarse = shaped_noise(rng, points, lambda f: np.exp(-0.5 * np.square(f / cutoff_hz)))
    at = np.linspace(0, points - 1, samples)
    return np.interp(at, np.arange(points), coarse).astype(np.float32)


def band(low_hz: float, high_hz: float) -> Gain:
    """Return the magnitudes of a band-pass with slopes of 12 dB an octave."""
    return lambda f: 1 / ((1 + (low_hz / (f + 1)) ** 2) * (1 + (f / high_hz) ** 2))


def bells(centres_hz: list[float], width: float) -> Gain:
    """Return the magnitudes of resonances, each `width` times its own frequency wide."""
    return lambda f: sum(
        (np.exp(-0.5 * np.square((f - c) / (width * c))) for c in centres_hz), np.full_like(f, 0.02)
    )


def cycles(rate_hz: NDArray[np.floating] | float, samples: int) -> Track:
    """Return the cycles (samples,) that a possibly changing rate has turned."""
    return np.cumsum(np.broadcast_to(rate_hz, samples), dtype=np.float64) / SAMPLE_RATE


def pulses(turned: Track, sharpness: float) -> Signal:
    """Return one smooth pulse from 0 to 1 a cycle; the sharper, the more harmonics.

    Args:
        turned: Cycles (samples,) since the start, from `cycles`.
        sharpness: Concentration of the pulse (the kappa of a von Mises density).

    Returns:
        Pulses (samples,).
    """
    angle = (2 * np.pi * (turned % 1.0)).astype(np.float32)
    return np.exp(sharpness * (np.cos(angle) - 1))


def ring(samples: int, at: Indices, strength: Track, modes_hz: list[float], decay: float) -> Signal:
    """Return impulses that set damped modes ringing.

    Args:
        samples: Length of the result.
        at: Sample numbers of the impulses (impulses,).
        strength: Amplitudes of the impulses (impulses,).
        modes_hz: Frequencies; later modes are softer, higher ones die sooner.
        decay: Seconds in which the first mode falls to 1/e.

    Returns:
        Sound (samples,).
    """
    impulses: Signal = np.zeros(samples, np.float32)
    np.add.at(impulses, at, strength.astype(np.float32))
    length = min(max(int(7 * decay * SAMPLE_RATE), 16), samples)
    t = np.arange(length, dtype=np.float32) / SAMPLE_RATE
    response: Signal = np.zeros(length, np.float32)
    for order, mode_hz in enumerate(modes_hz):
        damping = np.exp(-t * (mode_hz / modes_hz[0]) ** 0.5 / decay)
        response += damping * np.sin(2 * np.pi * mode_hz * t) / (1 + order)
    return scipy.signal.oaconvolve(impulses, response)[:samples]


def resonate(audio: Signal, centres_hz: list[float], width: float) -> Signal:
    """Return a signal through resonances `width` times their frequency wide, plus a bit of it."""
    total = 0.1 * audio
    for centre_hz in centres_hz:
        b, a = scipy.signal.iirpeak(centre_hz, 1 / width, fs=SAMPLE_RATE)
        total = total + scipy.signal.lfilter(b, a, audio)
    return total.astype(np.float32)


def framed_spectra(
    audio: Signal, chosen: NDArray[np.bool_] | slice = slice(None)
) -> NDArray[np.complex64]:
    """Return the spectra of Hann windows two hops long, one hop apart.

    Args:
        audio: Sound ((frames + 1) * HOP,).
        chosen: The frames that are wanted; all of them by default.

    Returns:
        Spectra (chosen frames, bins).
    """
    hops = audio.reshape(-1, HOP)
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)
    frames = np.concatenate([hops[:-1][chosen], hops[1:][chosen]], axis=1)
    return scipy.fft.rfft(frames * window.astype(np.float32), N_FFT, axis=1)


def overlap_add(frames: Signal) -> Signal:
    """Sum frames (frames, N_FFT) one hop apart; return (frames * HOP,)."""
    hops: Signal = np.zeros((len(frames) + N_FFT // HOP, HOP), np.float32)
    for part in range(N_FFT // HOP):
        hops[part : part + len(frames)] += frames[:, part * HOP : (part + 1) * HOP]
    return hops[: len(frames)].reshape(-1)


def resonance_denominators(centre_hz: Track, bandwidth_hz: Track) -> NDArray[np.complex64]:
    """Return what to divide spectra by, for resonances that leave 0 Hz as it is (Klatt 1980).

    Args:
        centre_hz: Resonance of each frame (frames,).
        bandwidth_hz: Its width at -3 dB (frames,).

    Returns:
        Denominators (frames, bins) of the two-pole responses.
    """
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE)
    first = -2 * radius * np.cos(2 * np.pi * centre_hz / SAMPLE_RATE)
    second = radius * radius
    at_zero = 1 + first + second
    moving = column(first / at_zero) * delay(1) + column(second / at_zero) * delay(2)
    return (moving + column(1 / at_zero)).astype(np.complex64, copy=False)


def delay(samples: int) -> NDArray[np.complex64]:
    """Return the response (bins,) of a delay."""
    return np.exp(-2j * np.pi * samples * np.arange(N_FFT // 2 + 1) / N_FFT).astype(np.complex64)


def column(track: Track) -> Signal:
    """Return values (frames,) as (frames, 1), to act on every bin of their frame."""
    return track.astype(np.float32)[:, np.newaxis]


def rms(audio: Signal) -> float:
    """Return the root mean square of a signal of any shape."""
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float32), dtype=np.float64)))


def from_decibels(level_db: float) -> float:
    """Return the amplitude ratio of a level in decibels."""
    return float(10.0 ** (level_db / 20))


def normalised(audio: NDArray[np.floating]) -> Signal:
    """Return the signal without its offset at unit RMS."""
    centred = (audio - np.mean(audio)).astype(np.float32)
    return centred * (1 / rms(centred))


def active_rms(speech: Signal) -> float:
    """Return the RMS of the frames within 25 dB of the loudest: speech without its pauses."""
    frames = speech[: len(speech) // 512 * 512].reshape(-1, 512)
    power = np.mean(np.square(frames), axis=1)
    return rms(frames[power > power.max() * 10**-2.5])


def limit_peak(audio: Signal) -> Signal:
    """Return the signal, turned down as a whole if it would go past `PEAK_LIMIT`."""
    peak = float(np.max(np.abs(audio)))
    return audio * (min(1.0, PEAK_LIMIT / peak))


def write_wav(path: Path, audio: Signal) -> None:
    """Write a mono 16-bit WAV file at `SAMPLE_RATE`; a reader never meets half a file.

    Args:
        path: File to write or replace, in an existing folder.
        audio: Samples (samples,), full scale at 1.0.
    """
    frames = np.rint(audio * FULL_SCALE).astype("<i2")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    with wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(frames.tobytes())
    os.replace(partial, path)

"""Audio for the report: read whole, matched in level, 16-bit WAV that every browser plays."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from prepare_data.errors import AudioError

LEVEL_DBFS = -26.0
_PEAK = 10 ** (-0.5 / 20)
_MOST_ABOVE_NOISY_DB = 20.0
_CHANNELS = 2


@dataclass(frozen=True)
class Sound:
    """A file as it will be heard and seen.

    Attributes:
        audio: float32, shape (samples, channels), full scale at 1.
        sample_rate: of the audio, in hertz.
        mono: the same in one channel at the clip's rate, shape (samples,).
    """

    audio: np.ndarray
    sample_rate: int
    mono: np.ndarray


def read_sound(path: Path, *, sample_rate: int) -> Sound:
    """Read a file of a clip.

    Args:
        path: of the file, any format and rate.
        sample_rate: of the clip, in hertz.

    Raises:
        AudioError: if it cannot be read or holds what is not finite.
    """
    from prepare_data.audio_io import read_blocks, to_mono

    blocks, rate = [], sample_rate
    for block, rate in read_blocks(path):  # noqa: B007 (the rate is used below)
        blocks.append(block)
    if not blocks:
        raise AudioError("empty: no samples")
    audio = np.concatenate(blocks)
    if not np.isfinite(audio).all():
        raise AudioError("damaged: holds values that are not finite numbers")
    mono = to_mono(audio)
    if audio.shape[1] > _CHANNELS:
        audio = mono[:, None]
    if rate != sample_rate:
        import soxr

        mono = soxr.resample(mono, rate, sample_rate)
    return Sound(audio, rate, mono)


def lengthened(sound: Sound, *, seconds: float) -> Sound:
    """Return a sound that lasts as long as the clip, silent at its end if it is shorter.

    A switch to it past its end would otherwise lose the playing position.
    """
    lacking = max(0, round(seconds * sound.sample_rate) - len(sound.audio))
    return replace(sound, audio=np.pad(sound.audio, ((0, lacking), (0, 0))))


def matched_gains_db(
    sounds: Sequence[Sound | None],
    seen: Sequence[np.ndarray | None],
    *,
    noisy: int,
    clean: int | None,
    sample_rate: int,
) -> list[float]:
    """Return the gain for each file of a clip that makes them equally loud, none of them clipping.

    The level is the RMS over the samples where the clean voice speaks, or without a clean voice
    each file's own active speech level (ITU-T P.56), and it is brought to -26 dBFS. All files
    of a clip are turned down together where one of them would clip. Near silence stays near
    silence: nothing is turned up by more than 20 dB beyond what the noisy voice is.

    Args:
        sounds: of a clip; None where there is no file.
        seen: their `mono`, cut or padded to one length.
        noisy: position of the noisy voice.
        clean: position of the clean voice; None where there is none.
        sample_rate: of `seen`, in hertz.

    Returns:
        Decibels; 0 where there is no file or it is silent.
    """
    from enhancement.metrics import active_samples

    reference = None if clean is None else seen[clean]
    active = None if reference is None else active_samples(reference, sample_rate)
    levels = [_level_dbfs(mono, active, sample_rate) for mono in seen]
    gains = [LEVEL_DBFS - level if math.isfinite(level) else 0.0 for level in levels]
    if math.isfinite(levels[noisy]):
        gains = [min(gain, gains[noisy] + _MOST_ABOVE_NOISY_DB) for gain in gains]
    peaks = [0.0 if s is None else float(np.abs(s.audio).max(initial=0)) for s in sounds]
    loudest = max(peak * 10 ** (gain / 20) for peak, gain in zip(peaks, gains, strict=True))
    down = 20 * math.log10(loudest / _PEAK) if loudest > _PEAK else 0.0
    return [gain - down for gain in gains]


def wav_bytes(sound: Sound, gain_db: float) -> bytes:
    """Return 16-bit WAV, turned up or down."""
    import soundfile

    buffer = io.BytesIO()
    samples = np.rint(sound.audio * (10 ** (gain_db / 20) * 32768))
    pcm = np.clip(samples, -32768, 32767).astype(np.int16)
    soundfile.write(buffer, pcm, sound.sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _level_dbfs(mono: np.ndarray | None, active: np.ndarray | None, sample_rate: int) -> float:
    from prepare_data.speech_level import active_speech_level

    if mono is None:
        return -math.inf
    if active is None or not active.any():
        return active_speech_level(mono, sample_rate)[0]
    power = float(np.mean(np.square(mono[active], dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf

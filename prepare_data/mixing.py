"""Blend a voice with a noise at a signal-to-noise ratio, and write the blend so that it adds up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from prepare_data.speech_level import active_speech_level, energy_of

PEAK_LIMIT = 0.999
FULL_SCALE = 32_768


@dataclass(frozen=True)
class Mixture:
    """A voice and a noise, each of shape (samples,), and the gains that made them.

    `late_reverb` is the part of the noise that is the voice's late reverberation, where there is
    such a part.
    """

    voice: np.ndarray
    noise: np.ndarray
    voice_gain: float
    noise_gain: float
    late_reverb: np.ndarray | None = None

    @property
    def noisy_voice(self) -> np.ndarray:
        """Their sum."""
        return self.voice + self.noise


def mix(
    voice: np.ndarray,
    noise: np.ndarray,
    *,
    sample_rate: int,
    snr_db: float,
    level_dbfs: float | None = None,
    speech_level_dbfs: float | None = None,
    late_reverb: np.ndarray | None = None,
) -> Mixture:
    """Blend so that the active voice stands `snr_db` above the noise.

    The ratio is that of the speech level by ITU-T P.56, which leaves pauses out, to the noise's
    mean power over the whole segment. One gain common to voice and noise then sets the level of
    the mixture, lowered where a peak of any of the three would pass full scale.

    Args:
        voice: shape (samples,), full scale at 1.
        noise: the same shape.
        sample_rate: in hertz.
        snr_db: ratio of active speech level to noise level.
        level_dbfs: RMS level of the sum; None keeps the voice's own level.
        speech_level_dbfs: the voice's active speech level, where it is known already.
        late_reverb: the same shape, the voice's reverberation where the target is to be without
            it; added to the noise, and not counted in `snr_db`.

    Returns:
        The blend, float64.

    Raises:
        ValueError: if shapes differ, or the voice or the noise is silent.
    """
    voice, noise, late = _as_parts(voice, noise, late_reverb)
    if speech_level_dbfs is None:
        speech_level_dbfs, _ = active_speech_level(voice, sample_rate)
    noise_level_dbfs = power_db(noise)
    if not (math.isfinite(speech_level_dbfs) and math.isfinite(noise_level_dbfs)):
        raise ValueError("a silent voice or noise has no signal-to-noise ratio")
    noise_gain = 10 ** ((speech_level_dbfs - snr_db - noise_level_dbfs) / 20)
    return _blend(voice, noise, late, noise_gain, level_dbfs)


def mix_amplitudes(
    voice: np.ndarray,
    noise: np.ndarray,
    *,
    noise_level: float,
    late_reverb: np.ndarray | None = None,
) -> Mixture:
    """Blend as older recipes do: the noise's amplitude times a factor, whatever its loudness.

    Args:
        voice: shape (samples,), full scale at 1.
        noise: the same shape.
        noise_level: factor of the noise, 0.2 to 0.8 in those recipes.
        late_reverb: the same shape, added to the noise as it is; see `mix`.

    Returns:
        The blend, float64; turned down as a whole where it would pass full scale.

    Raises:
        ValueError: if shapes differ.
    """
    voice, noise, late = _as_parts(voice, noise, late_reverb)
    return _blend(voice, noise, late, noise_level, None)


def to_int16(mixture: Mixture) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Round voice and noise to 16 bits and add them up as integers.

    Returns:
        voice, noise and noisy_voice, int16, with noisy_voice == voice + noise exactly.
    """
    voice, noise = _rounded(mixture.voice), _rounded(mixture.noise)
    return voice, noise, voice + noise


def from_int16(samples: np.ndarray) -> np.ndarray:
    """Return 16-bit samples as float64, full scale at 1."""
    audio = samples.astype(np.float64)
    audio /= FULL_SCALE
    return audio


def power_db(audio: np.ndarray) -> float:
    """Return the mean power in dB relative to full scale; silence gives -inf."""
    signal = np.asarray(audio, dtype=np.float64)
    power = energy_of(signal) / signal.size if signal.size else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def _as_parts(
    voice: np.ndarray, noise: np.ndarray, late_reverb: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    if voice.shape != noise.shape or voice.ndim != 1:
        raise ValueError(f"voice {voice.shape} and noise {noise.shape} must both be (samples,)")
    if late_reverb is not None:
        if late_reverb.shape != voice.shape:
            raise ValueError(f"voice {voice.shape} and late reverb {late_reverb.shape} differ")
        late_reverb = np.asarray(late_reverb, dtype=np.float64)
    return np.asarray(voice, dtype=np.float64), np.asarray(noise, dtype=np.float64), late_reverb


def _blend(
    voice: np.ndarray,
    noise: np.ndarray,
    late: np.ndarray | None,
    noise_gain: float,
    level_dbfs: float | None,
) -> Mixture:
    """Apply the gains, and turn all down where voice, noise or their sum would clip."""
    noise = noise_gain * noise
    if late is not None:
        noise += late
    noisy_voice = voice + noise
    common = 1.0
    if level_dbfs is not None:
        common = 10 ** ((level_dbfs - power_db(noisy_voice)) / 20)
    peak = max(_peak(part) for part in (voice, noise, noisy_voice))
    if peak * common > PEAK_LIMIT:
        common = (1 - 1e-12) * PEAK_LIMIT / peak  # so that rounding does not pass it either
    noise *= common
    late = None if late is None else common * late
    return Mixture(common * voice, noise, common, common * noise_gain, late)


def _peak(audio: np.ndarray) -> float:
    return max(float(np.max(audio, initial=0)), -float(np.min(audio, initial=0)))


def _rounded(audio: np.ndarray) -> np.ndarray:
    scaled = audio * FULL_SCALE
    return np.rint(scaled, out=scaled).astype(np.int16)

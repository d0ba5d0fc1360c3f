"""Turn one line of the plan into audio and pictures. The result depends on the line alone."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from prepare_data.audio_io import read_info, read_segment, to_mono
from prepare_data.errors import AudioError, UserError
from prepare_data.mixing import (
    FULL_SCALE,
    Mixture,
    from_int16,
    mix,
    mix_amplitudes,
    power_db,
    to_int16,
)
from prepare_data.picture import encode_picture, own_scale, shared_scale, stft, write_picture
from prepare_data.rooms_rendered import RUN_UP_SECONDS, Heard, in_room
from prepare_data.settings import Settings
from prepare_data.speech_level import active_speech_level
from prepare_data.voices import JOINT_FADE_SECONDS

KINDS = ("voice", "noise", "noisy_voice")
_LOOP_FADE_SECONDS = 0.05
_LOWEST_DB = -120.0  # stands for silence, which JSON has no number for


Line = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """One sample.

    Attributes:
        audio: "voice", "noise" and "noisy_voice", each int16 of shape (samples,); the third is
            the sum of the first two.
        measured: levels in dB as they are in the written audio, for the manifest.
    """

    audio: dict[str, np.ndarray]
    measured: dict[str, float]


def render(line: Line, roots: Sequence[Path], settings: Settings) -> Rendered:
    """Render a line of the plan or the manifest.

    Args:
        line: as planned.
        roots: the corpus folders that its entries count.
        settings: of the data set.

    Raises:
        UserError: if a recording cannot be read.
    """
    rate = settings.sample_rate
    voice = _join([_stretch(e, roots, rate) * _gain(e) for e in line["voice"]], settings)
    heard = Heard(voice)
    if "room" in line:
        heard = in_room(voice, _run_up(line["voice"][0], roots, rate), line, roots, settings)
    noise = _add(
        [_repeat(e, roots, settings) for e in line["noises"]], [_gain(e) for e in line["noises"]]
    )
    mixture = _mix(line, heard, noise, rate)
    audio = dict(zip(KINDS, to_int16(mixture), strict=True))
    return Rendered(audio, _measure(audio, mixture, rate) | heard.measured)


def manifest_line(line: Line, rendered: Rendered) -> Line:
    """Complete a planned line with what was measured.

    `snr_db` stays the ratio asked for, where one was; `level_dbfs` is the mixture's RMS level,
    which is below `target_level_dbfs` where a peak would have passed full scale.
    """
    measured = dict(rendered.measured)
    achieved = measured.pop("snr_db")
    first = {key: line[key] for key in ("id", "split") if key in line}
    return first | {"snr_db": achieved} | measured | line


def audio_bytes(samples: np.ndarray, settings: Settings) -> bytes:
    """Return a 16-bit WAV or FLAC file."""
    buffer = io.BytesIO()
    if settings.audio_format == "wav":  # the same bytes as soundfile's, in a tenth of the time
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(settings.sample_rate)
            file.writeframes(samples.tobytes())
        return buffer.getvalue()
    soundfile.write(
        buffer, samples, settings.sample_rate, "PCM_16", format=settings.audio_format.upper()
    )
    return buffer.getvalue()


def picture_bytes(audio: dict[str, np.ndarray], settings: Settings) -> dict[str, bytes]:
    """Return the PNG files of a sample's three spectrograms."""
    grid = {"n_fft": settings.n_fft, "hop_length": settings.picture_hop}
    voice, noise = (stft(audio[kind] / np.float32(FULL_SCALE), **grid) for kind in KINDS[:2])
    # The transform is linear, and the noisy voice exactly the sum. The Nyquist bin is not shown.
    spectra = {
        kind: np.abs(spectrum[: settings.n_fft // 2])
        for kind, spectrum in zip(KINDS, (voice, noise, voice + noise), strict=True)
    }
    shared = shared_scale(spectra["noisy_voice"], settings.sample_rate, **grid)
    files = {}
    for kind, spectrum in spectra.items():
        scale = shared
        if settings.picture_scale == "own":
            scale = own_scale(spectrum, settings.sample_rate, **grid)
        buffer = io.BytesIO()
        write_picture(buffer, encode_picture(spectrum, scale), scale)
        files[kind] = buffer.getvalue()
    return files


def _stretch(entry: Line, roots: Sequence[Path], sample_rate: int) -> np.ndarray:
    """Read a stretch of a recording: mono, at the data set's rate."""
    path = roots[entry["root"]] / entry["path"]
    try:
        audio, rate = read_segment(path, start_frame=entry["start_frame"], frames=entry["frames"])
    except AudioError as error:
        raise UserError(
            f"{path} {error}, though it was read before; repair it or take it away, and run again."
        ) from error
    mono = to_mono(audio)
    return mono if rate == sample_rate else soxr.resample(mono, rate, sample_rate, quality="HQ")


def _run_up(entry: Line, roots: Sequence[Path], sample_rate: int) -> np.ndarray:
    """Read what a recording holds just before a stretch, for its reverberation."""
    path = roots[entry["root"]] / entry["path"]
    try:
        before = round(RUN_UP_SECONDS * read_info(path).sample_rate)
    except AudioError as error:
        raise UserError(f"{path} {error}.") from error
    frames = min(before, entry["start_frame"])
    if not frames:
        return np.empty(0, dtype=np.float32)
    earlier = entry | {"start_frame": entry["start_frame"] - frames, "frames": frames}
    return _stretch(earlier, roots, sample_rate) * _gain(entry)


def _gain(entry: Line) -> np.float32:
    return np.float32(10 ** (entry["gain_db"] / 20))


def _join(pieces: list[np.ndarray], settings: Settings) -> np.ndarray:
    """Join pieces of a voice with short cross-fades that fall into its pauses."""
    fade = round(JOINT_FADE_SECONDS * settings.sample_rate)
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = _cross_fade(joined, piece, fade)
    return _exact_length(joined, settings.segment_samples)


def _repeat(entry: Line, roots: Sequence[Path], settings: Settings) -> np.ndarray:
    """Read a noise and repeat it, with cross-fades, until the segment is full."""
    sound = _stretch(entry, roots, settings.sample_rate)
    length = settings.segment_samples
    if len(sound) >= length:
        return sound[:length]
    fade = min(round(_LOOP_FADE_SECONDS * settings.sample_rate), len(sound) // 4)
    loop = _cross_fade(sound[len(sound) // 2 :], sound[: len(sound) // 2], fade, equal_power=True)
    start = int(entry["rotation"] * len(loop))
    return np.resize(np.concatenate([loop[start:], loop[:start]]), length)


def _cross_fade(
    first: np.ndarray, second: np.ndarray, fade: int, *, equal_power: bool = False
) -> np.ndarray:
    fade = min(fade, len(first), len(second))
    if fade < 1:
        return np.concatenate([first, second])
    rising = ((np.arange(fade) + 0.5) / fade).astype(np.float32)
    falling = rising[::-1]
    if equal_power:
        rising, falling = np.sin(rising * np.pi / 2), np.sin(falling * np.pi / 2)
    middle = first[-fade:] * falling + second[:fade] * rising
    return np.concatenate([first[:-fade], middle, second[fade:]])


def _exact_length(audio: np.ndarray, length: int) -> np.ndarray:
    """Cut, or fill the few samples that rounding between rates may leave."""
    return audio[:length] if len(audio) >= length else np.pad(audio, (0, length - len(audio)))


def _add(noises: list[np.ndarray], gains: list[np.float32]) -> np.ndarray:
    """Add noises: the first as it is, further ones at its RMS level times their gain."""
    total = noises[0].astype(np.float64)
    if len(noises) == 1:
        return total
    reference = power_db(total)
    for noise, gain in zip(noises[1:], gains[1:], strict=True):
        total = total + noise * (gain * 10 ** ((reference - power_db(noise)) / 20))
    return total


def _mix(line: Line, heard: Heard, noise: np.ndarray, rate: int) -> Mixture:
    voice, late_reverb = heard.voice, heard.late_reverb
    try:
        if "noise_level" in line:
            return mix_amplitudes(
                voice, noise, noise_level=line["noise_level"], late_reverb=late_reverb
            )
        return mix(
            voice,
            noise,
            sample_rate=rate,
            snr_db=line["snr_db"],
            level_dbfs=line["target_level_dbfs"],
            late_reverb=late_reverb,
        )
    except ValueError as error:
        paths = ", ".join(entry["path"] for entry in [*line["voice"], *line["noises"]])
        raise UserError(
            f"sample {line.get('id', '')} of {paths} cannot be mixed: {error}."
        ) from error


def _measure(audio: dict[str, np.ndarray], mixture: Mixture, rate: int) -> dict[str, float]:
    """Measure the written audio; the noise's active level tells how loud it is where it sounds.

    Where the noise holds the voice's late reverberation, `snr_db` is the ratio to the rest of it.
    """
    voice, noise, noisy = (from_int16(audio[kind]) for kind in KINDS)
    voice_level, voice_activity = active_speech_level(voice, rate)
    noise_active_level, noise_activity = active_speech_level(noise, rate)
    noise_level = power_db(noise)
    ratios = {"snr_db": voice_level - noise_level}
    if mixture.late_reverb is not None:
        ratios["snr_with_late_reverb_db"] = ratios["snr_db"]
        ratios["snr_db"] = voice_level - power_db(mixture.noise - mixture.late_reverb)
    measured = ratios | {
        "level_dbfs": power_db(noisy),
        "voice_active_level_dbfs": voice_level,
        "voice_activity": voice_activity,
        "noise_level_dbfs": noise_level,
        "noise_active_level_dbfs": noise_active_level,
        "noise_activity": noise_activity,
    }
    return {key: round(max(value, _LOWEST_DB), 3) for key, value in measured.items()}

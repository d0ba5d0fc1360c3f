"""What the report plays and shows of a clip: its sounds and their spectrograms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enhancement.report.pictures import picture_bytes, power_columns
from enhancement.report.sound import Sound, lengthened, matched_gains_db, read_sound, wav_bytes
from prepare_data.errors import AudioError

_LONGEST_SLUG = 40
_USUAL_RATE = 16_000


@dataclass(frozen=True)
class ClipTask:
    """A clip to prepare.

    Attributes:
        folder: to write into; it is made.
        sample_rate: of the clip, in hertz; 0 where it is not known.
        seconds: of the clip; 0 where it is not known.
        names: of the files to write, without suffix, a track each; the first is the noisy voice.
        sources: the tracks' files; None where there is none.
        clean: position of the clean voice among them; None where there is none.
    """

    folder: Path
    sample_rate: int
    seconds: float
    names: tuple[str, ...]
    sources: tuple[Path | None, ...]
    clean: int | None


@dataclass(frozen=True)
class Track:
    """A track that was prepared.

    Attributes:
        name: of its .wav and .png; None where it cannot be played.
        gain_db: how much it was turned up.
        reason: why it cannot be played.
    """

    name: str | None
    gain_db: float = 0.0
    reason: str | None = None


@dataclass(frozen=True)
class Media:
    """What was prepared of a clip.

    Attributes:
        seconds: of the clip, which its pictures span.
        tracks: one for each source.
    """

    seconds: float
    tracks: tuple[Track, ...]


def prepare_clip(task: ClipTask) -> Media:
    """Write the WAV and PNG files of a clip.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    from prepare_data.files import explained, write_whole

    sample_rate = task.sample_rate or _USUAL_RATE
    sounds, reasons = _read_all(task.sources, sample_rate)
    samples = round(task.seconds * sample_rate) or max(
        (len(sound.mono) for sound in sounds if sound is not None), default=1
    )
    seen = [None if sound is None else _fitted(sound.mono, samples) for sound in sounds]
    gains = matched_gains_db(sounds, seen, noisy=0, clean=task.clean, sample_rate=sample_rate)
    powers = [
        None if mono is None else power_columns(mono * 10 ** (gain / 20), sample_rate)
        for mono, gain in zip(seen, gains, strict=True)
    ]
    loudest = max((float(power.max()) for power in powers if power is not None), default=0.0)
    with explained(task.folder):
        task.folder.mkdir(parents=True, exist_ok=True)
    tracks = []
    for name, sound, gain, power, reason in zip(
        task.names, sounds, gains, powers, reasons, strict=True
    ):
        if sound is None or power is None:
            tracks.append(Track(None, reason=reason))
            continue
        whole = lengthened(sound, seconds=samples / sample_rate)
        write_whole(task.folder / f"{name}.wav", wav_bytes(whole, gain))
        write_whole(task.folder / f"{name}.png", picture_bytes(power, loudest=loudest))
        tracks.append(Track(name, round(gain, 2)))
    return Media(samples / sample_rate, tuple(tracks))


def slug(text: str) -> str:
    """Return a file name that is harmless everywhere; different texts may share one."""
    harmless = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return harmless[:_LONGEST_SLUG].strip("-") or "x"


def _read_all(
    sources: Sequence[Path | None], sample_rate: int
) -> tuple[list[Sound | None], list[str | None]]:
    sounds: list[Sound | None] = []
    reasons: list[str | None] = []
    for source in sources:
        sound, reason = None, None
        if source is None:
            reason = "there is no file"
        else:
            try:
                sound = read_sound(source, sample_rate=sample_rate)
            except AudioError as error:
                reason = f"{source.name}: {error}"
        sounds.append(sound)
        reasons.append(reason)
    return sounds, reasons


def _fitted(mono: np.ndarray, samples: int) -> np.ndarray:
    """Cut or pad to a length."""
    fitted = np.zeros(samples, np.float32)
    fitted[: len(mono)] = mono[:samples]
    return fitted

"""Stretches of speech and of noise for mixtures, out of a training pack or a data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from prepare_data.errors import UserError
from prepare_data.pack import Pack, PackEntry

_FADE_SECONDS = 0.01
_SPEAKERS = (3, 8)  # in a murmur
_SECOND_NOISE_DB = 6.0  # a further noise lies within this of the first
_FULL_SCALE = 32_767
_ATTEMPTS = 6
# A frame of 20 ms holds speech if it is less than this below the recording's speech level; the same
# share of frames must hold speech as in the data sets.
_FRAME_SECONDS = 0.02
_SPEECH_RANGE_DB = 16.0
_LEAST_ACTIVITY = 0.4
# Below this much under a noise's loudest, a stretch is a gap between sounds.
_SOUND_RANGE_DB = 40.0


class Material(Protocol):
    """What mixtures are made of, all of one split.

    Attributes:
        sample_rate: in hertz.
    """

    sample_rate: int

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """Draw a stretch of speech: its speaker, and float32 of shape (samples,)."""

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Draw a stretch of noise, float32 of shape (samples,)."""

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """Draw stretches of speech of other speakers than this, one after the other; or none."""


def two_noises(rng: np.random.Generator, material: Material, samples: int) -> np.ndarray:
    """Draw a noise and another one about as loud beside it."""
    first, second = (_levelled(material.noise(rng, samples)) for _ in range(2))
    gain = 10 ** (rng.uniform(-_SECOND_NOISE_DB, _SECOND_NOISE_DB) / 20)
    return first + np.float32(gain) * second


def babble(
    rng: np.random.Generator, material: Material, samples: int, *, speaker: str
) -> np.ndarray:
    """Draw a murmur of other speakers, all equally loud; a noise where there are no others."""
    wanted = int(rng.integers(*_SPEAKERS))
    murmur = np.zeros(samples, dtype=np.float32)
    others = material.voices_of_others(rng, samples, speaker=speaker)
    heard = 0
    for heard, other in enumerate(others, start=1):
        murmur += _levelled(other)
        if heard == wanted:
            break
    return murmur if heard else material.noise(rng, samples)


def joined(pieces: Iterable[np.ndarray], samples: int, fade: int) -> np.ndarray:
    """Join pieces, each faded into the next, until there are enough samples.

    Args:
        pieces: float32 arrays of one sample or more; as many as are needed, silence follows.
        samples: wanted.
        fade: samples that two pieces share, fewer where one is short.
    """
    whole = np.zeros(samples, dtype=np.float32)
    end = 0
    for piece in pieces:
        shared = min(fade, end, len(piece) // 2)
        ramp = np.linspace(0, 1, shared + 2, dtype=np.float32)[1:-1]
        start = end - shared
        whole[start:end] *= 1 - ramp
        whole[start:end] += ramp * piece[:shared]
        rest = piece[shared : samples - start]
        whole[end : end + len(rest)] = rest
        end += len(rest)
        if end >= samples:
            break
    return whole


class PackMaterial:
    """The recordings of one split of a training pack.

    Every stretch of speech is drawn equally often, as is every noise source, for variety of noise
    matters more than its length. Speech too noisy for a target is only heard in murmurs.

    Args:
        path: of the pack.
        split: "train", "val" or "test".

    Raises:
        UserError: if the pack cannot be read or the split has no voice or no noise.
    """

    def __init__(self, path: Path, split: str) -> None:
        self._pack = Pack(path)
        self.sample_rate = self._pack.sample_rate
        self._fade = round(_FADE_SECONDS * self.sample_rate)
        voices = [e for e in self._pack.voice_entries if e.split == split and e.length]
        self._voices = [entry for entry in voices if not entry.babble]
        self._noisy_voices = [entry for entry in voices if entry.babble]
        self._by_speaker = _by_source(self._voices)
        noises = [e for e in self._pack.noise_entries if e.split == split and e.length]
        self._noises = list(_by_source(noises).values())
        for kind, found in (("voice", self._voices), ("noise", self._noises)):
            if not found:
                raise UserError(
                    f"{path} holds no {kind} of the {split} split; write it with more recordings."
                )
        self._ends = np.cumsum([entry.length for entry in self._voices])

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """See `Material`. At least 40 % of it is speech, or else what came nearest."""
        best, most = ("", np.empty(0, np.float32)), -1.0
        for _ in range(_ATTEMPTS):
            place = rng.integers(self._ends[-1])
            entry = self._voices[int(np.searchsorted(self._ends, place, side="right"))]
            audio = self._speech(entry, rng, samples)
            activity = _activity(audio, entry.level_dbfs, self.sample_rate)
            if activity > most:
                best, most = (entry.source, audio), activity
            if most >= _LEAST_ACTIVITY:
                break
        return best

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """See `Material`. A noise shorter than the stretch is repeated."""
        takes = self._noises[rng.integers(len(self._noises))]
        entry = takes[rng.integers(len(takes))]
        recording = self._pack.noise(entry)
        if entry.length < samples:
            turned = np.roll(_as_float(recording), rng.integers(entry.length))
            return joined(_without_end(turned), samples, self._fade)
        least = 10 ** ((entry.level_dbfs - _SOUND_RANGE_DB) / 20)
        for _ in range(_ATTEMPTS):
            audio = _stretch(recording, rng, samples)
            if _rms(audio) >= least:
                break
        return audio

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """See `Material`."""
        others = [name for name in self._by_speaker if name != speaker]
        places = len(others) + len(self._noisy_voices)
        for place in rng.permutation(places).tolist():
            if place < len(others):
                recordings = self._by_speaker[others[place]]
                entry = recordings[rng.integers(len(recordings))]
            else:
                entry = self._noisy_voices[place - len(others)]
                if entry.source == speaker:
                    continue
            yield self._speech(entry, rng, samples)

    def _speech(self, entry: PackEntry, rng: np.random.Generator, samples: int) -> np.ndarray:
        """Cut a stretch of a recording; a short one is followed by others of its speaker."""
        if entry.length >= samples:
            return _stretch(self._pack.voice(entry), rng, samples)
        same = self._by_speaker.get(entry.source, [entry])

        def pieces() -> Iterator[np.ndarray]:
            following = entry
            while True:
                gain = 10 ** ((entry.level_dbfs - following.level_dbfs) / 20)
                yield _as_float(self._pack.voice(following)) * np.float32(gain)
                following = same[rng.integers(len(same))]

        return joined(pieces(), samples, self._fade)


class SetMaterial:
    """The recordings of one split of a data set, whose voices and noises are mixed anew.

    Which speaker is which is not known here: a murmur may hold the voice's own speaker.

    Args:
        folder: of the data set.
        split: "train", "val" or "test".

    Raises:
        UserError: if there are no recordings, or they cannot be used.
    """

    def __init__(self, folder: Path, split: str) -> None:
        from waveform_unet_lru.dataset import WaveformPairs

        self._pairs = WaveformPairs(folder / split / "audio")
        self.sample_rate = self._pairs.sample_rate
        self._fade = round(_FADE_SECONDS * self.sample_rate)

    def __len__(self) -> int:
        return len(self._pairs)

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """See `Material`; the speaker is the sample's name."""
        place = int(rng.integers(len(self)))
        pair = self._pairs[place]
        return pair["id"], self._cut(pair["voice"].numpy(), rng, samples)

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """See `Material`."""
        pair = self._pairs[int(rng.integers(len(self)))]
        # The mixtures are sums of integers, so that the difference is exactly the noise.
        return self._cut((pair["noisy"] - pair["voice"]).numpy(), rng, samples)

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """See `Material`."""
        for place in rng.permutation(len(self)).tolist():
            pair = self._pairs[place]
            if pair["id"] != speaker:
                yield self._cut(pair["voice"].numpy(), rng, samples)

    def _cut(self, recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
        if len(recording) < samples:
            return joined(_without_end(recording), samples, self._fade)
        start = int(rng.integers(len(recording) - samples + 1))
        return recording[start : start + samples]


def _by_source(entries: Sequence[PackEntry]) -> dict[str, list[PackEntry]]:
    found: dict[str, list[PackEntry]] = defaultdict(list)
    for entry in entries:
        found[entry.source].append(entry)
    return dict(found)


def _stretch(recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
    start = int(rng.integers(len(recording) - samples + 1))
    return _as_float(recording[start : start + samples])


def _without_end(recording: np.ndarray) -> Iterator[np.ndarray]:
    while True:
        yield recording


def _as_float(recording: np.ndarray) -> np.ndarray:
    return recording.astype(np.float32) / np.float32(_FULL_SCALE)


def _activity(audio: np.ndarray, level_dbfs: float, sample_rate: int) -> float:
    """Return the share of frames that hold speech."""
    length = round(_FRAME_SECONDS * sample_rate)
    frames = audio[: len(audio) // length * length].reshape(-1, length)
    power = np.einsum("ij,ij->i", frames, frames) / length
    return float(np.mean(power > 10 ** ((level_dbfs - _SPEECH_RANGE_DB) / 10)))


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(audio @ audio / len(audio)))


def _levelled(audio: np.ndarray) -> np.ndarray:
    """Bring a stretch to an RMS of 1; silence stays."""
    rms = _rms(audio)
    return audio / np.float32(rms) if rms > 0 else audio

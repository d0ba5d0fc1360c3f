"""Stretches of speech and of noise for mixtures, out of a training pack or a data set."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from prepare_data.errors import UserError
from prepare_data.pack import Pack, PackEntry
from prepare_data.speech_level import active_speech_level
from waveform_unet_lru.live.pauses import (
    cut_across,
    frame_power,
    span_length,
    spans_without_pauses,
)

FADE_SECONDS = 0.01
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


def stretch_of_noise(
    recording: np.ndarray,
    rng: np.random.Generator,
    samples: int,
    *,
    loudest_dbfs: float,
    fade: int,
) -> np.ndarray:
    """Draw a stretch of a noise that is not a gap between its sounds; a short noise is repeated.

    Args:
        recording: int16 of one sample or more.
        rng: of the place.
        samples: wanted.
        loudest_dbfs: level of the recording's loudest frame.
        fade: samples that are shared where the noise is repeated.

    Returns:
        float32 of shape (samples,).
    """
    if len(recording) < samples:
        turned = np.roll(_as_float(recording), rng.integers(len(recording)))
        return joined(_without_end(turned), samples, fade)
    least = 10 ** ((loudest_dbfs - _SOUND_RANGE_DB) / 20)
    for _ in range(_ATTEMPTS):
        audio = _stretch(recording, rng, samples)
        if _rms(audio) >= least:
            break
    return audio


class PackMaterial:
    """The recordings of one split of a training pack.

    Every stretch of speech is drawn equally often, as is every noise source, for variety of noise
    matters more than its length. Speech too noisy for a target is only heard in murmurs.

    Args:
        path: of the pack.
        split: "train", "val" or "test".
        longest_pause: of the speech, in seconds; what a pause has beyond is left out.

    Raises:
        UserError: if the pack cannot be read or the split has no voice or no noise.
    """

    def __init__(self, path: Path, split: str, *, longest_pause: float = math.inf) -> None:
        self._pack = Pack(path)
        self._longest_pause = longest_pause
        self._spans: dict[int, np.ndarray] = {}  # found when a recording is first drawn
        self.sample_rate = self._pack.sample_rate
        self._fade = round(FADE_SECONDS * self.sample_rate)
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
            entry = self._drawn_voice(rng)
            audio = self._speech(entry, rng, samples)
            activity = _activity(audio, entry.level_dbfs, self.sample_rate)
            if activity > most:
                best, most = (entry.source, audio), activity
            if most >= _LEAST_ACTIVITY:
                break
        return best

    def _drawn_voice(self, rng: np.random.Generator) -> PackEntry:
        """Draw a recording, the more often the more is kept of it."""
        while True:
            place = rng.integers(self._ends[-1])
            number = int(np.searchsorted(self._ends, place, side="right"))
            entry = self._voices[number]
            # Of a recording of which half is kept, half of the places are no places: to know all
            # that is kept before the first draw, the whole pack would have to be read.
            if self._ends[number] - place <= span_length(self._kept(entry)):
                return entry

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """See `Material`. A noise shorter than the stretch is repeated."""
        takes = self._noises[rng.integers(len(self._noises))]
        entry = takes[rng.integers(len(takes))]
        return stretch_of_noise(
            self._pack.noise(entry), rng, samples, loudest_dbfs=entry.level_dbfs, fade=self._fade
        )

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
        spans = self._kept(entry)
        length = span_length(spans)
        if length >= samples:
            start = int(rng.integers(length - samples + 1))
            return self._cut(entry, start, samples)
        same = self._by_speaker.get(entry.source, [entry])

        def pieces() -> Iterator[np.ndarray]:
            following = entry
            while True:
                gain = 10 ** ((entry.level_dbfs - following.level_dbfs) / 20)
                whole = self._cut(following, 0, span_length(self._kept(following)))
                yield whole * np.float32(gain)
                following = same[rng.integers(len(same))]

        return joined(pieces(), samples, self._fade)

    def _cut(self, entry: PackEntry, start: int, samples: int) -> np.ndarray:
        recording, spans = self._pack.voice(entry), self._kept(entry)
        return _as_float(cut_across(recording, spans, start, samples, fade=self._fade))

    def _kept(self, entry: PackEntry) -> np.ndarray:
        """Return the spans of a recording that are not too long a pause."""
        if entry.start not in self._spans:
            self._spans[entry.start] = spans_without_pauses(
                self._pack.voice(entry),
                level_dbfs=entry.level_dbfs,
                floor_db=math.inf if entry.snr_db is None else entry.snr_db,
                longest=self._longest_pause,
                fade=self._fade,
                sample_rate=self.sample_rate,
            )
        return self._spans[entry.start]


class SetMaterial:
    """The recordings of one split of a data set, whose voices and noises are mixed anew.

    Which speaker is which is not known here: a murmur may hold the voice's own speaker.

    Args:
        folder: of the data set.
        split: "train", "val" or "test".
        longest_pause: of the speech, in seconds; what a pause has beyond is left out.

    Raises:
        UserError: if there are no recordings, or they cannot be used.
    """

    def __init__(self, folder: Path, split: str, *, longest_pause: float = math.inf) -> None:
        from waveform_unet_lru.dataset import WaveformPairs

        self._longest_pause = longest_pause

        self._pairs = WaveformPairs(folder / split / "audio")
        self.sample_rate = self._pairs.sample_rate
        self._fade = round(FADE_SECONDS * self.sample_rate)

    def __len__(self) -> int:
        return len(self._pairs)

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """See `Material`; the speaker is the sample's name."""
        place = int(rng.integers(len(self)))
        pair = self._pairs[place]
        return pair["id"], self._speech(pair["voice"].numpy(), rng, samples)

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
                yield self._speech(pair["voice"].numpy(), rng, samples)

    def _speech(self, recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
        if math.isfinite(self._longest_pause):
            recording = self._without_pauses(recording)
        return self._cut(recording, rng, samples)

    def _without_pauses(self, recording: np.ndarray) -> np.ndarray:
        spans = spans_without_pauses(
            recording,
            level_dbfs=active_speech_level(recording, self.sample_rate)[0],
            floor_db=math.inf,
            longest=self._longest_pause,
            fade=self._fade,
            sample_rate=self.sample_rate,
        )
        return cut_across(recording, spans, 0, span_length(spans), fade=self._fade)

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
    return float(np.mean(frame_power(audio, length) > 10 ** ((level_dbfs - _SPEECH_RANGE_DB) / 10)))


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(audio @ audio / len(audio)))

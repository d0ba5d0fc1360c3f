"""Stretches of speech and of noise for mixtures, out of a training pack."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from prepare_data.errors import UserError
from prepare_data.pack import Pack, PackEntry
from waveform_unet_lru.live.material import (
    ATTEMPTS,
    FADE_SECONDS,
    as_float,
    joined,
    stretch_of_noise,
)
from waveform_unet_lru.live.pauses import (
    cut_across,
    frame_power,
    span_length,
    spans_without_pauses,
)

# A frame of 20 ms holds speech if it is less than this below the recording's speech level; the same
# share of frames must hold speech as in the data sets.
_FRAME_SECONDS = 0.02
_SPEECH_RANGE_DB = 16.0
_LEAST_ACTIVITY = 0.4


class PackMaterial:
    """The recordings of one split of a training pack, or of several together.

    Every stretch of speech is drawn equally often, as is every noise source, for variety of noise
    matters more than its length. Speech too noisy for a target is only heard in murmurs.

    Args:
        path: of the pack.
        split: "train", "val" or "test", or several joined by "+".
        longest_pause: of the speech, in seconds; what a pause has beyond is left out.
        without: names of corpora and of categories of noise that are left out.

    Raises:
        UserError: if the pack cannot be read, has none of a name in `without`, or the split has no
            voice or no noise.
    """

    def __init__(
        self,
        path: Path,
        split: str,
        *,
        longest_pause: float = math.inf,
        without: Sequence[str] = (),
    ) -> None:
        self._pack = Pack(path)
        _check_names(self._pack, without)
        self._longest_pause = longest_pause
        self._spans: dict[int, np.ndarray] = {}  # found when a recording is first drawn
        self.sample_rate = self._pack.sample_rate
        self._fade = round(FADE_SECONDS * self.sample_rate)
        voices = _entries(self._pack.voice_entries, split, without)
        self._voices = [entry for entry in voices if not entry.babble]
        self._noisy_voices = [entry for entry in voices if entry.babble]
        self._by_speaker = _by_source(self._voices)
        noises = _entries(self._pack.noise_entries, split, without)
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
        for _ in range(ATTEMPTS):
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
        return as_float(cut_across(recording, spans, start, samples, fade=self._fade))

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


def _check_names(pack: Pack, without: Sequence[str]) -> None:
    entries = (*pack.voice_entries, *pack.noise_entries)
    known = {name for e in entries for name in (e.corpus, e.category) if name}
    for name in without:
        if name not in known:
            raise UserError(
                f"{pack.path} has no corpus and no category named {name}; it has "
                f"{', '.join(sorted(known))}."
            )


def _entries(entries: Sequence[PackEntry], split: str, without: Sequence[str]) -> list[PackEntry]:
    splits = split.split("+")
    mine = [entry for entry in entries if entry.split in splits and entry.length]
    return [e for e in mine if e.corpus not in without and e.category not in without]


def _by_source(entries: Sequence[PackEntry]) -> dict[str, list[PackEntry]]:
    found: dict[str, list[PackEntry]] = defaultdict(list)
    for entry in entries:
        found[entry.source].append(entry)
    return dict(found)


def _activity(audio: np.ndarray, level_dbfs: float, sample_rate: int) -> float:
    """Return the share of frames that hold speech."""
    length = round(_FRAME_SECONDS * sample_rate)
    return float(np.mean(frame_power(audio, length) > 10 ** ((level_dbfs - _SPEECH_RANGE_DB) / 10)))

"""Decide what every sample is made of, before anything is rendered.

`plan[i]` depends on the corpora, the settings, the seed and i, and on nothing else: a thousand
samples are the beginning of two thousand, and training that mixes as it goes simply counts on.

Each split draws its voices in proportion to their seconds of speech, so that every stretch of
speech is used about equally often, by walking through seeded permutations of the sources. A voice
meets every noise source of its split before it meets one again; noise sources come up equally
often, because variety of noise matters more than its length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np

from prepare_data.collection import Collection, Usable
from prepare_data.errors import UserError
from prepare_data.measure import Levels, find_sound, find_speech
from prepare_data.random_numbers import generator
from prepare_data.rendering import Line
from prepare_data.rooms_planned import RoomPlan
from prepare_data.settings import SPLITS, Settings
from prepare_data.voices import (
    Piece,
    SpeechMap,
    draw_phrases,
    draw_stretch,
    map_speech,
    segment_frames,
)

_ATTEMPTS = 40
_KEPT_FRAMES = 500_000  # level frames, 1.4 hours
_SECOND_NOISE_DB = 6.0  # further noises lie within this of the first


class Plan(Sequence[Line]):
    """The samples of a data set, planned one by one when they are asked for.

    `len(plan)` is the number of samples asked for; `plan[i]` answers past it as well.
    """

    def __init__(self, collection: Collection, settings: Settings) -> None:
        self.settings = settings
        self._pattern = settings.split_pattern
        self._ranks = _ranks(self._pattern)
        self._splits = {
            name: _SplitPlan(name, collection, settings)
            for index, name in enumerate(SPLITS)
            if index in self._pattern
        }
        _require_sources(self._splits)

    def __len__(self) -> int:
        return self.settings.total_samples

    def __iter__(self) -> Iterator[Line]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        """Return the line of a sample; any index from 0 on has one.

        Raises:
            UserError: if a recording was changed since it was measured.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            raise IndexError("samples count from 0")
        period, place = divmod(index, len(self._pattern))
        split = self._pattern[place]
        in_period = self._ranks[-1][split]
        line = self.sample(SPLITS[split], period * in_period + self._ranks[place][split])
        return {"id": f"{index:06d}", **line}

    def split_of(self, index: int) -> str:
        """Return the split of a sample."""
        return SPLITS[self._pattern[index % len(self._pattern)]]

    def sample(self, split: str, index: int) -> Line:
        """Return the `index`-th sample of a split, without an id."""
        return self._splits[split].line(index)


class _SplitPlan:
    """The samples of one split."""

    def __init__(self, name: str, collection: Collection, settings: Settings) -> None:
        self.name = name
        self._collection = collection
        self._settings = settings
        self._seconds = settings.segment_samples / settings.sample_rate
        self.voices = _by_source(collection, name, collection.voices)
        self.noises = _by_source(collection, name, collection.noises)
        if not self.voices or not self.noises:
            return
        self._voice_names = sorted(self.voices)
        rng = generator(settings.seed, name, "noise order")
        self._noise_names = [sorted(self.noises)[i] for i in rng.permutation(len(self.noises))]
        slots = [
            max(1, math.ceil(sum(u.useful_seconds for u in self.voices[v]) / self._seconds))
            for v in self._voice_names
        ]
        self._slots = np.repeat(np.arange(len(slots)), slots)
        self._uses_per_epoch = np.asarray(slots)
        # Each voice begins its walk through the noises elsewhere, spread over all of them.
        spread = max(len(self._slots), len(self._noise_names))
        before = np.concatenate([[0], np.cumsum(slots)[:-1]])
        self._noise_offset = before * spread // len(self._slots)
        self._maps = _SpeechMaps(collection, settings)
        self._rooms = RoomPlan(name, collection.responses, settings)
        self._order = lru_cache(maxsize=4)(self._epoch_order)
        self._turns = lru_cache(maxsize=1024)(self._recording_turns)

    def line(self, index: int) -> Line:
        """Plan one sample."""
        voice, use = self._voice_of(index)
        noise_turn = int(self._noise_offset[voice]) + use
        rng = generator(self._settings.seed, self.name, "sample", index)
        lap, place = divmod(noise_turn, len(self._noise_names))
        voices, activity = self._draw_voice(self._voice_names[voice], use, rng)
        noises = self._draw_noises(place, lap, rng)
        line: Line = {"split": self.name}
        if self._settings.noise_level is not None:
            line["noise_level"] = round(float(rng.uniform(*self._settings.noise_level)), 4)
        else:
            line["snr_db"] = self._snr_db(index, rng)
            line["target_level_dbfs"] = round(float(rng.uniform(*self._settings.level_dbfs)), 2)
        line |= {"speech_share": round(activity, 3), "voice": voices, "noises": noises}
        room = self._rooms.room(index)
        return line if room is None else line | {"room": room}

    def _epoch_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which source each turn of an epoch takes, and how often it came up before."""
        rng = generator(self._settings.seed, self.name, "voice order", epoch)
        order = self._slots[rng.permutation(len(self._slots))]
        rank = np.empty(len(order), dtype=np.int64)
        by_source = np.argsort(order, kind="stable")
        starts = np.cumsum(self._uses_per_epoch) - self._uses_per_epoch
        rank[by_source] = np.arange(len(order)) - np.repeat(starts, self._uses_per_epoch)
        return order, rank

    def _voice_of(self, index: int) -> tuple[int, int]:
        """Return the voice source of a sample and how many samples of it came before."""
        epoch, place = divmod(index, len(self._slots))
        order, rank = self._order(epoch)
        voice = int(order[place])
        return voice, epoch * int(self._uses_per_epoch[voice]) + int(rank[place])

    def _recording_turns(self, source: str) -> np.ndarray:
        """Return the order in which a source's recordings are used, long ones more often."""
        slots = [max(1, math.ceil(u.useful_seconds / self._seconds)) for u in self.voices[source]]
        rng = generator(self._settings.seed, self.name, "recordings", source)
        return np.repeat(np.arange(len(slots)), slots)[rng.permutation(sum(slots))]

    def _draw_voice(
        self, source: str, use: int, rng: np.random.Generator
    ) -> tuple[list[Line], float]:
        """Return the pieces of the voice and the share of it that is speech."""
        turns = self._turns(source)
        # The shift lets a recording meet all noises even where both counts share a factor.
        shift = use // math.lcm(len(turns), len(self._noise_names))
        for attempt in range(_ATTEMPTS):
            order = self._from_turn(source, turns, use + shift + attempt)
            drawn = self._draw_once(order, rng)
            activity = sum(piece.active_seconds for _, piece in drawn) / self._seconds
            if activity >= self._settings.min_activity:
                return _voice_entries(self._collection, drawn), activity
        raise UserError(
            f"no segment of {source} holds speech in {self._settings.min_activity:.0%} of its "
            "frames; lower --min-activity."
        )

    def _from_turn(self, source: str, turns: np.ndarray, first: int) -> Iterator[Usable]:
        """Yield a source's recordings in turn, without end, each once a round."""
        recordings = self.voices[source]
        rounds = (turns[(first + step) % len(turns)] for step in count())
        previous = -1
        for turn in rounds:
            if turn != previous or len(recordings) == 1:
                previous = int(turn)
                yield recordings[turn]

    def _draw_once(
        self, order: Iterator[Usable], rng: np.random.Generator
    ) -> list[tuple[Usable, Piece]]:
        first = next(order)
        stretch = draw_stretch(self._maps[first], self._settings, rng)
        if stretch is not None:
            return [(first, stretch)]
        taken: list[Usable] = []

        def loaders() -> Iterator[Callable[[], SpeechMap]]:
            usable = first
            while True:
                taken.append(usable)
                yield lambda usable=usable: self._maps[usable]  # type: ignore[misc]
                usable = next(order)

        pieces = draw_phrases(loaders(), self._settings, rng)
        return [(taken[turn], piece) for turn, piece in pieces]

    def _draw_noises(self, place: int, lap: int, rng: np.random.Generator) -> list[Line]:
        """Return the noises: the one whose turn it is, and perhaps others by chance."""
        fewest, most = self._settings.noises_per_sample
        wanted = min(int(rng.integers(fewest, most + 1)), len(self._noise_names))
        others = [i for i in range(len(self._noise_names)) if i != place]
        places = [place, *rng.permutation(others)[: wanted - 1].tolist()]
        entries = []
        for position, chosen in enumerate(places):
            takes = self.noises[self._noise_names[chosen]]
            take = takes[lap % len(takes)] if position == 0 else takes[rng.integers(len(takes))]
            gain = float(rng.uniform(-_SECOND_NOISE_DB, _SECOND_NOISE_DB)) if position else 0.0
            entries.append(self._noise_entry(take, round(gain, 2), rng))
        return entries

    def _noise_entry(self, usable: Usable, gain_db: float, rng: np.random.Generator) -> Line:
        """Draw a stretch of sound; one shorter than the segment is taken whole and repeated."""
        levels = self._collection.levels(usable)
        first, end, heard = _draw_sound(levels, rng)
        length = levels.frame_length
        start, stop = first * length, min(end * length, levels.frames)
        frames = min(stop - start, segment_frames(levels.sample_rate, self._settings))
        # The stretch may hold pauses longer than a short segment: the frame drawn is in it.
        earliest = max(start, (heard + 1) * length - frames)
        latest = min(heard * length, stop - frames)
        start = int(rng.integers(min(earliest, latest), latest + 1))
        entry = _entry(self._collection, usable, start, frames, gain_db)
        entry["category"] = usable.recording.category
        repeated = frames < segment_frames(levels.sample_rate, self._settings)
        entry["rotation"] = round(float(rng.random()), 4) if repeated else 0.0
        return entry

    def _snr_db(self, index: int, rng: np.random.Generator) -> float:
        """Train draws from a range; val and test from a grid, in equal numbers."""
        drawn = round(float(rng.uniform(*self._settings.snr_db)), 2)
        if self.name == SPLITS[0]:
            return drawn
        grid = self._settings.eval_snr_db
        block, place = divmod(index, len(grid))
        order = generator(self._settings.seed, self.name, "snr", block).permutation(len(grid))
        return float(grid[order[place]])


class _SpeechMaps:
    """Where recordings hold speech, the last used ones kept up to a total length."""

    def __init__(self, collection: Collection, settings: Settings) -> None:
        self._collection = collection
        self._settings = settings
        self._kept: dict[Usable, SpeechMap] = {}
        self._frames = 0

    def __getitem__(self, usable: Usable) -> SpeechMap:
        found = self._kept.pop(usable, None)
        if found is None:
            levels = self._collection.levels(usable)
            found = map_speech(levels, find_speech(levels), self._settings)
            self._frames += len(found.active)
        self._kept[usable] = found  # the last in the order is the last used
        while self._frames > _KEPT_FRAMES and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            self._frames -= len(self._kept.pop(oldest).active)
        return found


def _ranks(pattern: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return how many samples of each split come before each place of the pattern, and in all."""
    counts = [0] * len(SPLITS)
    ranks = [tuple(counts)]
    for split in pattern:
        counts[split] += 1
        ranks.append(tuple(counts))
    return ranks


def _draw_sound(levels: Levels, rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a level frame of a noise that is not silent; return its stretch (first, end) and it."""
    stretches = find_sound(levels)
    heard = np.concatenate([a + np.flatnonzero(levels.codes[a:b]) for a, b in stretches])
    frame = int(rng.choice(heard))
    first, end = next((a, b) for a, b in stretches if a <= frame < b)
    return first, end, frame


def _by_source(
    collection: Collection, split: str, usables: list[Usable]
) -> dict[str, list[Usable]]:
    found: dict[str, list[Usable]] = {}
    for usable in usables:
        if usable.split == split:
            found.setdefault(collection.source(usable), []).append(usable)
    return found


def _require_sources(splits: dict[str, _SplitPlan]) -> None:
    """Say which split lacks sources, and how many there must be."""
    for name, split in splits.items():
        for kind, sources in (("speech", split.voices), ("noise", split.noises)):
            if sources:
                continue
            have = sum(
                len(getattr(s, "voices" if kind == "speech" else "noises")) for s in splits.values()
            )
            raise UserError(
                f"no {kind} source is left for {name}: {len(splits)} splits need at least "
                f"{len(splits)} usable sources in one corpus of --{kind}, and a source belongs to "
                f"one split only ({have} usable in all). Give more recordings, another --split, "
                f"or --samples with 0 for {name}."
            )


def _voice_entries(collection: Collection, drawn: list[tuple[Usable, Piece]]) -> list[Line]:
    """Write pieces as manifest entries, recordings brought to the first one's speech level."""
    reference = drawn[0][0].level_dbfs
    return [
        _entry(
            collection,
            usable,
            piece.start_frame,
            piece.frames,
            round(reference - usable.level_dbfs, 2),
        )
        for usable, piece in drawn
    ]


def _entry(
    collection: Collection, usable: Usable, start_frame: int, frames: int, gain_db: float
) -> Line:
    return {
        "root": usable.root,
        "path": usable.recording.path,
        "source": collection.source(usable),
        "start_frame": start_frame,
        "frames": frames,
        "gain_db": gain_db,
    }

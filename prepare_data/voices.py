"""Choose what a voice segment is cut from: one stretch, or short utterances joined together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from prepare_data.measure import FRAMES_PER_SECOND, Levels, Speech, runs
from prepare_data.settings import Settings

JOINT_FADE_SECONDS = 0.01
LEAST_SPEECH_SECONDS = 0.3
_LONGEST_INNER_PAUSE = 50  # level frames; a longer pause ends a phrase
_EDGE_PAUSE = 15  # level frames of its own pause that a phrase keeps on either side
_LEAST_PAUSE = 8  # level frames; a shorter hole in the speech is no pause


@dataclass(frozen=True)
class Piece:
    """A stretch of a recording, in samples at its own rate, and how much of it is speech."""

    start_frame: int
    frames: int
    active_seconds: float


@dataclass(frozen=True)
class SpeechMap:
    """Where a recording can be cut for segments of a given length.

    Attributes:
        levels: of the recording.
        active: which level frames hold speech.
        starts: level frames at which a whole segment with enough speech can begin.
        phrases: (first, end) level frames of speech without a pause of more than half a second,
            dense enough for a segment.
    """

    levels: Levels
    active: np.ndarray
    starts: np.ndarray
    phrases: list[tuple[int, int]]


def map_speech(levels: Levels, speech: Speech, settings: Settings) -> SpeechMap:
    """Find the segments and phrases of a recording."""
    starts = _segment_starts(levels, speech.active, settings)
    phrases = _phrases(speech.active, settings.min_activity)
    return SpeechMap(levels, speech.active, starts, phrases)


def why_no_speech(levels: Levels, speech: Speech, settings: Settings) -> str | None:
    """Return why no segment can be cut from a recording, or None."""
    if speech.active_seconds < LEAST_SPEECH_SECONDS:
        return f"holds only {speech.active_seconds:.2f} s of speech"
    found = map_speech(levels, speech, settings)
    if not len(found.starts) and not found.phrases:
        return (
            f"no segment of it holds speech in {settings.min_activity:.0%} of its frames "
            "(--min-activity)"
        )
    return None


def densest_phrase(active: np.ndarray) -> float:
    """Return the share of speech in the phrase that holds most, 0 where there is none."""
    return max((float(active[a:b].mean()) for a, b in _all_phrases(active)), default=0.0)


def draw_stretch(found: SpeechMap, settings: Settings, rng: np.random.Generator) -> Piece | None:
    """Draw one stretch as long as the segment, or None where the recording has none."""
    if not len(found.starts):
        return None
    first = int(rng.choice(found.starts))
    frames = segment_frames(found.levels.sample_rate, settings)
    return _piece(found, first * found.levels.frame_length, frames)


def draw_phrases(
    recordings: Iterator[Callable[[], SpeechMap]], settings: Settings, rng: np.random.Generator
) -> list[tuple[int, Piece]]:
    """Join phrases of one speaker until the segment is full.

    Args:
        recordings: the speaker's recordings, one after the other, without end.
        settings: of the data set.
        rng: decides at which phrase of the first recording the segment begins.

    Returns:
        (turn, piece) pairs, where `turn` counts the recordings taken from the iterator. Between
        phrases lie pauses of the recording itself: those at the phrase's edges or, where it was
        cut tightly, one from within it.
    """
    pieces: list[tuple[int, Piece]] = []
    fade = round(JOINT_FADE_SECONDS * settings.sample_rate)
    missing = settings.segment_samples
    for turn, load in enumerate(recordings):
        found = load()
        first = int(rng.integers(len(found.phrases))) if turn == 0 else 0
        for phrase in found.phrases[first:]:
            for piece in _phrase_with_pause(found, phrase, settings.min_activity):
                piece, samples = _fit(found, piece, missing, settings)
                pieces.append((turn, piece))
                missing -= samples - fade
                if missing <= fade:
                    return pieces
    raise AssertionError("the recordings of a speaker are repeated without end")


def segment_frames(sample_rate: int, settings: Settings) -> int:
    """Return how many samples of a recording a segment takes at the recording's own rate."""
    return math.ceil(settings.segment_samples * sample_rate / settings.sample_rate)


def resampled_length(frames: int, sample_rate: int, settings: Settings) -> int:
    """Return how many samples of the data set's rate a stretch gives."""
    return frames * settings.sample_rate // sample_rate


def _segment_starts(levels: Levels, active: np.ndarray, settings: Settings) -> np.ndarray:
    samples = segment_frames(levels.sample_rate, settings)
    last = (levels.frames - samples) // levels.frame_length
    if last < 0:
        return np.empty(0, dtype=np.int64)
    width = min(len(active), math.ceil(samples / levels.frame_length))
    counts = np.concatenate([[0], np.cumsum(active)])
    speech = counts[width:] - counts[:-width]
    starts = np.flatnonzero(speech >= max(1, settings.min_activity * width))
    return starts[starts <= last].astype(np.int32)


def _phrases(active: np.ndarray, min_activity: float) -> list[tuple[int, int]]:
    """Return the phrases that are dense enough."""
    return [(a, b) for a, b in _all_phrases(active) if active[a:b].mean() >= min_activity]


def _all_phrases(active: np.ndarray) -> list[tuple[int, int]]:
    """Join runs of speech whose gaps are short."""
    phrases: list[tuple[int, int]] = []
    for first, end in runs(active):
        if phrases and first - phrases[-1][1] <= _LONGEST_INNER_PAUSE:
            phrases[-1] = (phrases[-1][0], end)
        else:
            phrases.append((first, end))
    return phrases


def _phrase_with_pause(
    found: SpeechMap, phrase: tuple[int, int], min_activity: float
) -> list[Piece]:
    """Return a phrase with its own pauses around it, and a pause more where it has too little.

    Pauses are no longer than the phrase's share of speech allows.
    """
    first, end = phrase
    speech = int(found.active[first:end].sum())
    wanted = 2 * _EDGE_PAUSE
    if min_activity > 0:
        wanted = min(wanted, int(speech / min_activity) - (end - first))
    lead = min(wanted // 2, first)
    tail = min(wanted - wanted // 2, len(found.active) - end)
    pieces = [_level_piece(found, first - lead, end + tail)]
    lacking = wanted - lead - tail
    pauses = [p for p in runs(~found.active) if p[1] - p[0] >= _LEAST_PAUSE]
    if lacking >= _LEAST_PAUSE and pauses:
        longest = max(pauses, key=lambda p: p[1] - p[0])
        middle, half = sum(longest) // 2, min(lacking, longest[1] - longest[0]) // 2
        pieces.append(_level_piece(found, middle - half, middle + half))
    return pieces


def _level_piece(found: SpeechMap, first: int, end: int) -> Piece:
    length = found.levels.frame_length
    return _piece(found, first * length, (end - first) * length)


def _piece(found: SpeechMap, start_frame: int, frames: int) -> Piece:
    frames = min(frames, found.levels.frames - start_frame)
    length = found.levels.frame_length
    active = found.active[start_frame // length : math.ceil((start_frame + frames) / length)]
    return Piece(start_frame, frames, int(active.sum()) / FRAMES_PER_SECOND)


def _fit(found: SpeechMap, piece: Piece, missing: int, settings: Settings) -> tuple[Piece, int]:
    """Shorten a piece to what the segment still lacks, and return it with its length there."""
    rate = found.levels.sample_rate
    wanted = math.ceil(missing * rate / settings.sample_rate)
    if piece.frames > wanted:
        piece = _densest(found, piece, wanted)
    return piece, resampled_length(piece.frames, rate, settings)


def _densest(found: SpeechMap, piece: Piece, frames: int) -> Piece:
    """Return the part of a piece that holds most speech, the first of several."""
    step = found.levels.frame_length
    starts = range(piece.start_frame, piece.start_frame + piece.frames - frames + 1, step)
    return max((_piece(found, start, frames) for start in starts), key=lambda p: p.active_seconds)

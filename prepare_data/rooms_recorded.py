"""Recorded room responses: found in folders, judged, split, and read for rendering."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from prepare_data.audio_io import read_blocks
from prepare_data.corpus import Corpus, Recording
from prepare_data.errors import AudioError, UserError
from prepare_data.rooms import split_response
from prepare_data.scan import Folder, Scanner
from prepare_data.settings import SPLITS, Settings
from prepare_data.splits import split_sources

_LONGEST_SECONDS = 10.0
_FAINTEST_PEAK = 1e-5
_LEAST_DECAY_DB = 10.0  # from the first half of a response to the second
_LEAST_ROOMS = 3  # so many folders are taken for a room each


@dataclass(frozen=True)
class RecordedResponse:
    """One channel of a file of responses.

    Attributes:
        root: index of its corpus among all corpora.
        path: in the corpus.
        room: what splits keep together: the folder or the file, after the corpus's name.
        channel: counted from 0.
        split: "train", "val" or "test"; empty where rooms are too few to be split.
    """

    root: int
    path: str
    room: str
    channel: int
    split: str


def find_room_corpora(scanner: Scanner, folders: Sequence[Path]) -> list[Corpus]:
    """Return a corpus for each folder of responses; a source of it is a room.

    Responses of one folder are of one room where there are three folders or more; otherwise each
    file counts as a room.

    Args:
        scanner: one that has not seen these folders.
        folders: of responses.

    Raises:
        UserError: if a folder is missing, or there is no sound in it.
    """
    corpora = []
    for folder in folders:
        top = scanner.scan(folder)
        if top is None:  # named twice
            continue
        corpus = _corpus(top)
        if not corpus.recordings:
            raise UserError(f"no recording found for --rir in {folder}.")
        corpora.append(corpus)
    return corpora


def judge_responses(
    corpora: Sequence[Corpus], settings: Settings, *, first_root: int
) -> tuple[list[RecordedResponse], list[tuple[Path, str]]]:
    """Read every response, and split the rooms.

    Rooms are split as other sources are, by their number of responses. Where they are too few for
    a room in every split, all of them are in all splits.

    Args:
        corpora: as found.
        settings: of the data set.
        first_root: index of the first of these corpora among all.

    Returns:
        The responses that can be used, and (file, reason) of the others.

    Raises:
        UserError: if none can be used.
    """
    usable: list[RecordedResponse] = []
    skipped: list[tuple[Path, str]] = []
    for root, corpus in enumerate(corpora, first_root):
        judged: list[RecordedResponse] = []
        for recording in corpus.recordings:
            good, problems = _judge_file(corpus.root / recording.path)
            skipped += [(corpus.root / recording.path, reason) for reason in problems]
            judged += [
                RecordedResponse(root, recording.path, recording.source, channel, "")
                for channel in good
            ]
        usable += _in_splits(corpus, judged, settings)
    if corpora and not usable:
        where = ", ".join(str(corpus.root) for corpus in corpora)
        raise UserError(
            f"nothing usable is left for --rir in {where} (for instance: {skipped[0][1]})."
        )
    wanted = {SPLITS[index] for index in settings.split_pattern}
    if not wanted <= {response.split for response in usable}:
        usable = [replace(response, split="") for response in usable]
    return usable, skipped


def read_response(path: Path, channel: int, sample_rate: int) -> np.ndarray:
    """Read one channel of a file of responses.

    Args:
        path: of the file.
        channel: counted from 0.
        sample_rate: that is wanted, in hertz.

    Returns:
        Shape (samples,), float32.

    Raises:
        AudioError: if it cannot be read or has no such channel.
    """
    import soxr

    audio, rate = _read(path)
    if channel >= audio.shape[1]:
        raise AudioError(f"has {audio.shape[1]} channels, and channel {channel} is wanted")
    samples = np.ascontiguousarray(audio[:, channel])
    return samples if rate == sample_rate else soxr.resample(samples, rate, sample_rate, "HQ")


def _corpus(top: Folder) -> Corpus:
    paths = [PurePosixPath(file.relative_to(top.path).as_posix()) for file in top.walk()]
    by_folder = len({path.parent for path in paths}) >= _LEAST_ROOMS
    recordings = [
        Recording(str(path), str(path.parent) if by_folder and path.parent.name else str(path))
        for path in sorted(paths, key=str)
    ]
    layout = "room/response" if by_folder else "each file a room"
    return Corpus(top.path, top.path.name, layout, recordings)


def _in_splits(
    corpus: Corpus, judged: list[RecordedResponse], settings: Settings
) -> list[RecordedResponse]:
    counts = Counter(response.room for response in judged)
    split = split_sources(
        corpus,
        {room: float(count) for room, count in counts.items()},
        shares=settings.split,
        seed=settings.seed,
    )
    return [
        replace(response, room=f"{corpus.name}/{response.room}", split=split[response.room])
        for response in judged
    ]


def _judge_file(path: Path) -> tuple[list[int], list[str]]:
    """Return the channels that are responses, and what is wrong with the others or the file."""
    try:
        audio, rate = _read(path)
    except AudioError as error:
        return [], [str(error)]
    reasons = [_why_no_response(channel, rate) for channel in audio.T]
    good = [channel for channel, reason in enumerate(reasons) if reason is None]
    bad = [(channel, reason) for channel, reason in enumerate(reasons) if reason is not None]
    if not good and len(set(reasons)) == 1:
        return [], [str(reasons[0])]
    return good, [f"channel {channel + 1} of {len(reasons)}: {reason}" for channel, reason in bad]


def _why_no_response(samples: np.ndarray, sample_rate: int) -> str | None:
    if not np.isfinite(samples).all():
        return "holds samples that are not numbers (NaN or infinite)"
    if np.abs(samples).max(initial=0) < _FAINTEST_PEAK:
        return "silent throughout"
    response = split_response(samples, sample_rate)
    after = (response.early + response.late)[response.direct :]
    first, second = (float(half @ half) for half in np.array_split(after, 2))
    if second > 0 and 10 * math.log10(first / second) < _LEAST_DECAY_DB:
        return "no response of a room: its sound does not decay"
    return None


def _read(path: Path) -> tuple[np.ndarray, int]:
    """Read a file whole: (frames, channels) and the sample rate."""
    blocks = []
    frames = rate = 0
    for block, rate in read_blocks(path):
        blocks.append(block)
        frames += len(block)
        if frames > _LONGEST_SECONDS * rate:
            raise AudioError(f"no response of a room: longer than {_LONGEST_SECONDS:g} s")
    if not frames:
        raise AudioError("holds no sound")
    return np.concatenate(blocks), rate

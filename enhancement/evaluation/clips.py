"""The clips that systems are measured on: a data set's split, or files in folders."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from enhancement.pairing import paired_files
from prepare_data.audio_io import AUDIO_SUFFIXES, read_blocks, read_info
from prepare_data.dataset import DataSet, Sample
from prepare_data.errors import AudioError, UserError

VOICEBANK_CLIPS = 824
VOICEBANK_RATE = 16_000
_MIXED = "mixed"


@dataclass(frozen=True)
class Clip:
    """A noisy recording and what is known of it.

    Attributes:
        id: its name; the files of the systems are called so.
        noisy: the recording.
        clean: the voice alone; None if that is not known.
        noise: the noise alone; None if that is not known.
        snr_db: input signal-to-noise ratio.
        category: of its noise; "mixed" for noises of several.
        corpus: of its voice.
        speaker: of its voice.
        noises: the sources of its noise.
        seconds: its length; 0 where the file cannot be read.
        sample_rate: in hertz; 0 where the file cannot be read.
    """

    id: str
    noisy: Path
    clean: Path | None
    noise: Path | None = None
    snr_db: float | None = None
    category: str | None = None
    corpus: str | None = None
    speaker: str | None = None
    noises: tuple[str, ...] = ()
    seconds: float = 0.0
    sample_rate: int = 0


@dataclass(frozen=True)
class ClipSet:
    """Clips, and where they are from.

    Attributes:
        kind: "data set", "pairs" of noisy and clean recordings, noisy "recordings" alone, or
            "voicebank".
        path: of the data set, or of the noisy recordings.
        split: of the data set.
        clips: in order.
        rate: that everything is resampled to before it is denoised and measured; None to leave it.
        notes: what a person should know of them, a sentence each.
    """

    kind: str
    path: Path
    split: str | None
    clips: tuple[Clip, ...]
    rate: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def has_clean(self) -> bool:
        """Whether the clean voices are known."""
        return self.clips[0].clean is not None


def clips_of_data_set(path: Path, split: str, limit: int | None = None) -> ClipSet:
    """Return the clips of a split.

    Args:
        path: of the data set.
        split: "train", "val" or "test".
        limit: how many to take; they are spread evenly over each input SNR.

    Raises:
        UserError: if there is no such data set, or nothing in the split.
    """
    data = DataSet(path)
    corpora = data.description.get("corpora", [])
    samples = list(data.samples(split))
    if not samples:
        raise UserError(f"{path} has no samples in {split}.")
    samples = spread(samples, limit, key=lambda sample: sample.line["snr_db"])
    clips = tuple(_measured(_of_sample(sample, corpora)) for sample in samples)
    return ClipSet("data set", path, split, clips)


def clips_of_folders(
    noisy: Path, clean: Path | None, limit: int | None = None, *, voicebank: bool = False
) -> ClipSet:
    """Return the noisy recordings in a folder, with the clean voices of the same names.

    Args:
        noisy: folder of noisy recordings.
        clean: folder of clean voices; None if they are not known.
        limit: how many to take, spread evenly.
        voicebank: whether these are the test recordings of VoiceBank+DEMAND.

    Raises:
        UserError: if a folder is missing or there is nothing in it.
    """
    notes: list[str] = []
    files: list[tuple[Path, Path | None]]
    there = recordings_in(noisy)
    if not there:
        raise UserError(f"{noisy} holds no recordings; those in folders within it do not count.")
    if clean is None:
        files = [(file, None) for file in there.values()]
    else:
        if not there.keys() & recordings_in(clean).keys():
            raise UserError(
                f"no recording in {clean} is called as one in {noisy} is; clean and noisy files "
                "need the same names."
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pairs = paired_files(
                Path(), (str(noisy), str(clean)), suffixes=AUDIO_SUFFIXES, what="recordings"
            )
        notes = [f"{warning.message}." for warning in caught]
        files = [(first, second) for first, second in pairs]
    chosen = spread(files, limit)
    if voicebank and not len(chosen) == len(files) == VOICEBANK_CLIPS:
        notes.append(
            f"{len(chosen)} clips of {noisy} are measured; the test set of VoiceBank+DEMAND has "
            f"{VOICEBANK_CLIPS}, so the figures do not compare with published ones."
        )
    clips = tuple(_measured(Clip(file.stem, file, voice)) for file, voice in chosen)
    kind = "voicebank" if voicebank else "recordings" if clean is None else "pairs"
    rate = VOICEBANK_RATE if voicebank else None
    return ClipSet(kind, noisy, None, clips, rate, tuple(notes))


def recordings_in(folder: Path) -> dict[str, Path]:
    """Return the recordings directly in a folder by name without suffix, hidden ones left out.

    Raises:
        UserError: if there is no such folder, or two recordings in it have the same name.
    """
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "is not there"
        raise UserError(f"{folder} {state}; a folder of recordings is wanted.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith(".") or path.is_dir():
            continue
        if path.stem in found:
            raise UserError(
                f"{folder} has {found[path.stem].name} and {path.name}, and which is meant by "
                f"{path.stem} cannot be told; move one of them away."
            )
        found[path.stem] = path
    return found


def spread(items: Sequence[Any], limit: int | None, key: Any = None) -> list[Any]:
    """Return `limit` of the items, in their order, spread evenly over those sorted by `key`."""
    if limit is None or limit >= len(items):
        return list(items)
    order = list(range(len(items)))
    if key is not None:
        order.sort(key=lambda index: key(items[index]))
    places = [(2 * step + 1) * len(items) // (2 * limit) for step in range(limit)]
    return [items[index] for index in sorted(order[place] for place in places)]


def _of_sample(sample: Sample, corpora: Sequence[dict[str, Any]]) -> Clip:
    line = sample.line
    voice, noises = line["voice"][0], line["noises"]
    categories = sorted({noise["category"] for noise in noises if noise.get("category")})
    root = voice.get("root")
    return Clip(
        id=sample.id,
        noisy=sample.audio_path("noisy_voice"),
        clean=sample.audio_path("voice"),
        noise=sample.audio_path("noise"),
        snr_db=line["snr_db"],
        category=(categories[0] if len(categories) == 1 else _MIXED) if categories else None,
        corpus=corpora[root]["name"] if root is not None and root < len(corpora) else None,
        speaker=voice["source"],
        noises=tuple(sorted({noise["source"] for noise in noises})),
    )


def _measured(clip: Clip) -> Clip:
    """Add the length and the rate; a file that cannot be read is listed when its turn comes."""
    if re.search(r"[\\/\x00]", clip.id):
        raise UserError(f"{clip.noisy} has a name that no other file can have.")
    try:
        info = read_info(clip.noisy)
        # Containers such as M4A do not tell; decoding to the end does.
        frames = info.frames or sum(len(block) for block, _ in read_blocks(clip.noisy))
    except AudioError:
        return clip
    return replace(clip, seconds=frames / info.sample_rate, sample_rate=info.sample_rate)

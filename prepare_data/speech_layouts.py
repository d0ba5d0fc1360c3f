"""Recognise how a speech corpus is laid out, and so who speaks in each recording.

Each function looks at one folder and returns its corpus, or None where the folder is laid out
otherwise; `find_speech_corpora` tries them from the top down, so that a folder that holds many
corpora is read as what it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from prepare_data.corpus import Corpus, Recording
from prepare_data.errors import UserError
from prepare_data.scan import Folder
from prepare_data.tables import read_table

_MOST = 0.9  # of the names must fit a layout; the rest are strays
_LIBRI_NAME = re.compile(r"(?P<speaker>\d+)[-_](?P<chapter>\d+)[-_]")


def find_speech_corpora(top: Folder, *, speaker_regex: str | None = None) -> list[Corpus]:
    """Return the corpora in a folder and below it.

    Args:
        top: the scanned folder.
        speaker_regex: if given, the whole folder is one corpus, and the first group (or the group
            named `speaker`) of the first match in a recording's relative path is its speaker.

    Raises:
        UserError: if the expression matches no recording.
    """
    if speaker_regex is not None:
        return [_by_regex(top, speaker_regex)]
    corpora = []
    for recognise in (_common_voice, _libri, _speaker_folders):
        if corpus := recognise(top):
            corpora.append(corpus)
            break
    else:
        for folder in top.folders.values():
            corpora += find_speech_corpora(folder)
        if top.files:
            corpora.append(_flat(top))
    return corpora


def _common_voice(folder: Folder) -> Corpus | None:
    """A Common Voice release: clips/ beside validated.tsv, whose client_id is the speaker."""
    clips = folder.folders.get("clips")
    if clips is None or "validated.tsv" not in folder.tables:
        return None
    rows = read_table(folder.path / "validated.tsv", delimiter="\t", quoted=False)
    speakers = {row.get("path"): row["client_id"] for row in rows if row.get("client_id")}
    recordings = []
    for name in clips.files:
        # Older releases leave the suffix out. Clips that were not validated are not used.
        speaker = speakers.get(name) or speakers.get(Path(name).stem)
        if speaker:
            recordings.append(Recording(f"clips/{name}", speaker))
    if not recordings:
        return None
    return _corpus(folder, "Common Voice release", recordings)


def _libri(folder: Folder) -> Corpus | None:
    """LibriSpeech and LibriTTS: speaker/chapter/speaker-chapter-utterance; strays are few."""
    if max(folder.depths, default=0) != 2:
        return None
    named = [
        match is not None and (match["speaker"], match["chapter"]) == (speaker, chapter)
        for speaker, chapters in folder.folders.items()
        for chapter, utterances in chapters.folders.items()
        for match in map(_LIBRI_NAME.match, utterances.files)
    ]
    if sum(named) < _MOST * len(named):
        return None
    recordings = [
        Recording(file.relative_to(folder.path).as_posix(), speaker)
        for speaker, below in folder.folders.items()
        for file in below.walk()
    ]
    recordings += [Recording(name, name) for name in folder.files]
    return _corpus(folder, "speaker/chapter/file", recordings)


def _speaker_folders(folder: Folder) -> Corpus | None:
    """speaker/file; recordings beside the speakers' folders are sources of their own."""
    if folder.depths not in ({1}, {0, 1}):
        return None
    recordings = [
        Recording(f"{speaker}/{name}", speaker)
        for speaker, below in folder.folders.items()
        for name in below.files
    ]
    recordings += [Recording(name, name) for name in folder.files]
    return _corpus(folder, "speaker/file", recordings)


def _flat(folder: Folder) -> Corpus:
    """A folder of recordings of which nothing is known: each is a source of its own."""
    return _corpus(folder, "flat folder", [Recording(name, name) for name in folder.files])


def _by_regex(folder: Folder, expression: str) -> Corpus:
    pattern = re.compile(expression)
    group: int | str = "speaker" if "speaker" in pattern.groupindex else 1
    recordings = []
    matched = 0
    for file in folder.walk():
        path = file.relative_to(folder.path).as_posix()
        match = pattern.search(path)
        speaker = match[group] if match else None
        matched += speaker is not None
        recordings.append(Recording(path, speaker or path))
    if not matched:
        raise UserError(
            f"--speaker-regex {expression!r} finds a speaker in none of the {len(recordings)} "
            f"paths below {folder.path}."
        )
    unmatched = f", {len(recordings) - matched} unmatched" if matched < len(recordings) else ""
    return _corpus(folder, f"--speaker-regex{unmatched}", recordings)


def _corpus(folder: Folder, layout: str, recordings: list[Recording]) -> Corpus:
    return Corpus(folder.path, folder.path.name, layout, sorted(recordings, key=lambda r: r.path))

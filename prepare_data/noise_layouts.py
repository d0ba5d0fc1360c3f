"""Recognise how a noise corpus is laid out: categories, folds, and which clips are one source."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from prepare_data.corpus import Corpus, Recording
from prepare_data.scan import Folder
from prepare_data.tables import read_table

_MOST = 0.9  # of the names must fit a layout; the rest are strays
_ESC_NAME = re.compile(r"(?P<fold>\d+)-(?P<source>\d+)-[A-Z](-\d+)?$")
_CLASS_NUMBER = re.compile(r"^\d+\s*-\s*")
_URBAN_NAME = re.compile(r"(?P<source>\d+)-(?P<label>\d)-\d+-\d+$")
_URBAN_FOLD = re.compile(r"fold(\d+)$")
_CHANNEL_NAME = re.compile(r"ch\d+$")
_URBAN_CATEGORIES = (
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)


def find_noise_corpora(top: Folder) -> list[Corpus]:
    """Return the corpora in a folder and below it."""
    for recognise in (_esc50, _kitchen20, _urban_sound, _class_folders):
        if corpus := recognise(top):
            return [corpus]
    corpora = [corpus for folder in top.folders.values() for corpus in find_noise_corpora(folder)]
    if top.files:
        corpora.append(_flat(top))
    return corpora


def _esc50(folder: Folder) -> Corpus | None:
    """ESC-50's own layout: audio/ beside meta/esc50.csv; clips cut from one file are one source."""
    table = folder.path / "meta" / "esc50.csv"
    audio = folder.folders.get("audio")
    if audio is None or not table.is_file():
        return None
    rows = {row.get("filename"): row for row in read_table(table) if row.get("category")}
    recordings = []
    for name in audio.files:
        row = rows.get(name)
        if row is None:
            recordings.append(_from_name(f"audio/{name}", category="unlisted"))
            continue
        source = row.get("src_file") or name
        recordings.append(
            Recording(f"audio/{name}", source, row["category"], _number(row.get("fold")))
        )
    return _corpus(folder, "ESC-50", recordings)


def _kitchen20(folder: Folder) -> Corpus | None:
    """A table with category, fold and path; the takes of one recording are one source."""
    for name in folder.tables:
        rows = list(read_table(folder.path / name))
        if not rows or not {"category", "fold", "path"} <= set(rows[0]):
            continue
        present = {file.relative_to(folder.path).as_posix() for file in folder.walk()}
        recordings = [
            Recording(
                row["path"],
                row.get("usr_id") or row["path"],
                row["category"],
                _number(row["fold"]),
            )
            for row in rows
            if row["path"] in present
        ]
        if recordings:
            listed = {recording.path for recording in recordings}
            recordings += [Recording(p, p, "unlisted") for p in sorted(present - listed)]
            return _corpus(folder, f"table {name}", recordings)
    return None


def _urban_sound(folder: Folder) -> Corpus | None:
    """UrbanSound8K: fold1/ to fold10/ with freesoundid-class-occurrence-slice names."""
    holder = folder.folders.get("audio", folder)
    if not holder.folders or max(holder.depths) != 1:
        return None
    fits = [
        bool(_URBAN_FOLD.match(fold_name) and _URBAN_NAME.match(PurePosixPath(name).stem))
        for fold_name, fold in holder.folders.items()
        for name in fold.files
    ]
    if sum(fits) < _MOST * len(fits):
        return None
    recordings = []
    for file in folder.walk():
        number = _URBAN_FOLD.match(file.parent.name)
        recording = _from_name(file.relative_to(folder.path).as_posix(), "unlisted")
        recordings.append(replace(recording, fold=int(number[1]) if number else None))
    return _corpus(folder, "UrbanSound8K", recordings)


def _class_folders(folder: Folder) -> Corpus | None:
    """category/file, as in ESC-10, whose names give fold and freesound id."""
    if folder.depths not in ({1}, {0, 1}):
        return None
    recordings = []
    for class_name, below in folder.folders.items():
        category = _CLASS_NUMBER.sub("", class_name)
        # DEMAND keeps the 16 microphones of one recording in a folder of their own.
        one_source = all(_CHANNEL_NAME.match(PurePosixPath(name).stem) for name in below.files)
        for name in below.files:
            path = f"{class_name}/{name}"
            if one_source:
                recordings.append(Recording(path, class_name, category))
            else:
                recordings.append(_from_name(path, category))
    recordings += [_from_name(name, category=folder.path.name) for name in folder.files]
    return _corpus(folder, "category/file", recordings)


def _flat(folder: Folder) -> Corpus:
    """A folder of recordings: one category, named after the folder, each file a source."""
    category = folder.path.name
    recordings = [_from_name(name, category=category) for name in folder.files]
    return _corpus(folder, "flat folder", recordings)


def _from_name(path: str, category: str) -> Recording:
    """Take what ESC's and UrbanSound8K's file names say; of others, each file is its own source."""
    stem = PurePosixPath(path).stem
    if match := _ESC_NAME.match(stem):  # fold-freesoundid-take
        return Recording(path, match["source"], category, int(match["fold"]))
    if match := _URBAN_NAME.match(stem):  # freesoundid-class-occurrence-slice
        return Recording(path, match["source"], _URBAN_CATEGORIES[int(match["label"])])
    return Recording(path, path, category)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _corpus(folder: Folder, layout: str, recordings: list[Recording]) -> Corpus:
    return Corpus(folder.path, folder.path.name, layout, sorted(recordings, key=lambda r: r.path))

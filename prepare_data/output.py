"""The folder of a data set: which files it has, what may stand there already, what is cleared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from prepare_data.collection import Collection
from prepare_data.dataset import DESCRIPTION_NAME, MANIFEST_NAME, read_description
from prepare_data.errors import UserError
from prepare_data.files import explained, remove_partial
from prepare_data.rendering import KINDS
from prepare_data.settings import SPLITS, Settings
from prepare_data.storage import exists, is_remote, lies_in, make_folder, remote_errors_said, remove
from prepare_data.storage_journal import remove_pushed

SKIPPED_NAME = "skipped.csv"
_RELEVANT = ("kind", "layout", "train_only", "fingerprint")  # of a corpus


def sample_files(
    out: Path, split: str, sample_id: str, settings: Settings
) -> dict[tuple[str, str], Path]:
    """Return the paths of a sample's files, by (audio or spectrogram, kind)."""
    forms = {"audio": settings.audio_format}
    if settings.spectrograms:
        forms["spectrogram"] = "png"
    return {
        (form, kind): out / split / form / kind / f"{sample_id}.{suffix}"
        for form, suffix in forms.items()
        for kind in KINDS
    }


def is_complete(out: Path) -> bool:
    """Return whether a folder holds a finished data set."""
    try:
        return bool(read_description(out).get("complete")) and exists(out / MANIFEST_NAME)
    except UserError:
        return False


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name the settings and corpora in which two descriptions differ."""
    found = []
    # What an older data set does not mention was as the defaults are.
    settings_before = Settings().to_json() | before["settings"]
    for key in sorted(settings_before.keys() | now["settings"].keys()):
        was, is_now = settings_before.get(key), now["settings"].get(key)
        if was != is_now:
            found.append(f"{key} was {was} and is {is_now}")
    # By name and not by folder: the same recordings may have moved.
    was, is_now = (
        {c["name"]: [c[key] for key in _RELEVANT] for c in d["corpora"]} for d in (before, now)
    )
    for name in sorted(was.keys() | is_now.keys()):
        if name not in was:
            found.append(f"corpus {name} is new")
        elif name not in is_now:
            found.append(f"corpus {name} is missing")
        elif was[name] != is_now[name]:
            found.append(f"corpus {name} has changed")
    return found


def identity(description: dict[str, Any]) -> str:
    """Return what two descriptions have in common that `differences` finds the same."""
    corpora = sorted([c["name"], *(c[key] for key in _RELEVANT)] for c in description["corpora"])
    return json.dumps([description["settings"], corpora], sort_keys=True)


def refuse_corpus_folder(collection: Collection, out: Path) -> None:
    """Keep the data set out of the recordings.

    Raises:
        UserError: if the data set's folder is a corpus.
    """
    for corpus in collection.corpora:
        if lies_in(out, corpus.root) and lies_in(corpus.root, out):
            raise UserError(f"--out {out} is the folder of the recordings; choose another.")


def make_room(out: Path, description: dict[str, Any], overwrite: bool) -> None:
    """Refuse or remove what stands in the way.

    Raises:
        UserError: if the folder holds another data set, or something else.
    """
    if exists(out / DESCRIPTION_NAME):
        earlier = read_description(out)  # another program's is refused, whatever the options say
        found = differences(earlier, description)
        if found and not overwrite:
            raise UserError(
                f"{out} holds a data set made otherwise ({'; '.join(found)}). Choose another "
                "--out, or replace it with --overwrite."
            )
        if found:
            _remove_data_set(out)
    elif any(exists(out / split) for split in SPLITS):
        raise UserError(
            f"{out} has folders named {', '.join(SPLITS)} but no {DESCRIPTION_NAME}, so they are "
            "not this program's to write into. Choose another --out."
        )


def make_folders(out: Path, settings: Settings, *, clear: bool) -> None:
    """Make the folders of all samples; `clear` removes what a killed run left half written."""
    folders = {
        path.parent for split in SPLITS for path in sample_files(out, split, "0", settings).values()
    }
    with explained(out):
        for folder in folders:
            make_folder(folder)
        for folder in (out, *folders) if clear else ():
            remove_partial(folder)


def _remove_data_set(out: Path) -> None:
    if is_remote(out):
        with explained(out), remote_errors_said([out]):
            for name in (*SPLITS, MANIFEST_NAME, SKIPPED_NAME, DESCRIPTION_NAME):
                remove(out / name)
        remove_pushed(out)
        return
    with explained(out):
        for split in SPLITS:
            shutil.rmtree(out / split, ignore_errors=True)
        for file in [*out.glob("manifest*.jsonl"), out / SKIPPED_NAME, out / DESCRIPTION_NAME]:
            file.unlink(missing_ok=True)

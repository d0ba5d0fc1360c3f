"""The built-in corpora: synthetic speech-like sound and noises, made on the spot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from prepare_data.files import explained
from prepare_data.storage import lies_in

FOLDER_NAME = "demo_corpora"


def demo_corpus(kind: str, out: Path) -> Path:
    """Return the folder of a built-in corpus inside `out`, making it where it is missing.

    Args:
        kind: "speech" or "noise".
        out: the data set's folder; the corpus goes into `out/demo_corpora/<kind>`.

    Raises:
        UserError: if it cannot be written.
    """
    folder = out / FOLDER_NAME / kind
    if folder.exists():
        return folder
    partial = folder.with_name(f".{kind}.partial")
    with explained(folder):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        if kind == "speech":
            from prepare_data.demo_speech import write_demo_speech

            write_demo_speech(partial)
        else:
            from prepare_data.demo_noise import write_demo_noise

            write_demo_noise(partial)
        os.replace(partial, folder)
    return folder


def is_demo_corpus(root: Path, out: Path) -> bool:
    """Return whether a corpus folder is one of the built-in corpora of a data set."""
    return lies_in(root, out / FOLDER_NAME)

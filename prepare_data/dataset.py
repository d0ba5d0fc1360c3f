"""Read a data set that was written by `python -m prepare_data`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prepare_data.errors import UserError
from prepare_data.picture import Scale, read_picture
from prepare_data.settings import FORMAT_VERSION, Settings
from prepare_data.storage import as_path, is_remote

DESCRIPTION_NAME = "dataset.json"
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Sample:
    """One sample of a data set; audio and pictures are read when they are asked for.

    Attributes:
        folder: of the split, absolute or as the data set's path was given.
        line: its line of the manifest.
        audio_format: "wav" or "flac".
    """

    folder: Path
    line: dict[str, Any]
    audio_format: str

    @property
    def id(self) -> str:
        """The sample's name, such as "000000"."""
        return self.line["id"]

    def audio_path(self, kind: str) -> Path:
        """Return the path of the "voice", "noise" or "noisy_voice" audio."""
        return self.folder / "audio" / kind / f"{self.id}.{self.audio_format}"

    def picture_path(self, kind: str) -> Path:
        """Return the path of the "voice", "noise" or "noisy_voice" picture."""
        return self.folder / "spectrogram" / kind / f"{self.id}.png"

    def audio(self, kind: str) -> np.ndarray:
        """Read "voice", "noise" or "noisy_voice" as float32 of shape (samples,), full scale 1."""
        import soundfile

        path = self.audio_path(kind)
        samples, _ = soundfile.read(_content(path), dtype="float32")
        return samples

    def picture(self, kind: str) -> tuple[np.ndarray, Scale]:
        """Read a picture: uint8 of shape (512, 512), and what its greys mean."""
        return read_picture(_content(self.picture_path(kind)))


class DataSet:
    """A data set on disk: `settings`, `description` (dataset.json) and the samples in order."""

    def __init__(self, path: str | Path) -> None:
        """Open a data set.

        Raises:
            UserError: if there is none, it is not complete, or of a format not known here.
        """
        self.path = as_path(path)
        self.description = read_description(self.path)
        if not self.description.get("complete") or not (self.path / MANIFEST_NAME).exists():
            raise UserError(
                f"{self.path} is not complete; run the command that writes it again to go on."
            )
        self.settings = Settings.from_json(self.description["settings"])

    def __len__(self) -> int:
        return int(self.description["counts"]["all"])

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Iterate over the samples of all splits or of one."""
        with (self.path / MANIFEST_NAME).open(encoding="utf-8") as manifest:
            for text in manifest:
                line = json.loads(text)
                if split is None or line["split"] == split:
                    yield Sample(self.path / line["split"], line, self.settings.audio_format)


def _content(path: Path) -> Path | io.BytesIO:
    """Return what decoders read: a path of this machine as it is, of others the file's bytes."""
    return io.BytesIO(path.read_bytes()) if is_remote(path) else path


def read_description(path: Path) -> dict[str, Any]:
    """Read dataset.json.

    Raises:
        UserError: if it is missing, damaged or of another format version.
    """
    file = path / DESCRIPTION_NAME
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        version = description["format_version"]
    except FileNotFoundError as error:
        raise UserError(f"{path} is no data set: it has no {DESCRIPTION_NAME}.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} cannot be read: {error}.") from error
    if version != FORMAT_VERSION:
        raise UserError(
            f"{file} has format version {version}; this program reads {FORMAT_VERSION}."
        )
    return description

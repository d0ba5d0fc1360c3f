"""The data of the published waveform project: recordings in pairs, and a synthetic set of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset
from tqdm import tqdm

from prepare_data.audio_io import read_blocks, to_mono
from prepare_data.collection import collect
from prepare_data.demo import demo_corpus
from prepare_data.errors import AudioError, UserError
from prepare_data.files import explained, remove_partial, write_whole
from prepare_data.measurements import Measurements
from prepare_data.plan import Plan
from prepare_data.rendering import audio_bytes, render
from prepare_data.settings import Settings


class AudioDenoisingDataset(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of noisy and clean recordings: the n-th WAV file of one folder and of the other.

    The files are paired by their place in the sorted order, for their names differ (noisy_001.wav,
    clean_001.wav). An item is (noisy, clean), two float32 tensors of shape (max_length,) with full
    scale at 1. Longer recordings are cropped, both at the same place, which torch's own generator
    draws (`torch.manual_seed` and a `DataLoader` govern it); shorter ones end in zeros. Other
    sample rates are resampled, several channels are averaged.

    Args:
        noisy_dir: folder of noisy recordings, `*.wav`.
        clean_dir: folder of as many clean ones.
        sample_rate: of the items, in hertz.
        max_length: of the items, in samples.

    Attributes:
        noisy_files: sorted.
        clean_files: sorted.

    Raises:
        UserError: if a folder is missing or empty, or one holds more files than the other; for an
            item, if its recordings cannot be read.
    """

    def __init__(
        self,
        noisy_dir: str | os.PathLike[str],
        clean_dir: str | os.PathLike[str],
        sample_rate: int = 16_000,
        max_length: int = 16_000,
    ) -> None:
        self.noisy_files = _recordings(Path(noisy_dir))
        self.clean_files = _recordings(Path(clean_dir))
        if len(self.noisy_files) != len(self.clean_files):
            raise UserError(
                f"{noisy_dir} holds {len(self.noisy_files)} WAV files and {clean_dir} "
                f"{len(self.clean_files)}; each noisy recording needs its clean one."
            )
        self.sample_rate = sample_rate
        self.max_length = max_length

    def __len__(self) -> int:
        return len(self.noisy_files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        noisy, clean = (
            _read(files[index], self.sample_rate) for files in (self.noisy_files, self.clean_files)
        )
        spare = min(len(noisy), len(clean)) - self.max_length
        start = int(torch.randint(spare + 1, ())) if spare > 0 else 0
        return self._cut(noisy, start), self._cut(clean, start)

    def _cut(self, audio: Tensor, start: int) -> Tensor:
        part = audio[start : start + self.max_length]
        return pad(part, (0, self.max_length - len(part)))


def create_synthetic_training_data(
    output_dir: str | os.PathLike[str], num_samples: int = 1000
) -> tuple[str, str]:
    """Write pairs of noisy and clean recordings made of the built-in synthetic sounds.

    Babble of made-up voices with everyday noises, 1 s each at 16 kHz and 16 bits, -5 to 15 dB of
    active speech over noise: `noisy/noisy_0000.wav`, `clean/clean_0000.wav` and so on. Enough to
    try a training with, no substitute for recordings. Every call writes the same bytes, and a
    thousand samples are the beginning of two thousand, so a run that was stopped is called again.

    Args:
        output_dir: made if missing.
        num_samples: how many pairs, 1 or more.

    Returns:
        The folders of the noisy and the clean recordings.

    Raises:
        UserError: if the disk is full, the folder cannot be written, or no pair is asked for.
    """
    settings = _synthetic_settings(num_samples)
    folders = {"noisy_voice": Path(output_dir) / "noisy", "voice": Path(output_dir) / "clean"}
    for folder in folders.values():
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        remove_partial(folder)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        plan, roots = _synthetic_plan(Path(name), settings)
        for index, line in enumerate(tqdm(plan, f"writing to {output_dir}", disable=None)):
            audio = render(line, roots, settings).audio
            for kind, folder in folders.items():
                path = folder / f"{folder.name}_{index:04d}.wav"
                write_whole(path, audio_bytes(audio[kind], settings))
    return str(folders["noisy_voice"]), str(folders["voice"])


def _synthetic_settings(samples: int) -> Settings:
    if samples < 1:
        raise UserError(f"num_samples is {samples}; 1 or more is wanted.")
    return Settings(
        samples=(samples,),
        split=(1.0, 0.0, 0.0),
        sample_rate=16_000,
        seconds=1.0,
        snr_db=(-5.0, 15.0),
        spectrograms=False,
    )


def _synthetic_plan(folder: Path, settings: Settings) -> tuple[Plan, list[Path]]:
    """Make the built-in corpora in a folder and plan what to blend of them."""
    speech, noise = demo_corpus("speech", folder), demo_corpus("noise", folder)
    # Not the user's cache of measurements: the folder is gone when this is done.
    measurements = Measurements(folder / "measurements.sqlite")
    collection = collect([speech], [noise], settings, measurements=measurements, quiet=True)
    return Plan(collection, settings), collection.roots


def _recordings(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not there; a folder of WAV files is wanted.")
    # Other systems leave hidden companions behind that are no sound, such as ._clean_001.wav.
    found = sorted(path for path in folder.glob("*.wav") if not path.name.startswith("."))
    if not found:
        raise UserError(f"{folder} holds no WAV files (*.wav).")
    return found


def _read(path: Path, sample_rate: int) -> Tensor:
    """Read a recording: mono, shape (samples,), at this rate."""
    try:
        blocks = [(to_mono(block), rate) for block, rate in read_blocks(path)]
    except AudioError as error:
        raise UserError(f"{path} {error}.") from error
    if not blocks:
        raise UserError(f"{path} holds no sound.")
    audio, rate = np.concatenate([block for block, _ in blocks]), blocks[0][1]
    if rate != sample_rate:
        audio = soxr.resample(audio, rate, sample_rate, quality="HQ")
    return torch.from_numpy(audio)

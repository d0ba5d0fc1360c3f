"""Recordings in pairs, noisy voice and voice, as the waveform models train on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from enhancement.pairing import paired_files
from prepare_data.audio_io import read_info, read_segment, to_mono
from prepare_data.errors import AudioError, UserError

_KINDS = ("noisy_voice", "voice")
_SUFFIXES = frozenset({".wav", ".flac"})


class WaveformPairs(Dataset[dict[str, Any]]):
    """Pairs of recordings in `folder/noisy_voice` and `folder/voice` that have the same name.

    An item is a dict of "id", the name, and "noisy" and "voice", float32 of shape (samples,) with
    full scale at 1: the same stretch of both, drawn by the seed, the epoch and the index alone, so
    that a resumed run sees what it would have seen. Only the stretch is read.

    Args:
        folder: with `noisy_voice` and `voice`, WAV or FLAC files in each.
        segment_seconds: length of the items; shorter recordings end in zeros. None for whole
            recordings, of their own lengths.
        seed: of the stretches.

    Attributes:
        sample_rate: of all recordings, in hertz.
        segment_samples: length of the items; None for whole recordings.

    Warns:
        UserWarning: that names recordings without a partner; they are left out.

    Raises:
        UserError: if a folder is missing, there is no pair, a recording cannot be read, their
            sample rates differ, or the two of a pair have different lengths.
    """

    def __init__(
        self, folder: str | Path, *, segment_seconds: float | None = None, seed: int = 0
    ) -> None:
        self._pairs = paired_files(
            Path(folder), _KINDS, suffixes=_SUFFIXES, what="WAV or FLAC recordings"
        )
        self.sample_rate, self._frames = _rate_and_frames(self._pairs)
        self.segment_samples = (
            None if segment_seconds is None else max(1, round(segment_seconds * self.sample_rate))
        )
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; its stretches are others."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        frames = self._frames[index]
        wanted = frames if self.segment_samples is None else self.segment_samples
        start = self._start(index, frames - wanted)
        noisy, voice = self._pairs[index]
        return {
            "id": voice.stem,
            "noisy": _stretch(noisy, start, min(wanted, frames), wanted),
            "voice": _stretch(voice, start, min(wanted, frames), wanted),
        }

    def _start(self, index: int, spare: int) -> int:
        if spare <= 0:
            return 0
        generator = np.random.default_rng([self._seed, self._epoch, index])
        return int(generator.integers(spare + 1))


def _rate_and_frames(pairs: list[tuple[Path, Path]]) -> tuple[int, list[int]]:
    """Read what the files say of themselves, before training finds out one by one.

    Returns:
        The sample rate of them all, and the frames of each pair.
    """
    rate, frames = 0, []
    for pair in tqdm(pairs, "reading headers", leave=False, disable=None, delay=2):
        lengths = []
        for path in pair:
            own_rate, length = _header(path)
            rate = rate or own_rate
            if own_rate != rate:
                raise UserError(
                    f"{path} has {own_rate} Hz and {pairs[0][0]} {rate}; all recordings of a data "
                    "set need one sample rate."
                )
            lengths.append(length)
        if lengths[0] != lengths[1]:
            raise UserError(
                f"{pair[0]} has {lengths[0]} samples and {pair[1]} {lengths[1]}; one of them is "
                "damaged, or they do not belong together."
            )
        frames.append(lengths[0])
    return rate, frames


def _header(path: Path) -> tuple[int, int]:
    try:
        info = read_info(path)
    except AudioError as error:
        raise _unusable(path, str(error)) from error
    if not info.frames:
        raise _unusable(path, "holds no sound")
    return info.sample_rate, info.frames


def _stretch(path: Path, start: int, frames: int, wanted: int) -> Tensor:
    """Read so many frames, and fill up with zeros to what is wanted."""
    try:
        audio, _ = read_segment(path, start_frame=start, frames=frames)
    except AudioError as error:
        raise _unusable(path, str(error)) from error
    if len(audio) < frames:
        raise _unusable(path, f"damaged: breaks off after {start + len(audio)} samples")
    padded = np.zeros(wanted, dtype=np.float32)
    padded[:frames] = to_mono(audio)
    return torch.from_numpy(padded)


def _unusable(path: Path, why: str) -> UserError:
    return UserError(f"{path} cannot be used ({why}); write it again or take it out.")

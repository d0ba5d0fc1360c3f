"""Noises out of folders beside those of a pack or a data set, to train for one place or device."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prepare_data.errors import AudioError, UserError
from waveform_unet_lru.live.material import FADE_SECONDS, Material, stretch_of_noise
from waveform_unet_lru.live.pauses import frame_power

OWN_SHARE = 0.7
"""Of the recorded noises; with the others a network does not forget what it knew."""

_FULL_SCALE = 32_767
_FRAME_SECONDS = 0.01
# Of so many sources every fifth is kept for validation, of fewer the last fifth of each recording.
_MANY_SOURCES = 5
_SHORTEST_SECONDS = 0.5


@dataclass(frozen=True)
class Take:
    """A recording of noise.

    Attributes:
        audio: int16 of shape (samples,).
        loudest_dbfs: level of its loudest 10 ms.
    """

    audio: np.ndarray
    loudest_dbfs: float


Sources = list[list[Take]]
"""Recordings by what they are of; where a folder's layout does not tell, each is its own source."""


class WithNoises:
    """Material with other noises among its own; see `Material`.

    Args:
        material: whose speech it is.
        noises: by source.
        share: of the noises that are these.
    """

    def __init__(self, material: Material, noises: Sources, *, share: float) -> None:
        self.sample_rate = material.sample_rate
        self._material = material
        self._noises = noises
        self._share = share
        self._fade = round(FADE_SECONDS * self.sample_rate)

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """See `Material`."""
        return self._material.voice(rng, samples)

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """See `Material`; every source is drawn equally often."""
        if rng.random() >= self._share:
            return self._material.noise(rng, samples)
        takes = self._noises[rng.integers(len(self._noises))]
        take = takes[rng.integers(len(takes))]
        return stretch_of_noise(
            take.audio, rng, samples, loudest_dbfs=take.loudest_dbfs, fade=self._fade
        )

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """See `Material`."""
        return self._material.voices_of_others(rng, samples, speaker=speaker)


def read_noises(folders: Sequence[Path], sample_rate: int) -> tuple[Sources, Sources]:
    """Read all noises below some folders into memory.

    Args:
        folders: of recordings of any format and layout.
        sample_rate: to read them at, in hertz.

    Returns:
        Those to train on and those to validate on, of other sources where there are enough.

    Raises:
        UserError: if a folder is missing, or none of its recordings is of use.
    """
    sources = _read(folders, sample_rate)
    names = sorted(sources)
    frame = round(_FRAME_SECONDS * sample_rate)
    if len(names) >= _MANY_SOURCES:
        kept = set(names[::_MANY_SOURCES])
        train = [sources[name] for name in names if name not in kept]
        return _taken(train, frame), _taken([sources[name] for name in sorted(kept)], frame)
    parts: tuple[list[list[np.ndarray]], ...] = ([], [])
    for name in names:
        cuts = [len(audio) - len(audio) // _MANY_SOURCES for audio in sources[name]]
        both = list(zip(sources[name], cuts, strict=True))
        parts[0].append([audio[:cut] for audio, cut in both])
        parts[1].append([audio[cut:] for audio, cut in both])
    return _taken(parts[0], frame), _taken(parts[1], frame)


def _taken(sources: Sequence[Sequence[np.ndarray]], frame: int) -> Sources:
    return [[Take(audio, _loudest_dbfs(audio, frame)) for audio in source] for source in sources]


def _loudest_dbfs(audio: np.ndarray, frame: int) -> float:
    power = float(frame_power(audio, frame).max())
    return 10 * math.log10(max(power, 1e-12))


def _read(folders: Sequence[Path], sample_rate: int) -> dict[str, list[np.ndarray]]:
    """Return source to its recordings; what cannot be read, is silent or short is left out."""
    from prepare_data.noise_layouts import find_noise_corpora
    from prepare_data.scan import Scanner

    scanner = Scanner()
    sources: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    reason = "there is no recording in it"
    for folder in folders:
        top = scanner.scan(folder)
        for corpus in [] if top is None else find_noise_corpora(top):
            for recording in corpus.recordings:
                path = corpus.root / recording.path
                try:
                    audio = _audio(path, sample_rate)
                except AudioError as error:
                    reason = f"{path} {error}"
                    continue
                if len(audio) >= _SHORTEST_SECONDS * sample_rate and audio.any():
                    sources[f"{corpus.root}/{recording.source}"].append(audio)
                else:
                    reason = f"{path} is silent, or shorter than {_SHORTEST_SECONDS} s"
    if not sources:
        raise UserError(f"--noise {' '.join(map(str, folders))} holds nothing to use: {reason}.")
    return sources


def _audio(path: Path, sample_rate: int) -> np.ndarray:
    from prepare_data.pack import resampled_blocks

    blocks = [np.empty(0, np.int16)]
    for block in resampled_blocks(path, sample_rate):
        blocks.append(np.rint(block.clip(-1, 1) * _FULL_SCALE).astype(np.int16))
    return np.concatenate(blocks)

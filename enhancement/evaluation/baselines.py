"""What everybody can install, to compare with: RNNoise and noisereduce (the extra `bench`)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.resampling import at_rate

RNNOISE, NOISEREDUCE = "pyrnnoise", "noisereduce"
BASELINES = (RNNOISE, NOISEREDUCE)
"""The packages, each the name of its baseline too."""

_FULL_SCALE = 32768.0
_RNNOISE_DELAY = 960  # measured: two frames of 10 ms at 48 kHz


def installed_baselines() -> list[str]:
    """Return the names of the baselines that are installed."""
    return [name for name in BASELINES if find_spec(name) is not None]


def load_baseline(name: str) -> Denoiser:
    """Return a baseline that is installed."""
    return RNNoise() if name == RNNOISE else NoiseReduce()


class RNNoise(Denoiser):
    """RNNoise (Valin 2018), at its own 48 kHz, resampled there and back and aligned.

    Its 20 ms of delay are taken away; a live listener would wait for them.
    """

    name = RNNOISE
    lag_seconds = None

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording; see `Denoiser`."""
        from pyrnnoise.rnnoise import SAMPLE_RATE

        return at_rate(_rnnoise, blocks, sample_rate, SAMPLE_RATE)


class NoiseReduce(Denoiser):
    """noisereduce's default, a spectral gate that follows the noise (Sainburg 2019)."""

    name = NOISEREDUCE
    lag_seconds = None

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording, which it takes as a whole; see `Denoiser`."""
        from noisereduce import reduce_noise

        audio = np.concatenate(list(blocks))
        channels = [reduce_noise(y=channel, sr=sample_rate) for channel in audio.T]
        yield np.stack(channels, axis=1).astype(np.float32)


def _rnnoise(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    audio = np.concatenate(list(blocks))
    yield np.stack([_rnnoise_channel(channel) for channel in audio.T], axis=1)


def _rnnoise_channel(audio: np.ndarray) -> np.ndarray:
    # Not the package's own function, whose 16-bit result wraps around where it is too loud.
    from pyrnnoise.rnnoise import FRAME_SIZE, create, destroy, lib

    frames = -(-(len(audio) + _RNNOISE_DELAY) // FRAME_SIZE)
    padded = np.zeros(frames * FRAME_SIZE, dtype=np.float32)
    padded[: len(audio)] = audio * _FULL_SCALE
    pointer = ctypes.POINTER(ctypes.c_float)
    state = create()
    try:
        for frame in padded.reshape(frames, FRAME_SIZE):
            place = frame.ctypes.data_as(pointer)
            lib.rnnoise_process_frame(state, place, place)
    finally:
        destroy(state)
    return padded[_RNNOISE_DELAY : _RNNOISE_DELAY + len(audio)] / np.float32(_FULL_SCALE)

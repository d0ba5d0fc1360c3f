"""What the tests of denoising files share: a model that maps blocks, sounds, the command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from enhancement.__main__ import main
from enhancement.denoiser import Denoiser

RATE = 16000


class Mapped(Denoiser):
    """Applies a function to every block; the identity by default."""

    name = "mapped"

    def __init__(self, function: Callable[[np.ndarray], np.ndarray] = np.copy) -> None:
        self.function = function

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        for block in blocks:
            yield self.function(block)


def noise(seconds: float = 0.5, channels: int = 1, rate: int = RATE, rms: float = 0.05) -> Any:
    rng = np.random.default_rng(7)
    return (rms * rng.standard_normal((int(seconds * rate), channels))).astype(np.float32)


def denoise(*arguments: object) -> int:
    return main(["denoise", *map(str, arguments)])


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]

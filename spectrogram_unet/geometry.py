"""The numbers that tie a picture to sound: what one pixel is in hertz and in seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from prepare_data.picture import RANGE_DB
from prepare_data.settings import PICTURE_SIZE


@dataclass(frozen=True)
class Geometry:
    """How a stretch of sound becomes the picture that a network reads.

    Attributes:
        sample_rate: in hertz.
        n_fft: window of the STFT, in samples.
        hop_length: its hop, in samples.
        frames: STFT frames in a picture; with n_fft / 2 bins it is resized to 512x512 where it has
            another size.
        picture_scale: "shared": decibels below the loudest bin of the noisy voice, for the noise
            picture too; "own": each picture from its own quietest bin to its loudest.
        range_db: decibels from black to white on the shared scale.
    """

    sample_rate: int = 16_000
    n_fft: int = 1024
    hop_length: int = 160
    frames: int = PICTURE_SIZE
    picture_scale: str = "shared"
    range_db: float = RANGE_DB

    @property
    def window_samples(self) -> int:
        """Samples in one picture."""
        return self.frames * self.hop_length

    @property
    def resized(self) -> bool:
        """Whether the picture has another size than the STFT."""
        return (self.n_fft // 2, self.frames) != (PICTURE_SIZE, PICTURE_SIZE)

    def plain(self) -> dict[str, Any]:
        """Return all but the sample rate, for a checkpoint's configuration."""
        return {name: value for name, value in asdict(self).items() if name != "sample_rate"}

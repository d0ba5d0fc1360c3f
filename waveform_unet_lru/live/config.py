"""The sizes of a live model, in plain types; it takes no torch to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

BINS = 256
"""Bins that the network sees: 31.25 Hz each, from 0 to below 8 kHz."""

POSITIONS = 64
"""Places along frequency after the first convolution, whose stride is 4."""

FRAME_SECONDS = 0.032
"""Length of what is transformed at once, whatever the window of the synthesis."""

Mixing = Literal["attention", "linear"]
Window = Literal["32ms", "16ms"]
FRAMES_PER_SECOND: dict[str, float] = {"32ms": 62.5, "16ms": 125.0}
"""What the network sees in a second, by window."""

_SIZES = ("channels", "bands", "width", "blocks", "heads", "averages")


@dataclass(frozen=True)
class LiveConfig:
    """What a live model is built from.

    Attributes:
        channels: of the convolutions along frequency.
        convolutions: residual ones, on the way in and again on the way out.
        bands: places along frequency where the recurrences run.
        width: features of a band.
        blocks: of recurrence, gated linear unit and mixing along frequency.
        states: complex ones of a recurrence in each band; as many as `width` if 0.
        mixing: along frequency, by "attention" of all bands to all or by one "linear" map.
        heads: of the attention, dividing `width`.
        averages: running ones of each bin's magnitude, over 0.02 to 4 s at the start.
        full_band: features and states of a recurrence over all bands at once; none if 0.
        kept_db: how far below the noisy sound a rest of it stays in the result, lest the noise
            floor comes and goes; nothing stays if 0.
        window: what a listener waits, "32ms" or "16ms", at 62.5 or 125 frames a second.

    Raises:
        ValueError: for sizes that no network has.
    """

    channels: int
    convolutions: int
    bands: int
    width: int
    blocks: int
    states: int = 0
    mixing: Mixing = "linear"
    heads: int = 4
    averages: int = 6
    full_band: int = 0
    kept_db: int = 0
    window: Window = "32ms"

    def __post_init__(self) -> None:
        for name in (*_SIZES, "convolutions", "states", "full_band", "kept_db"):
            value, least = getattr(self, name), 1 if name in _SIZES else 0
            if type(value) is not int or value < least:
                raise ValueError(f"{name} is {value!r}; a whole number from {least} is wanted")
        for name, known in (("mixing", get_args(Mixing)), ("window", get_args(Window))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; one of {known} is wanted")
        if self.mixing == "attention" and self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads, {self.heads}")
        if self.states == 0:
            object.__setattr__(self, "states", self.width)

    @property
    def frames_per_second(self) -> float:
        """Frames that the network sees in a second."""
        return FRAMES_PER_SECOND[self.window]

    @property
    def kept_share(self) -> float:
        """Factor of the noisy sound in the result, see `kept_db`."""
        return 10 ** (-self.kept_db / 20) if self.kept_db else 0.0

    def plain(self) -> dict[str, Any]:
        """Return the sizes as a dict of plain types."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> LiveConfig:
        """Return the configuration that `plain` was made of.

        Raises:
            ValueError: if names are unknown or missing, or sizes are impossible.
        """
        try:
            return cls(**plain)
        except TypeError as error:
            raise ValueError(str(error)) from error


_SMALL = LiveConfig(
    channels=32, convolutions=1, bands=16, width=48, blocks=3, mixing="attention", full_band=64
)

PRESETS: dict[str, LiveConfig] = {
    "tiny": LiveConfig(channels=24, convolutions=0, bands=16, width=32, blocks=1, full_band=64),
    "small": _SMALL,
    "base": replace(_SMALL, blocks=6, states=96, full_band=256),
    "small-16ms": replace(_SMALL, window="16ms"),
}
"""The sizes that have names."""

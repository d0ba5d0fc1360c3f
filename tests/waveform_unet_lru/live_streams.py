"""Live streams of small models, as the stream command makes them."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.core import TorchCore
from waveform_unet_lru.live.denoise import LiveDenoiser
from waveform_unet_lru.live.streaming import LiveSound, StreamOptions

HOP = 256  # at 16 kHz


def options(**changes: Any) -> StreamOptions:
    """Return the command's own defaults, but for some."""
    defaults: dict[str, Any] = {
        "model": None,
        "backend": None,
        "encoding": "s16le",
        "sample_rate": 16_000,
        "channels": 1,
        "attenuation_limit_db": None,
        "align": False,
        "microphone": False,
    }
    return StreamOptions(**{**defaults, **changes})


@cache
def core(window: Window = "32ms") -> TorchCore:
    """Return the same core every time."""
    return live_cores.core(window=window)


def sound(with_core: TorchCore | None = None, **changes: Any) -> LiveSound:
    """Return a stream at rest."""
    return LiveSound(LiveDenoiser(with_core or core()), options(**changes))

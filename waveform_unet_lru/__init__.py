"""Denoisers on the waveform with Linear Recurrent Units.

- `UNetLRUAudio` with `LRUBlock`, `DownPool1D`, `UpPool1D`: the published network.
- `AudioDenoisingDataset`, `train_audio_unet_lru`, `create_synthetic_training_data`,
  `spectral_loss`, `calculate_snr`: what was published with it.
- `linear_scan`, `LRU`: the recurrence, which trains and streams.
- `load_pretrained`: a denoiser, by default the live model that ships with this package.
- `UNetLRUDenoiser`, `Segments`: the published network over recordings of any length and rate, in
  one pass or in the published recipe's segments.

Names are imported when they are first used, so that `import waveform_unet_lru` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from enhancement.metrics import calculate_snr
    from waveform_unet_lru.denoise import UNetLRUDenoiser
    from waveform_unet_lru.losses import spectral_loss
    from waveform_unet_lru.lru import LRU, LRUBlock
    from waveform_unet_lru.network import DownPool1D, UNetLRUAudio, UpPool1D
    from waveform_unet_lru.pretrained import load_pretrained
    from waveform_unet_lru.published_data import (
        AudioDenoisingDataset,
        create_synthetic_training_data,
    )
    from waveform_unet_lru.published_training import train_audio_unet_lru
    from waveform_unet_lru.recurrence import linear_scan
    from waveform_unet_lru.segments import Segments

_MODULES = {
    "enhancement.metrics": ("calculate_snr",),
    "waveform_unet_lru.denoise": ("UNetLRUDenoiser",),
    "waveform_unet_lru.losses": ("spectral_loss",),
    "waveform_unet_lru.lru": ("LRU", "LRUBlock"),
    "waveform_unet_lru.network": ("DownPool1D", "UNetLRUAudio", "UpPool1D"),
    "waveform_unet_lru.pretrained": ("load_pretrained",),
    "waveform_unet_lru.published_data": (
        "AudioDenoisingDataset",
        "create_synthetic_training_data",
    ),
    "waveform_unet_lru.published_training": ("train_audio_unet_lru",),
    "waveform_unet_lru.recurrence": ("linear_scan",),
    "waveform_unet_lru.segments": ("Segments",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "LRU",
    "AudioDenoisingDataset",
    "DownPool1D",
    "LRUBlock",
    "Segments",
    "UNetLRUAudio",
    "UNetLRUDenoiser",
    "UpPool1D",
    "calculate_snr",
    "create_synthetic_training_data",
    "linear_scan",
    "load_pretrained",
    "spectral_loss",
    "train_audio_unet_lru",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

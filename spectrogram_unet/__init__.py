"""The spectrogram U-Net: predicts the noise in a 512x512 picture of the sound.

- `UNet`, `SpectrogramDataset`: the published network and its pictures; `base_channels` sets the
  width.
- `load_pretrained`: a denoiser with the weights that ship here, a checkpoint or a published `.pt`.
- `SpectrogramDenoiser`, `Geometry`, `GainRule`: what it is made of.
- `istft`: the exact inverse of `prepare_data.stft`.
- `oracle`: the ceiling of the method, with the true noise picture.

Names are imported when they are first used, so that `import spectrogram_unet` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectrogram_unet.dataset import SpectrogramDataset
    from spectrogram_unet.denoise import SpectrogramDenoiser, load_pretrained
    from spectrogram_unet.gain import GainRule
    from spectrogram_unet.geometry import Geometry
    from spectrogram_unet.known_noise import OracleDenoiser, oracle
    from spectrogram_unet.network import UNet
    from spectrogram_unet.transform import istft

_MODULES = {
    "dataset": ("SpectrogramDataset",),
    "denoise": ("SpectrogramDenoiser", "load_pretrained"),
    "gain": ("GainRule",),
    "geometry": ("Geometry",),
    "network": ("UNet",),
    "known_noise": ("OracleDenoiser", "oracle"),
    "transform": ("istft",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "GainRule",
    "Geometry",
    "OracleDenoiser",
    "SpectrogramDataset",
    "SpectrogramDenoiser",
    "UNet",
    "istft",
    "load_pretrained",
    "oracle",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

"""Load any denoiser of this package by name or file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from enhancement.denoiser import Denoiser

_DEFAULT = "small"
_PUBLISHED = "unet-lru"


def load_pretrained(name_or_path: str | Path | None = None, **options: Any) -> Denoiser:
    """Load a denoiser of this package.

    Args:
        name_or_path: the name of weights that ship with this package, a checkpoint, its export to
            ONNX, a training run's folder (its best checkpoint) or a published network's `.pt`; None
            for the live model "small".
        options: `backend` of a live model, see `waveform_unet_lru.live.denoise.load_pretrained`;
            `sample_rate` and `segments` of a waveform U-Net, see `waveform_unet_lru.denoise.load`.

    Returns:
        A `LiveDenoiser`, whose `stream` takes sound as it comes in, or a `UNetLRUDenoiser`.

    Raises:
        UserError: if there is no such name or file, it cannot be used, or an option does not fit.
    """
    from enhancement.registry import load_denoiser, model_of

    name_or_path = _DEFAULT if name_or_path is None else name_or_path
    model = model_of(name_or_path, published=_PUBLISHED)
    return load_denoiser(name_or_path, model=model, **options)

"""Live models small enough for tests, with weights that make something of their input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from waveform_unet_lru.live.config import LiveConfig, Mixing, Window
from waveform_unet_lru.live.core import TorchCore
from waveform_unet_lru.live.network import LiveNetwork

SMALLEST = LiveConfig(channels=4, convolutions=1, bands=4, width=8, blocks=2, heads=2, full_band=3)


def noise(samples: int, *, channels: int = 1, seed: int = 0, level: float = 0.1) -> np.ndarray:
    """White noise of shape (samples, channels), float32."""
    values = np.random.default_rng(seed).standard_normal((samples, channels))
    return (level * values).astype(np.float32)


def spectra(batch: int, frames: int, *, seed: int = 0) -> torch.Tensor:
    """Random spectra of shape (batch, frames, 256, 2), at the level of noise."""
    generator = torch.Generator().manual_seed(seed)
    return 3e-3 * torch.randn(batch, frames, 256, 2, generator=generator)


def network(config: LiveConfig = SMALLEST, *, seed: int = 0) -> LiveNetwork:
    """A network as training might leave it: settled statistics, masks that differ everywhere."""
    torch.manual_seed(seed)
    made = LiveNetwork(config).train()
    with torch.no_grad():
        made.into_mask.weight.normal_(std=0.3)
        made.band_embedding.normal_()
        if made.full_band is not None:
            made.full_band.out_of.weight.normal_(std=0.2)
        for step in range(30):
            made(spectra(4, 30, seed=step))
    return made.eval()


def core(
    *, window: Window = "32ms", mixing: Mixing = "attention", config: LiveConfig = SMALLEST
) -> TorchCore:
    """A core of such a network."""
    return TorchCore(network(replace(config, window=window, mixing=mixing)))


def untrained(window: Window = "32ms") -> TorchCore:
    """A core that returns its input."""
    torch.manual_seed(0)
    return TorchCore(LiveNetwork(replace(SMALLEST, window=window)))

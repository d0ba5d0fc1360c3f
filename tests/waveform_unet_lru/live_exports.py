"""Checkpoints and ONNX files of live networks whose every parameter has its own say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from enhancement.checkpoints import Header, save_weights
from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.config import LiveConfig
from waveform_unet_lru.live.export import export
from waveform_unet_lru.live.network import LiveNetwork

# No two sizes are the same, so that none can stand for another.
CONFIG = replace(live_cores.SMALLEST, bands=6, states=5)
_KEPT = ("nu_log", "theta_log")


def network(config: LiveConfig = CONFIG) -> LiveNetwork:
    """Return a network in which biases and scales are not 0 and 1 either."""
    made = live_cores.network(config)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if not name.endswith(_KEPT):
                parameter += 0.1 * torch.randn(parameter.shape, generator=random)
    return made


def save_checkpoint(path: Path, config: LiveConfig = CONFIG) -> Path:
    """Write the checkpoint of such a network."""
    header = Header("live", config.plain(), 16_000, {"epoch": 3})
    save_weights(path, network(config).state_dict(), header)
    return path


def save_onnx(folder: Path, config: LiveConfig = CONFIG) -> Path:
    """Write such a checkpoint, "best.safetensors", and its export, "live.onnx"."""
    out = folder / "live.onnx"
    export(save_checkpoint(folder / "best.safetensors", config), out)
    return out

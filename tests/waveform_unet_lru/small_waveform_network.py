"""A small network whose every part matters to its output, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from enhancement.checkpoints import Header, save_weights
from waveform_unet_lru.network import UNetLRUAudio

RATE = 16_000
FEATURES = (4, 8)


def network(
    features: Sequence[int] = FEATURES, *, channels: tuple[int, int] = (1, 1), seed: int = 0
) -> UNetLRUAudio:
    """Return an untrained network whose deepest level is heard as well as its topmost.

    As PyTorch starts it, each layer weakens the sound, and what comes out is nearly all biases.
    """
    torch.manual_seed(seed)
    result = UNetLRUAudio(*channels, features).eval()
    for name, parameter in result.named_parameters():
        if name.endswith("weight"):
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.05)
    return result


def whole(network: UNetLRUAudio, audio: np.ndarray) -> np.ndarray:
    """Run the network over a recording of shape (samples, channels) at once."""
    padded = np.zeros((-(-len(audio) // network.multiple) * network.multiple, audio.shape[1]))
    padded[: len(audio)] = audio
    with torch.inference_mode():
        output = network(torch.tensor(padded.T[:, None], dtype=torch.float32))
    return output[:, 0, : len(audio)].numpy().T


def sound(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Return noise of shape (samples, channels)."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


def save_checkpoint(path: Path, network: UNetLRUAudio, **changes: object) -> Path:
    """Write a checkpoint; `changes` are to the configuration in its header."""
    config = {"in_channels": 1, "out_channels": 1, "features": list(network.features), **changes}
    save_weights(path, network.state_dict(), Header("unet-lru", config, RATE, {}))
    return path


def save_published(path: Path, network: UNetLRUAudio, *, wrapped: bool = False) -> Path:
    """Save a network as the published project does."""
    weights = network.state_dict()
    torch.save({"epoch": 10, "model_state_dict": weights} if wrapped else weights, path)
    return path

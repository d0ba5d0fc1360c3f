"""A trained live network from its checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from enhancement.checkpoints import (
    Header,
    check_model,
    load_strictly,
    load_weights,
    read_header,
)
from prepare_data.errors import UserError
from waveform_unet_lru.live.config import LiveConfig

if TYPE_CHECKING:
    from waveform_unet_lru.live.network import LiveNetwork

_MODEL_NAME = "live"


def load_network(path: Path) -> tuple[Header, LiveNetwork]:
    """Build a network and load its weights.

    Args:
        path: a `.safetensors` checkpoint.

    Returns:
        What the checkpoint says about itself, and the network, on the CPU and in training mode.

    Raises:
        UserError: if the file cannot be read, holds another model, or its weights do not fit.
    """
    from waveform_unet_lru.live.network import LiveNetwork

    header, weights = load_weights(path)
    network = LiveNetwork(_config(path, header))
    load_strictly(network, weights, path)
    return header, network


def read_config(path: Path) -> LiveConfig:
    """Return the sizes of a network from its checkpoint's header.

    Raises:
        UserError: if the file cannot be read or holds another model.
    """
    return _config(path, read_header(path))


def _config(path: Path, header: Header) -> LiveConfig:
    check_model(path, header, _MODEL_NAME)
    try:
        return LiveConfig.from_plain(header.config)
    except ValueError as error:
        raise UserError(f"{path} does not say how its network is built: {error}.") from error

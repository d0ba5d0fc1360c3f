"""A larger network that begins as the smaller one that is trained (Chen et al. 2016, Net2Net).

It may have more blocks, more states, and a recurrence over all bands where there was none, or a
larger one. What is new adds nothing at first and learns from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from waveform_unet_lru.live.network import LiveNetwork, blocks_before_full_band

_FULL_BAND, _BLOCKS = "full_band.", "blocks."
_LAST_OF_MIXING = ("mixing.weight", "mixing.bias", "mixing.out.weight", "mixing.out.bias")


def grown(
    weights: Mapping[str, Tensor], config: Mapping[str, Any], network: LiveNetwork
) -> dict[str, Tensor]:
    """Return a smaller network's weights with what `network` has beyond it.

    Args:
        weights: by name, as in the smaller network's state_dict.
        config: its sizes, as in a checkpoint's header.
        network: untrained; it is not changed.

    Returns:
        Weights for `network`, if it has more `blocks`, `states` or `full_band` and all other
        weights are of the same shapes. Otherwise, and where weights are missing that `config`
        promises, they are as they were, and do not fit.
    """
    weights = dict(weights)
    if not _is_whole(weights, config):
        return weights
    own = {name: value.detach().clone() for name, value in network.state_dict().items()}
    if not config.get("full_band"):
        weights |= {name: own[name] for name in own if name.startswith(_FULL_BAND)}
    weights = _with_blocks(weights, config["blocks"], own, network.config.blocks)
    others = (name for name in weights if name in own and not _grows(name))
    if any(weights[name].shape != own[name].shape for name in others):
        return weights
    return {
        name: _enlarged(value, own[name]) if name in own and _grows(name) else value
        for name, value in weights.items()
    }


def _is_whole(weights: Mapping[str, Tensor], config: Mapping[str, Any]) -> bool:
    """Say whether as many blocks and a full band are there as `config` says."""
    blocks = {name.split(".")[1] for name in weights if name.startswith(_BLOCKS)}
    full_band = any(name.startswith(_FULL_BAND) for name in weights)
    expected = {str(index) for index in range(config.get("blocks", 0))}
    return blocks == expected and full_band == bool(config.get("full_band"))


def _grows(name: str) -> bool:
    return name.startswith(_FULL_BAND) or ".lru." in name


def _with_blocks(
    weights: Mapping[str, Tensor], present: int, own: Mapping[str, Tensor], wanted: int
) -> dict[str, Tensor]:
    """Return weights with as many blocks; those before the full band stay before it."""
    if present >= wanted:
        return dict(weights)
    before, shift = blocks_before_full_band(present), blocks_before_full_band(wanted)
    places = [*range(before), *range(shift, shift + present - before)]
    result = {}
    for name, value in weights.items():
        if name.startswith(_BLOCKS):
            _, index, rest = name.split(".", maxsplit=2)
            name = f"{_BLOCKS}{places[int(index)]}.{rest}"
        result[name] = value
    for name, value in own.items():
        if name.startswith(_BLOCKS):
            _, index, rest = name.split(".", maxsplit=2)
            if int(index) not in places:
                result[name] = _adding_nothing(rest, value)
    return result


def _adding_nothing(name: str, value: Tensor) -> Tensor:
    """Return a weight of a new block, whose gated linear unit and mixing are to give zeros."""
    if name in _LAST_OF_MIXING:
        return value.new_zeros(value.shape)
    if name.startswith("gate."):  # the first half is what the second one gates
        value = value.clone()
        value[: len(value) // 2] = 0
    return value


def _enlarged(old: Tensor, own: Tensor) -> Tensor:
    """Put `old` into the first rows and columns of `own`, where nothing new leads to what is old.

    Features and states that are new begin at random, so that they differ from each other.
    """
    sizes = list(zip(old.shape, own.shape, strict=False))
    if old.ndim != own.ndim or old.shape == own.shape or any(less > more for less, more in sizes):
        return old
    result = own.clone()
    if old.ndim > 1:
        result[: len(old), old.shape[1] :] = 0
    result[tuple(slice(size) for size in old.shape)] = old
    return result

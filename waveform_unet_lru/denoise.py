"""The waveform denoiser: the network over recordings of any length, rate and channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.resampling import at_rate
from prepare_data.errors import UserError
from waveform_unet_lru.segments import Segments, in_segments

if TYPE_CHECKING:
    from torch import Tensor

    from waveform_unet_lru.network import UNetLRUAudio

MODEL_NAME = "unet-lru"
_PUBLISHED_SAMPLE_RATE = 16_000


class UNetLRUDenoiser(Denoiser):
    """Denoises by the waveform network, at the rate it was trained at and the input's own level.

    The recurrence's state is carried through the whole recording, whatever its length. Channels
    are denoised in one batch, files one after another: a batch of them would not be quicker than
    the blocks that each of them is computed in.

    Args:
        network: from one channel to one channel; it moves to the accelerator, if there is one.
        sample_rate: that it works at, in hertz.
        segments: splits the recording, as the published recipe does, and starts from rest in each
            segment; None for one pass.
    """

    name = MODEL_NAME
    lag_seconds = None

    def __init__(
        self, network: UNetLRUAudio, sample_rate: int, *, segments: Segments | None = None
    ) -> None:
        import torch

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(device, torch.float32).eval()
        self.sample_rate = sample_rate
        self.segments = segments

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording in constant memory; see `Denoiser`."""
        return at_rate(self._at_own_rate, blocks, sample_rate, self.sample_rate)

    def _at_own_rate(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        from waveform_unet_lru.blockwise import denoised

        if self.segments is None:
            return denoised(self.network, blocks)
        return in_segments(blocks, self._segment, self.segments, self.sample_rate)

    def _segment(self, segment: np.ndarray) -> np.ndarray:
        from waveform_unet_lru.blockwise import denoised

        return np.concatenate(list(denoised(self.network, [segment])))


def load(
    path: Path | None,
    *,
    sample_rate: int | None = None,
    segments: Segments | None = None,
) -> UNetLRUDenoiser:
    """Load a denoiser for `enhancement.registry`.

    Args:
        path: a checkpoint or a published network's `.pt`; None for weights that ship with this
            package.
        sample_rate: of the sound that a published network was trained on, in hertz; 16000 if None.
        segments: see `UNetLRUDenoiser`.

    Returns:
        The denoiser.

    Raises:
        UserError: if there is no such file, it cannot be used, or an option does not fit it.
    """
    from enhancement.registry import shipped_weights

    file = shipped_weights(MODEL_NAME) if path is None else path
    if sample_rate is not None and sample_rate <= 0:
        raise UserError(f"--sample-rate is a number of hertz above 0, not {sample_rate}.")
    if file.suffix == ".pt":
        rate = sample_rate or _PUBLISHED_SAMPLE_RATE
        return UNetLRUDenoiser(_published(file), rate, segments=segments)
    if sample_rate is not None:
        raise UserError(f"{file} brings its own sample rate; leave out --sample-rate.")
    network, rate = _checkpoint(file)
    return UNetLRUDenoiser(network, rate, segments=segments)


def _checkpoint(path: Path) -> tuple[UNetLRUAudio, int]:
    from enhancement.checkpoints import check_model, load_strictly, load_weights
    from waveform_unet_lru.network import UNetLRUAudio

    header, weights = load_weights(path)
    check_model(path, header, MODEL_NAME)
    names = ("in_channels", "out_channels", "features")
    try:
        in_channels, out_channels, features = (header.config[name] for name in names)
        network = UNetLRUAudio(in_channels, out_channels, features)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} does not say how its network is built: {error}.") from error
    _refuse_other_channels(path, in_channels, out_channels)
    load_strictly(network, weights, path)
    return network, header.sample_rate


def _published(path: Path) -> UNetLRUAudio:
    """Load a network whose size is that of the weights."""
    from enhancement.checkpoints import load_published, load_strictly
    from waveform_unet_lru.network import UNetLRUAudio

    weights = load_published(path)
    features = _features(weights)
    if not features or "final.weight" not in weights:
        raise UserError(f"{path} holds no waveform U-Net with an LRU: it has none of its layers.")
    in_channels = weights["down_blocks.0.0.weight"].shape[1]
    out_channels = weights["final.weight"].shape[0]
    _refuse_other_channels(path, in_channels, out_channels)
    network = UNetLRUAudio(in_channels, out_channels, features)
    load_strictly(network, weights, path)
    return network


def _features(weights: Mapping[str, Tensor]) -> list[int]:
    """Return the channels of the levels, as many as there are."""
    features: list[int] = []
    while (first := weights.get(f"down_blocks.{len(features)}.0.weight")) is not None:
        features.append(first.shape[0])
    return features


def _refuse_other_channels(path: Path, in_channels: int, out_channels: int) -> None:
    if (in_channels, out_channels) != (1, 1):
        raise UserError(
            f"{path} is a network from {in_channels} to {out_channels} channels; recordings are "
            "denoised channel by channel, so one to one is wanted."
        )

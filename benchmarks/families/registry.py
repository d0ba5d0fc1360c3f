"""The families by name: how each is trained, run and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from enhancement.checkpoints import Header
from enhancement.denoiser import Denoiser
from prepare_data.errors import UserError
from waveform_unet_lru.live import size
from waveform_unet_lru.live.config import PRESETS, LiveConfig
from waveform_unet_lru.live.core import TorchCore
from waveform_unet_lru.live.denoise import LiveDenoiser
from waveform_unet_lru.live.network import LiveNetwork
from waveform_unet_lru.live.settings import parsed_settings, with_settings
from waveform_unet_lru.live.task import LiveTask

from . import waveform
from .gated import GatedNetwork
from .waveform import SAMPLE_RATE, WaveformConfig, WaveformNetwork

_MOST_CHANNELS = 256


@dataclass(frozen=True)
class Family:
    """One sort of network, of one size.

    Attributes:
        name: of the family.
        make: makes the network, untrained.
        task: trains it: `LiveTask` or what derives from it.
        denoiser: runs it.
        macs: multiplications with additions a second.
    """

    name: str
    make: Callable[[], nn.Module]
    task: type[FamilyTask]
    denoiser: Callable[[Any], Denoiser]
    macs: float

    def train_with(self, **settings: Any) -> FamilyTask:
        """Return the task that trains a new network; the settings are those of `LiveTask`."""
        return self.task(self.name, self.make(), **settings)


class FamilyTask(LiveTask):
    """The live model's training with another network in its place.

    Args:
        family: its name, for checkpoints.
        network: makes masks as `LiveNetwork` does, and has its configuration.
        settings: see `LiveTask`.
    """

    def __init__(self, family: str, network: nn.Module, **settings: Any) -> None:
        super().__init__(self._config(network), **settings)
        self._family = family
        self.network = network

    def header(self, training: dict[str, Any]) -> Header:
        """Return what a checkpoint says; no product's loader knows its name."""
        return replace(super().header(training), model=f"benchmark {self._family}")

    def _config(self, network: Any) -> LiveConfig:
        return network.config


class WaveformTask(FamilyTask):
    """The same for a network that makes waveforms: its spectrum is compared."""

    def _config(self, network: Any) -> LiveConfig:
        return PRESETS["tiny"]  # for the transform alone

    def _masked(self, noisy: Tensor) -> Tensor:
        output = self.network(noisy)
        with torch.autocast(self.device.type, enabled=False):
            return self.analysis.spectrum(output)


class WaveformDenoiser(Denoiser):
    """Runs a waveform network over whole recordings.

    Args:
        network: it is set to evaluation.
    """

    name = "waveform"

    def __init__(self, network: WaveformNetwork) -> None:
        self._network = network.eval()
        self.lag_seconds = network.config.lag_samples / SAMPLE_RATE

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Gather the recording and denoise it; see `Denoiser`."""
        if sample_rate != SAMPLE_RATE:
            raise UserError(f"The waveform family works at {SAMPLE_RATE} Hz, not {sample_rate}.")
        audio = torch.from_numpy(np.concatenate(list(blocks)).T.copy())
        with torch.inference_mode():
            yield self._network(audio).numpy().T


def live(preset: str, settings: Sequence[str]) -> Family:
    """The live model as it is."""
    config = with_settings(PRESETS[preset], settings)
    return _masking("live", LiveNetwork, config)


def gated(preset: str, settings: Sequence[str]) -> Family:
    """The live model with gated recurrences."""
    config = with_settings(PRESETS[preset], settings)
    return _masking("gated", GatedNetwork, config)


def of_waveforms(preset: str, settings: Sequence[str]) -> Family:
    """The waveform U-Net; its settings are those of `WaveformConfig`.

    Unless the channels are given, they are as many as make it cost about what the preset does.

    Raises:
        UserError: if a setting is not possible.
    """
    changes = parsed_settings(WaveformConfig, settings)
    try:
        config = WaveformConfig(**changes)
    except ValueError as error:
        raise UserError(f"--set {' '.join(settings)} makes no network: {error}.") from error
    if "channels" not in changes:
        config = _as_costly_as(size.count_macs(PRESETS[preset]), config)
    return Family(
        "waveform",
        lambda: WaveformNetwork(config),
        WaveformTask,
        WaveformDenoiser,
        waveform.count_macs(config),
    )


def _as_costly_as(macs: float, config: WaveformConfig) -> WaveformConfig:
    candidates = [replace(config, channels=channels) for channels in range(1, _MOST_CHANNELS)]
    return min(candidates, key=lambda each: abs(waveform.count_macs(each) - macs))


FAMILIES: dict[str, Callable[[str, Sequence[str]], Family]] = {
    "live": live,
    "gated": gated,
    "waveform": of_waveforms,
}
"""Name to what makes a family of a preset and settings."""


def _masking(name: str, network: Callable[[LiveConfig], LiveNetwork], config: LiveConfig) -> Family:
    return Family(
        name,
        lambda: network(config),
        FamilyTask,
        lambda made: LiveDenoiser(TorchCore(made)),
        size.count_macs(config),
    )

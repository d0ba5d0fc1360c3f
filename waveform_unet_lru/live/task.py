"""What the live model brings to the training driver: mixing, loss, header, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from enhancement.checkpoints import Header
from enhancement.training.task import TrainingTask
from prepare_data.errors import UserError
from waveform_unet_lru.live.analysis import Analysis
from waveform_unet_lru.live.blending import blended
from waveform_unet_lru.live.config import FRAMES_PER_SECOND, LiveConfig
from waveform_unet_lru.live.frame_rate import at_frame_rate
from waveform_unet_lru.live.frontend import FrontEnd
from waveform_unet_lru.live.growth import grown
from waveform_unet_lru.live.mixing import MixedBatch
from waveform_unet_lru.live.network import LiveNetwork
from waveform_unet_lru.live.objective import Objective
from waveform_unet_lru.parameter_groups import parameter_groups

MODEL_NAME = "live"
_SHOWN = 3  # samples in the run's picture
_RANGE_DB = 80.0  # from black to white


class LiveTask(TrainingTask):
    """Predict a complex mask for the spectrum of a noisy voice, frame by frame.

    Batches hold voices and noises that are not mixed yet, with numbers that say how: see
    `waveform_unet_lru.live.data`. They are shaped and mixed on the device.

    Args:
        config: of the network.
        sample_rate: of the recordings, in hertz.
        objective: what to make small.
        about: what else a checkpoint is to say about the training, plain types.
    """

    def __init__(
        self,
        config: LiveConfig,
        *,
        sample_rate: int = 16_000,
        objective: Objective | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.network = LiveNetwork(config)
        self.analysis = Analysis(FrontEnd(sample_rate, config.window))
        self._objective = objective or Objective()
        self._sample_rate = sample_rate
        self._about = dict(about or {})

    def mixed(self, batch: dict[str, Any]) -> MixedBatch:
        """Shape and mix a batch, see `waveform_unet_lru.live.blending.blended`."""
        with torch.no_grad(), torch.autocast(self.device.type, enabled=False):
            return blended(batch, sample_rate=self._sample_rate)

    def loss(self, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch, see `mixed`."""
        mixed = self.mixed(batch)
        masked = self._masked(mixed.noisy)
        with torch.autocast(self.device.type, enabled=False):
            output = self.analysis.samples(masked, mixed.noisy.shape[-1])
            return self._objective(
                self.analysis, masked, output, voice=mixed.voice, noisy=mixed.noisy
            )

    def start_from(
        self, weights: Mapping[str, Tensor], source: str | Path, config: Mapping[str, Any]
    ) -> None:
        """Take weights over, those of a smaller network and of another window too.

        See `waveform_unet_lru.live.growth` and `waveform_unet_lru.live.frame_rate`. What `kept_db`
        is to be is the new network's own affair.
        """
        own = self.network.config
        rate = own.frames_per_second
        ratio = rate / FRAMES_PER_SECOND.get(config.get("window", ""), rate)
        heads = config.get("heads", own.heads)
        if own.mixing == "attention" and heads != own.heads:
            raise UserError(
                f"{source} does not fit this network: its attention has {heads} heads, not "
                f"{own.heads}."
            )
        weights = grown(at_frame_rate(weights, ratio), config, self.network)
        super().start_from(weights, source, config)

    def parameter_groups(self, weight_decay: float, lr: float) -> list[dict[str, Any]]:
        """Return the groups of parameters for AdamW; see `waveform_unet_lru.parameter_groups`."""
        return parameter_groups(self.network, lr=lr, weight_decay=weight_decay)

    def header(self, training: dict[str, Any]) -> Header:
        """Return what a checkpoint says about the network and its training."""
        objective = asdict(self._objective)
        objective["windows"] = list(objective["windows"])
        training = {**training, **self._about, "objective": objective}
        return Header(MODEL_NAME, self.network.config.plain(), self._sample_rate, training)

    def pictures(self, batch: dict[str, Any]) -> list[tuple[str, list[np.ndarray]]]:
        """Return noisy, predicted and true voice of a few samples as spectrograms."""
        with torch.inference_mode():
            mixed = self.mixed(batch)
            noisy, voice = mixed.noisy[:_SHOWN], mixed.voice[:_SHOWN]
            columns = [self.analysis.spectrum(audio) for audio in (noisy, voice)]
            columns.insert(1, self._masked(noisy))
            greys = _greys(torch.stack(columns).abs()).cpu().numpy()
        return [(name, list(greys[:, row])) for row, name in enumerate(batch["id"][:_SHOWN])]

    def _masked(self, noisy: Tensor) -> Tensor:
        spectrum = self.analysis.spectrum(noisy)
        mask, _ = self.network(self.analysis.for_network(spectrum))
        with torch.autocast(self.device.type, enabled=False):
            return self.analysis.masked(spectrum, mask)


def _greys(magnitudes: Tensor) -> Tensor:
    """Return pictures, low frequencies at the bottom, loud dark, on one scale for each row.

    Args:
        magnitudes: shape (columns, rows, frames, bins); the first column sets the scale.

    Returns:
        Values in [0, 1] of shape (columns, rows, bins, frames).
    """
    loudest = magnitudes[:1].amax((-2, -1), keepdim=True).clamp_min(1e-12)
    decibels = 20 * torch.log10((magnitudes / loudest).clamp_min(1e-12))
    return (-decibels / _RANGE_DB).clamp(0, 1).transpose(-2, -1).flip(-2)

"""What the published waveform network brings to the training driver: loss, header, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from enhancement.checkpoints import Header
from enhancement.training.task import TrainingTask
from prepare_data.picture import Scale, encode_picture, shared_scale, stft
from prepare_data.settings import Settings
from waveform_unet_lru.losses import LOSSES
from waveform_unet_lru.network import UNetLRUAudio
from waveform_unet_lru.parameter_groups import parameter_groups

MODEL_NAME = "unet-lru"
_SHOWN = 3  # samples in the run's picture


class WaveformTask(TrainingTask):
    """Predict the voice from the noisy voice, sample by sample.

    Args:
        features: channels of the network's levels.
        loss: a name in `waveform_unet_lru.losses.LOSSES`.
        sample_rate: of the recordings, in hertz.
    """

    def __init__(self, features: Sequence[int], *, loss: str, sample_rate: int) -> None:
        super().__init__()
        self._loss_name = loss
        self._loss = LOSSES[loss]
        self._sample_rate = sample_rate
        self._config: dict[str, Any] = {
            "in_channels": 1,
            "out_channels": 1,
            "features": list(features),
        }
        self.network = UNetLRUAudio(**self._config)

    def loss(self, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch of "noisy" and "voice", both of shape (batch, time)."""
        return self._loss(self.network(batch["noisy"][:, None])[:, 0], batch["voice"])

    def parameter_groups(self, weight_decay: float, lr: float) -> list[dict[str, Any]]:
        """Return the groups of parameters for AdamW; see `waveform_unet_lru.parameter_groups`."""
        return parameter_groups(self.network, lr=lr, weight_decay=weight_decay)

    def header(self, training: dict[str, Any]) -> Header:
        """Return what a checkpoint says about the network and its training."""
        training = {**training, "loss": self._loss_name}
        return Header(MODEL_NAME, dict(self._config), self._sample_rate, training)

    def pictures(self, batch: dict[str, Any]) -> list[tuple[str, list[np.ndarray]]]:
        """Return noisy, predicted and true voice of a few samples as spectrograms."""
        noisy, voice = batch["noisy"][:_SHOWN], batch["voice"][:_SHOWN]
        with torch.inference_mode():
            estimate = self.network(noisy[:, None])[:, 0]
        columns = [audio.float().cpu().numpy() for audio in (noisy, estimate, voice)]
        return [
            (name, _spectrograms([column[row] for column in columns], self._sample_rate))
            for row, name in enumerate(batch["id"][:_SHOWN])
        ]


def _spectrograms(recordings: list[np.ndarray], sample_rate: int) -> list[np.ndarray]:
    """Return greys in [0, 1] on one scale, that of the first recording."""
    settings = Settings(sample_rate=sample_rate)
    sizes = {"n_fft": settings.n_fft, "hop_length": settings.picture_hop}
    spectra = [stft(audio, **sizes) for audio in recordings]
    scale: Scale = shared_scale(spectra[0], sample_rate, **sizes)
    return [encode_picture(spectrum, scale) / 255 for spectrum in spectra]

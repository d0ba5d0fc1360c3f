"""What the spectrogram U-Net brings to the training driver: loss, header, pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from enhancement.balancing import balance_convolutions
from enhancement.checkpoints import Header
from enhancement.training.task import TrainingTask
from spectrogram_unet.gain import GainRule
from spectrogram_unet.geometry import Geometry
from spectrogram_unet.network import UNet, start_from_noisy

MODEL_NAME = "spectrogram-unet"
_SHOWN = 3  # samples in the run's picture
_LEAST_WEIGHT = 1e-8


class SpectrogramTask(TrainingTask):
    """Predict the noise picture from the noisy one: binary cross-entropy on greys in [0, 1].

    Args:
        base_channels: width of the network.
        geometry: of the pictures it is trained on.
        loudness_power: each pixel counts with this power of the noisy picture's darkness, and all
            of a picture's together as many as they are. 0 counts them alike; but most of a picture
            is so quiet that it decides nothing in the sound.
    """

    def __init__(
        self, base_channels: int, geometry: Geometry, *, loudness_power: float = 6.0
    ) -> None:
        super().__init__()
        self._geometry = geometry
        self._loudness_power = loudness_power
        self._config = {"in_channels": 1, "num_classes": 1, "base_channels": base_channels}
        # Convolutions of few channels are three times faster with the channels last.
        self.network = UNet(**self._config).to(memory_format=torch.channels_last)

    def loss(self, batch: dict[str, Any]) -> Tensor:
        """Return the mean cross-entropy over pixels, loud ones counting most, and samples."""
        noisy = batch["noisy"]
        logits = self.network(noisy.contiguous(memory_format=torch.channels_last))
        weights = (1 - noisy) ** self._loudness_power
        # Silent pictures are white all over and have no weight to share out.
        weights = weights / weights.mean(dim=(1, 2, 3), keepdim=True).clamp_min(_LEAST_WEIGHT)
        return binary_cross_entropy_with_logits(logits.float(), batch["noise"], weight=weights)

    def balance(self, noisy: Tensor) -> None:
        """Set the network's first weights; see `enhancement.balancing` and `start_from_noisy`.

        The greys of a picture are all positive; without balance their mean drowns what they differ
        by, and the loss falls half as fast.
        """
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        balance_convolutions(self.network, noisy, but=(self.network.out,))
        start_from_noisy(self.network)

    def header(self, training: dict[str, Any]) -> Header:
        """Return what a checkpoint says about the network and its pictures."""
        config = {**self._config, **self._geometry.plain(), "gain": GainRule().plain()}
        training = {**training, "loudness_power": self._loudness_power}
        return Header(MODEL_NAME, config, self._geometry.sample_rate, training)

    def pictures(self, batch: dict[str, Any]) -> list[tuple[str, list[np.ndarray]]]:
        """Return noisy, predicted and true noise of a few samples."""
        with torch.inference_mode():
            predicted = torch.sigmoid(self.network(batch["noisy"]).float())
        columns = [batch["noisy"], predicted, batch["noise"]]
        return [
            (batch["id"][row], [greys[row, 0].cpu().numpy() for greys in columns])
            for row in range(min(_SHOWN, len(batch["id"])))
        ]

"""A recurrence over all bands of a frame at once: what only the whole spectrum tells.

The blocks' recurrences run in every band by itself, with the same weights, and what passes between
bands is one small map for all features. Here a dense layer sees all features of all bands, as the
full-band part of FullSubNet does (Hao et al. 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from waveform_unet_lru.live.config import LiveConfig
from waveform_unet_lru.live.feature_norm import FeatureNorm
from waveform_unet_lru.live.start import start_in_seconds
from waveform_unet_lru.lru import LRU


class FullBand(nn.Module):
    """All bands into few features, a recurrence of those along time, and back, added to the input.

    Untrained it adds nothing: a network that is trained already can be given one.

    Args:
        config: of the network.
        generator: see `LiveNetwork`.
    """

    def __init__(self, config: LiveConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        size, all_bands = config.full_band, config.bands * config.width
        self.into = nn.Linear(all_bands, size, bias=False)
        self.into_norm = FeatureNorm(size)
        self.lru = LRU(size, size)
        start_in_seconds(self.lru, config.frames_per_second, generator=generator)
        self.lru_norm = FeatureNorm(size)
        self.out_of = nn.Linear(size, all_bands)
        nn.init.zeros_(self.out_of.weight)
        nn.init.zeros_(self.out_of.bias)

    def forward(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of frames.

        Args:
            x: shape (frames, batch, bands, width).
            state: shape (batch, 2 full_band), real and imaginary parts in turn; rest if None.

        Returns:
            The output, of the shape of `x`, and the state after it.
        """
        features = torch.relu(self.into_norm(self.into(x.flatten(2))))
        before = None if state is None else torch.view_as_complex(state.unflatten(-1, (-1, 2)))
        y, after = self.lru(features.transpose(0, 1), before)
        y = torch.relu(self.lru_norm(y.transpose(0, 1)))
        return x + self.out_of(y).view_as(x), torch.view_as_real(after).flatten(-2)

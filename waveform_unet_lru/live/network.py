"""The live model's network: a mask for each frame, from the frames up to it.

Inside a frame a U-Net works along frequency; all memory lies in running averages of the bins and in
Linear Recurrent Units along time. No convolution crosses time, so their states are all that a
stream has to keep.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from waveform_unet_lru.live.averages import RunningAverages
from waveform_unet_lru.live.config import BINS, POSITIONS, LiveConfig
from waveform_unet_lru.live.feature_norm import FeatureNorm
from waveform_unet_lru.live.full_band import FullBand
from waveform_unet_lru.live.start import start_in_seconds
from waveform_unet_lru.lru import LRU

State = tuple[Tensor, ...]

COMPRESSION = 0.3
# The power of a bin below which compression ends, where its gradient would grow without bound:
# that of rounding to 16 bits.
LEAST_POWER = 1e-12
_ACROSS = {"kernel_size": (1, 8), "stride": (1, 4), "padding": (0, 2), "bias": False}


class LiveNetwork(nn.Module):
    """Spectrum in, complex mask out, causal frame by frame (LRU: Orvieto et al. 2023).

    Features are (frames, batch, frequency, channels) in memory everywhere: what convolutions on a
    CPU want, and recurrences too, whose steps then lie together. Normalisation is over batches in
    training and by running statistics otherwise; nothing normalises over an utterance. Untrained,
    it returns masks of 1.

    Args:
        config: its sizes.
        generator: of the recurrences' first time constants; torch's default one if None.
    """

    def __init__(self, config: LiveConfig, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        channels, width = config.channels, config.width
        self.averages = RunningAverages(config.averages, config.frames_per_second)
        self.encoder = nn.Sequential(
            nn.Conv2d(3 + config.averages, channels, **_ACROSS),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *(Residual(channels) for _ in range(config.convolutions)),
        )
        self.into_bands = nn.Linear(POSITIONS, config.bands, bias=False)
        self.into_width = nn.Linear(channels, width, bias=False)
        self.into_norm = FeatureNorm(width)
        self.band_embedding = nn.Parameter(torch.zeros(config.bands, width))
        self.blocks = nn.ModuleList(Block(config, generator) for _ in range(config.blocks))
        self.full_band = FullBand(config, generator) if config.full_band else None
        self.from_width = nn.Linear(width, channels)
        self.from_bands = nn.Linear(config.bands, POSITIONS, bias=False)
        self.decoder = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *(Residual(channels) for _ in range(config.convolutions)),
        )
        self.into_mask = nn.ConvTranspose2d(channels, 2, **{**_ACROSS, "bias": True})
        nn.init.zeros_(self.into_mask.weight)
        with torch.no_grad():
            self.into_mask.bias.copy_(torch.tensor([1.0, 0.0]))

    @property
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name to shape of the states, in their order, without the batch.

        The recurrences' are complex, real and imaginary parts in turn.
        """
        config = self.config
        blocks = {
            f"block_{index}": (config.bands, 2 * config.states) for index in range(config.blocks)
        }
        full_band = {"full_band": (2 * config.full_band,)} if config.full_band else {}
        return {"averages": (config.averages, BINS), **blocks, **full_band}

    def forward(self, spectrum: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a stretch of frames.

        Args:
            spectrum: float32 of shape (batch, frames, 256, 2), real and imaginary parts as
                `FrontEnd.for_network` gives them.
            state: what the stretch before it returned; rest if None. float32 tensors in the order
                of `state_shapes`, each of shape (batch, *its shape).

        Returns:
            The mask, of the shape of `spectrum`, and the state after it.
        """
        features, averages = self._features(spectrum, None if state is None else state[0])
        encoded = self.encoder(features.permute(0, 3, 1, 2))
        x = torch.matmul(self.into_bands.weight, encoded.permute(0, 2, 3, 1))
        x = self.into_norm(self.into_width(x)) + self.band_embedding
        after = [averages]
        of_all_bands: tuple[Tensor, ...] = ()
        for index, block in enumerate(self.blocks, start=1):
            x, last = block(x, None if state is None else state[index])
            after.append(last)
            if self.full_band is not None and index == blocks_before_full_band(len(self.blocks)):
                x, last = self.full_band(x, None if state is None else state[-1])
                of_all_bands = (last,)
        x = torch.matmul(self.from_bands.weight, self.from_width(x))
        decoded = self.decoder(torch.cat([encoded, x.permute(0, 3, 1, 2)], dim=1))
        mask = self.into_mask(decoded).permute(2, 0, 3, 1)
        if kept := self.config.kept_share:
            mask = (1 - kept) * mask + kept * mask.new_tensor([1.0, 0.0])
        return mask.to(spectrum.dtype), (*after, *of_all_bands)

    def _features(self, spectrum: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return what the encoder sees, (frames, batch, 256, features), and the averages' state."""
        with torch.autocast(spectrum.device.type, enabled=False):
            parts, magnitude = compressed(spectrum.transpose(0, 1))
            before = None if state is None else state.transpose(1, 2)
            averages, after = self.averages(magnitude, before)
            features = torch.cat([parts, magnitude[..., None], averages], dim=-1)
            return features, after.transpose(1, 2)


class Residual(nn.Module):
    """A convolution over three neighbours along frequency, added to its input.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(frames, channels, batch, positions) to the same shape."""
        return x + torch.relu(self.norm(self.convolution(x)))


class Block(nn.Module):
    """A recurrence along time in every band, a gated linear unit, a mixing along frequency.

    The bands share the recurrence's weights. It is normalised after C, for a constant input gains
    many times over in a state with a long memory.

    Args:
        config: of the network.
        generator: see `LiveNetwork`.
    """

    def __init__(self, config: LiveConfig, generator: torch.Generator | None) -> None:
        super().__init__()
        width = config.width
        self.lru = LRU(width, config.states)
        start_in_seconds(self.lru, config.frames_per_second, generator=generator)
        self.lru_norm = FeatureNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.mixing_norm = FeatureNorm(width)
        self.mixing: Attention | Linear
        if config.mixing == "attention":
            self.mixing = Attention(width, config.heads)
        else:
            self.mixing = Linear(config.bands)

    def forward(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run over a stretch of frames.

        Args:
            x: shape (frames, batch, bands, width).
            state: shape (batch, bands, 2 states); rest if None.

        Returns:
            The output, of the shape of `x`, and the state after it.
        """
        y, after = self._recur(x, state)
        x = x + self._gated(self.lru_norm(y))
        return x + self.mixing(self.mixing_norm(x)), after

    def _gated(self, y: Tensor) -> Tensor:
        """Apply the gated linear unit, in halves: torch's `glu` of both at once takes ten times."""
        halves = zip(self.gate.weight.chunk(2), self.gate.bias.chunk(2), strict=True)
        value, gate = (linear(y, *half) for half in halves)
        return value * gate.sigmoid()

    def _recur(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Let the bands be a batch to the recurrence."""
        batch_and_bands = x.shape[1:3]
        before = None
        if state is not None:
            before = torch.view_as_complex(state.flatten(0, 1).unflatten(-1, (-1, 2)))
        y, after = self.lru(x.flatten(1, 2).transpose(0, 1), before)
        y = y.transpose(0, 1).unflatten(1, batch_and_bands)
        return y, torch.view_as_real(after).flatten(-2).unflatten(0, batch_and_bands)


class Attention(nn.Module):
    """Self-attention of the bands of a frame (Vaswani et al. 2017).

    Args:
        width: of input and output.
        heads: dividing `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(frames, batch, bands, width) to the same shape."""
        # Three times (frames, batch, heads, bands, width / heads).
        split = self.query_key_value(x).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(3, 0, 1, 4, 2, 5)
        scores = query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)
        # Of few numbers in half precision, torch's softmax takes four times as long.
        weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))
        return self.out((weights.to(value.dtype) @ value).transpose(2, 3).flatten(3))


class Linear(nn.Module):
    """One linear map from all bands of a frame to all, the same for all features.

    Args:
        bands: of input and output.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(bands, bands))
        self.bias = nn.Parameter(torch.zeros(bands, 1))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(frames, batch, bands, width) to the same shape."""
        return torch.matmul(self.weight, x) + self.bias


def blocks_before_full_band(blocks: int) -> int:
    """Return how many of the blocks come before the recurrence over all bands, if there is one."""
    return (blocks + 1) // 2


def compressed(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Raise magnitudes to a power of 0.3 and keep the phases.

    In silence it is linear, with a finite gradient.

    Args:
        spectrum: shape (..., 2).

    Returns:
        The compressed spectrum, of the same shape, and its magnitudes, shape (...).
    """
    power = sum(part.square() for part in spectrum.unbind(-1)) + LEAST_POWER
    factor = power ** ((COMPRESSION - 1) / 2)
    return spectrum * factor[..., None], power.sqrt() * factor

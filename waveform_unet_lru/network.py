"""The published 1D U-Net on the waveform with a Linear Recurrent Unit in its bottleneck."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from waveform_unet_lru.layers import Conv, StridedConv, StridedConvTranspose, joined
from waveform_unet_lru.lru import LRUBlock

FEATURES = (16, 32, 64, 128)
"""Channels of the levels of the published network."""


class DownPool1D(nn.Module):
    """Fewer samples, more channels: a strided convolution that doubles the channels.

    Args:
        in_channels: of the input; the output has twice as many.
        downsample_factor: by which the samples become fewer, rounded down.
    """

    def __init__(self, in_channels: int, downsample_factor: int = 2) -> None:
        super().__init__()
        self.conv = StridedConv(in_channels, 2 * in_channels, downsample_factor, downsample_factor)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, time) to (batch, 2 channels, time // factor)."""
        return self.conv(x)


class UpPool1D(nn.Module):
    """More samples, fewer channels: a strided transposed convolution that halves the channels.

    Args:
        in_channels: of the input, even; the output has half as many.
        upsample_factor: by which the samples become more.
    """

    def __init__(self, in_channels: int, upsample_factor: int = 2) -> None:
        super().__init__()
        self.conv = StridedConvTranspose(
            in_channels, in_channels // 2, upsample_factor, upsample_factor
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, time) to (batch, channels // 2, factor time)."""
        return self.conv(x)


class UNetLRUAudio(nn.Module):
    """Noisy waveform in, clean waveform out (U-Net: Ronneberger et al. 2015; LRU: Orvieto 2023).

    Names, arithmetic and first values are those of the published network, so that its weights load
    strictly. It is not causal: the convolutions see 60 samples ahead at the published size.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        features: channels of the levels; each halves the rate.
    """

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, features: Sequence[int] = FEATURES
    ) -> None:
        super().__init__()
        self.features = tuple(features)
        self.down_blocks, self.down_pools = nn.ModuleList(), nn.ModuleList()
        channels = in_channels
        for width in self.features:
            self.down_blocks.append(_double_conv(channels, width))
            self.down_pools.append(DownPool1D(width))
            channels = 2 * width
        self.lru = LRUBlock(channels, channels)
        self.up_pools, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        for width in reversed(self.features):
            self.up_pools.append(UpPool1D(channels, 2))
            self.up_blocks.append(_double_conv(channels // 2 + width, width))
            channels = width
        self.final = Conv(channels, out_channels, 1)

    @property
    def multiple(self) -> int:
        """The shortest input in samples; multiples of it come out without interpolation."""
        return 2 ** len(self.features)

    def forward(self, x: Tensor) -> Tensor:
        """Denoise.

        Args:
            x: shape (batch, channels, time), any time; shorter ones than `multiple`, on which the
                published network fails, are padded with zeros and cut.

        Returns:
            Shape (batch, channels, time).
        """
        time = x.shape[-1]
        if time < self.multiple:
            x = pad(x, (0, self.multiple - time))
        bottleneck, skips = self.encode(x)
        bottleneck = self.lru(bottleneck.transpose(1, 2)).transpose(1, 2)
        return self.decode(bottleneck, skips)[..., :time]

    def encode(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the way down.

        Returns:
            What goes into the recurrence, shape (batch, channels, time / multiple), and each
            level's features from the top.
        """
        skips = []
        for block, pool in zip(self.down_blocks, self.down_pools, strict=True):
            x = block(x)
            skips.append(x)
            x = pool(x)
        return x, skips

    def decode(self, x: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Run the way up, from what the recurrence returned and the features of the way down."""
        for pool, block, skip in zip(self.up_pools, self.up_blocks, reversed(skips), strict=True):
            x = pool(x)
            if x.shape[-1] != skip.shape[-1]:
                x = _one_longer(x)
            x = block(joined(skip, x))
        return self.final(x)

    def denoise_single(self, noisy: Tensor) -> Tensor:
        """Denoise one recording, or several of one length.

        Args:
            noisy: shape (time,) or (batch, time).

        Returns:
            Shape (1, time) or (batch, time), without a gradient.

        Raises:
            ValueError: for any other shape.
        """
        if noisy.ndim not in (1, 2):
            raise ValueError(f"noisy has shape {tuple(noisy.shape)}; (time,) or (batch, time)")
        training = self.training
        self.eval()
        try:
            with torch.no_grad():
                batch = noisy.to(self.final.weight).reshape(-1, 1, noisy.shape[-1])
                return self(batch)[:, 0]
        finally:
            self.train(training)

    def denoise_multiple(self, noisy: Sequence[Tensor]) -> list[Tensor]:
        """Denoise several recordings of any lengths; see `denoise_single`."""
        return [self.denoise_single(each) for each in noisy]


def _double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        Conv(in_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        Conv(out_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def _one_longer(x: Tensor) -> Tensor:
    """Stretch by one sample: linear interpolation with align_corners=False.

    A level of odd length comes back one sample short. Torch's own interpolation reckons positions
    in single precision and is off by whole samples in a recording of ten minutes.
    """
    time = x.shape[-1] + 1
    share = (torch.arange(time, dtype=torch.float64, device=x.device) + 0.5) / time
    x = pad(x, (1, 1), mode="replicate")
    return torch.lerp(x[..., 1:], x[..., :-1], share.to(x.dtype))

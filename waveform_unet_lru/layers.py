"""Convolutions along time in the forms that a processor computes fastest.

Torch's 1D convolutions on a CPU take several times as long as the same arithmetic written as a 2D
convolution with the channels last in memory, or, where the kernel is as long as the stride, as a
matrix product. Names, shapes and first values of the weights are those of the layers they derive
from. `benchmarks/bench_unet_lru.py` has the figures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


class Conv(nn.Conv1d):
    """Conv1d with stride 1."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, time) to (batch, out_channels, time)."""
        if x.device.type != "cpu":
            return super().forward(x)
        weight = self.weight[:, :, None].contiguous(memory_format=torch.channels_last)
        return conv2d(x[:, :, None], weight, self.bias, padding=(0, *self.padding)).squeeze(2)


class StridedConv(nn.Conv1d):
    """Conv1d whose kernel is as long as its stride."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, time) to (batch, out_channels, time // stride)."""
        factor = self.stride[0]
        time = x.shape[-1] // factor
        weight = self.weight.transpose(1, 2).flatten(1)
        frames = channels_last(x[..., : factor * time]).reshape(len(x), time, weight.shape[1])
        return linear(frames, weight, self.bias).transpose(1, 2)


class StridedConvTranspose(nn.ConvTranspose1d):
    """ConvTranspose1d whose kernel is as long as its stride."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, time) to (batch, out_channels, stride * time)."""
        factor = self.stride[0]
        weight = self.weight.permute(2, 1, 0).flatten(0, 1)
        bias = None if self.bias is None else self.bias.repeat(factor)
        frames = linear(channels_last(x), weight, bias)
        return frames.reshape(len(x), factor * x.shape[-1], self.out_channels).transpose(1, 2)


def channels_last(x: Tensor) -> Tensor:
    """(batch, channels, time) to (batch, time, channels), without a copy."""
    return x.transpose(1, 2)


def joined(*parts: Tensor) -> Tensor:
    """Concatenate along the channels, (batch, channels, time) each, and keep these last."""
    return torch.cat([channels_last(part) for part in parts], dim=2).transpose(1, 2)

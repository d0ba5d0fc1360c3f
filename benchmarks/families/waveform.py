"""A causal waveform U-Net with Linear Recurrent Units on every level, no transform around it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import glu, pad

from waveform_unet_lru.live.network import FeatureNorm
from waveform_unet_lru.lru import LRU
from waveform_unet_lru.recurrence import linear_scan

SAMPLE_RATE = 16_000
_STRIDE = 4
_LONGEST_SECONDS = 4.0
_LOWEST_HZ = 0.5
_REAL_SHARE = 1 / 3
_AS_GOOD_AS_REAL = 1e-3  # hertz
_EMPHASIS = 0.9
_LEVEL_SECONDS = 1.0
_LEAST_POWER = 1e-10


@dataclass(frozen=True)
class WaveformConfig:
    """What a waveform network is built from.

    Attributes:
        channels: of the first level, after the first stride of 4.
        growth: how many times as many the next level has.
        levels: each at a quarter of the rate of the one above.
        blocks: on each level, going down, and again going up.
        ahead: samples of look-ahead; the lag is so many and a stride of all levels together.
    """

    channels: int = 24
    growth: int = 2
    levels: int = 4
    blocks: int = 1
    ahead: int = 256

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name == "ahead" else 1
            if type(value) is not int or value < least:
                raise ValueError(f"{name} is {value!r}; a whole number from {least} is wanted")

    @property
    def widths(self) -> list[int]:
        """Channels of each level, from the top."""
        return [self.channels * self.growth**level for level in range(self.levels)]

    @property
    def rates(self) -> list[float]:
        """Steps a second of each level."""
        return [SAMPLE_RATE / _STRIDE ** (level + 1) for level in range(self.levels)]

    @property
    def total_stride(self) -> int:
        """Samples that are one step on the lowest level."""
        return _STRIDE**self.levels

    @property
    def lag_samples(self) -> int:
        """How far ahead of a sample of the output the input counts, and one more."""
        return self.ahead + self.total_stride

    def plain(self) -> dict[str, Any]:
        """Return the sizes as a dict of plain types."""
        return asdict(self)


def count_macs(config: WaveformConfig) -> float:
    """Return multiplications with additions a second, as `live.size.count_macs` counts them."""
    total, above = 0.0, 1
    for level, (width, rate) in enumerate(zip(config.widths, config.rates, strict=True)):
        block = 4 * width**2 + 4 * width + width + 2 * width**2
        ways = 1 if level == config.levels - 1 else 2
        across = 2 * 2 * _STRIDE * above * width
        total += rate * (across + ways * config.blocks * block)
        above = width
    return total


class WaveformNetwork(nn.Module):
    """Noisy voice in, voice out, both at 16 kHz.

    The idea is aTENNuate's (Pei et al. 2024): strided convolutions down and up, skips that are
    added, a state space model on each level. Here the models are LRUs with gated linear units as
    the live network has them, and the convolutions reach over two strides, back in time. What the
    live network compresses spectra for, that what is quiet or high counts too, is done with an
    emphasis of high frequencies, taken back at the end, and by division by the level over the last
    second. Only the gates are not linear, so that a way lies open for the waveform itself. Features
    are (batch, time, channels). Untrained, it returns its input.

    Args:
        config: its sizes.
    """

    def __init__(self, config: WaveformConfig) -> None:
        super().__init__()
        self.config = config
        pairs = list(zip([1, *config.widths], config.widths, strict=False))
        self.down = nn.ModuleList(Down(above, below) for above, below in pairs)
        self.before = nn.ModuleList(self._blocks(level) for level in range(config.levels))
        self.up = nn.ModuleList(Up(below, above) for above, below in pairs)
        # No second time on the lowest level.
        self.after = nn.ModuleList(self._blocks(level) for level in range(config.levels - 1))
        nn.init.zeros_(self.up[0].taps.weight)

    def forward(self, audio: Tensor) -> Tensor:
        """Denoise recordings, float32 of shape (batch, samples)."""
        samples, stride = audio.shape[-1], self.config.total_stride
        ahead = self.config.ahead
        padded = pad(audio, (0, ahead + -(samples + ahead) % stride))
        emphasised = padded - _EMPHASIS * pad(padded, (1, -1))
        level = _level(emphasised, stride)
        difference = _without_emphasis(self._difference(emphasised / level) * level)
        return audio + difference[:, ahead : ahead + samples]

    def _difference(self, audio: Tensor) -> Tensor:
        x, skips = audio[..., None], []
        for down, blocks in zip(self.down, self.before, strict=True):
            x = blocks(down(x))
            skips.append(x)
        x = skips.pop()
        for level in range(self.config.levels - 1, 0, -1):
            x = self.after[level - 1](self.up[level](x) + skips.pop())
        return self.up[0](x)[..., 0].to(audio.dtype)

    def _blocks(self, level: int) -> nn.Sequential:
        width, rate = self.config.widths[level], self.config.rates[level]
        return nn.Sequential(*(RecurrentBlock(width, rate) for _ in range(self.config.blocks)))


class Down(nn.Module):
    """A convolution over the last two strides of every stride, as one matrix product.

    Args:
        above: channels of the input.
        below: channels of the output.
    """

    def __init__(self, above: int, below: int) -> None:
        super().__init__()
        self.taps = nn.Linear(2 * _STRIDE * above, below, bias=False)
        self.norm = FeatureNorm(below)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, above) to (batch, time / 4, below)."""
        strides = x.unflatten(1, (-1, _STRIDE)).flatten(2)
        earlier = pad(strides, (0, 0, 1, -1))
        return self.norm(self.taps(torch.cat([earlier, strides], dim=-1)))


class Up(nn.Module):
    """The transposed convolution, over a stride and the one after it.

    Args:
        below: channels of the input.
        above: channels of the output.
    """

    def __init__(self, below: int, above: int) -> None:
        super().__init__()
        self.taps = nn.Linear(below, 2 * _STRIDE * above, bias=False)
        self.norm = FeatureNorm(above) if above > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, below) to (batch, 4 time, above)."""
        strides, next_strides = self.taps(x).chunk(2, dim=-1)
        joined = strides + pad(next_strides, (0, 0, 1, -1))
        return self.norm(joined.unflatten(-1, (_STRIDE, -1)).flatten(1, 2))


class RecurrentBlock(nn.Module):
    """An LRU and a gated linear unit, `live.network.Block` without a mixing.

    Args:
        width: channels.
        rate: steps a second.
    """

    def __init__(self, width: int, rate: float) -> None:
        super().__init__()
        self.lru = LRU(width, width)
        _start(self.lru, rate)
        self.norm = FeatureNorm(width)
        self.gate = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) to the same shape."""
        return x + glu(self.gate(self.norm(self.lru(x)[0])))


def _start(lru: LRU, rate: float) -> None:
    """Start as `live.start` does, but from a step's time on and up to a quarter of the rate."""
    states = len(lru.nu_log)
    seconds = _log_uniform(1 / rate, _LONGEST_SECONDS, states)
    hertz = _log_uniform(_LOWEST_HZ, rate / 4, states)
    hertz[: round(_REAL_SHARE * states)] = _AS_GOOD_AS_REAL
    with torch.no_grad():
        lru.nu_log.copy_(-torch.log(seconds * rate))
        lru.theta_log.copy_(torch.log(2 * math.pi * hertz / rate))


def _log_uniform(low: float, high: float, count: int) -> Tensor:
    return low * (high / low) ** torch.rand(count)


def _without_emphasis(audio: Tensor) -> Tensor:
    """Undo the emphasis: y_t = x_t + 0.9 y_{t-1} along the last dimension."""
    factor = torch.tensor([_EMPHASIS], dtype=torch.float64, device=audio.device)
    return linear_scan(audio[..., None], factor)[0][..., 0]


def _level(audio: Tensor, stride: int) -> Tensor:
    """Return the RMS over about the last second at each sample, that of a stride alike in it."""
    power = audio.detach().unflatten(-1, (-1, stride)).square().mean(-1)
    kept = math.exp(-stride / SAMPLE_RATE / _LEVEL_SECONDS)
    factor = torch.tensor([kept], dtype=torch.float64, device=audio.device)
    steps = torch.arange(1, power.shape[-1] + 1, device=audio.device)
    weight = (1 - factor) / (1 - factor**steps)  # less than a second has gone by at first
    mean = linear_scan(power[..., None], factor)[0][..., 0] * weight.to(power.dtype)
    return (mean + _LEAST_POWER).sqrt().repeat_interleave(stride, dim=-1)

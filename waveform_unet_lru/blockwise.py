"""The network over a recording of any length in constant memory, as if it had seen it whole.

The recording is taken block by block. Two things cross the borders of a block: the state of the
recurrence, which is carried, and the reach of the convolutions, for which each block is computed
with a margin of real samples on both sides that is cut off afterwards. Zeros stand beyond the
margins as they do beyond the recording's own ends, and do not reach what is kept. So the result is
that of the network on the whole recording, filled with zeros to a multiple of `network.multiple`.

The way down and the way up reach equally far, a margin each: what is finished from a to b needs
the recurrence's output from one margin before a to one after b, and the input from two before a to
two after b. The recurrence itself sees each frame once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from waveform_unet_lru.network import UNetLRUAudio

# Two seconds at 16 kHz, in 85 MB for each channel. Blocks of one take 5 to 10 % longer, those of
# four a few per cent less in 200 MB, and recordings side by side gain no more than longer blocks do
# (`benchmarks/bench_side_by_side.py`).
BLOCK_SAMPLES = 32_000


def denoised(
    network: UNetLRUAudio,
    blocks: Iterable[np.ndarray],
    *,
    block_samples: int = BLOCK_SAMPLES,
) -> Iterator[np.ndarray]:
    """Run the network over a stream of any length, at the network's own sample rate.

    Args:
        network: from one channel to one channel, float32, on any device.
        blocks: each of shape (samples, channels), of any lengths; the channels are a batch.
        block_samples: how many samples are computed at once, apart from the margins.

    Yields:
        float32 blocks of shape (samples, channels), as many samples in all as went in.
    """
    run = _Pass(network)
    for block in _regrouped(blocks, block_samples):
        yield from run.take(block)
    yield from run.rest()


def margin_samples(network: UNetLRUAudio) -> int:
    """Return how far the zeros beside a block reach into it on the way down, or on the way up.

    Each convolution lets in as much as it pads, at the rate of its level. Rounded up to a
    `multiple`, since a frame of the bottleneck is right or wrong as a whole.
    """
    down, up, step = 0, 0, 1
    for block, pool in zip(network.down_blocks, network.down_pools, strict=True):
        down += step * _padding(block)
        step *= pool.conv.stride[0]
    for pool, block in zip(network.up_pools, network.up_blocks, strict=True):
        step //= pool.conv.stride[0]
        up += step * _padding(block)
    return -(-max(down, up) // network.multiple) * network.multiple


class _Stretch(NamedTuple):
    """Values of one level from `start` to `stop`, in samples; shape (channels, width, time)."""

    values: Tensor
    start: int
    stop: int

    def cut(self, start: int, stop: int) -> Tensor:
        """Return the values from `start` to `stop`."""
        step = (self.stop - self.start) // self.values.shape[-1]
        return self.values[..., (start - self.start) // step : (stop - self.start) // step]


class _Pass:
    """One pass over a recording: what has been read and not yet finished, and the state.

    Positions are in samples from the recording's beginning. All but the number of samples read are
    multiples of `network.multiple`, so that every level is cut between its own samples.
    """

    def __init__(self, network: UNetLRUAudio) -> None:
        self._network = network
        self._margin = margin_samples(network)
        self._finished = 0  # what lies before it has been given out
        self._input: _Stretch | None = None  # up to the last sample read
        self._recurrent: _Stretch | None = None  # the recurrence's output so far
        self._state: Tensor | None = None

    def take(self, block: np.ndarray) -> Iterator[np.ndarray]:
        """Read a block of shape (samples, channels) and finish what can be."""
        read = self._read(torch.tensor(block.T[:, None], device=self._network.final.weight.device))
        limit = read - read % self._network.multiple
        stop = limit - 2 * self._margin
        if stop > self._finished:
            yield self._finish(stop, limit)

    def rest(self) -> Iterator[np.ndarray]:
        """Finish what is left at the end of the recording."""
        if self._input is None:
            return
        left = self._input.stop - self._finished
        missing = -self._input.stop % self._network.multiple
        stop = self._read(self._input.values.new_zeros(*self._input.values.shape[:2], missing))
        yield self._finish(stop, stop)[:left]

    def _read(self, new: Tensor) -> int:
        """Add to the input, forget what is no longer needed, return how much has been read."""
        start, stop = max(0, self._finished - 2 * self._margin), 0
        if self._input is not None:
            stop = self._input.stop
            new = torch.cat([self._input.cut(start, stop), new], dim=-1)
        self._input = _Stretch(new, start, start + new.shape[-1])
        return self._input.stop

    @torch.inference_mode()
    def _finish(self, stop: int, limit: int) -> np.ndarray:
        """Return the output up to `stop`, from the input up to `limit`: (samples, channels)."""
        assert self._input is not None
        start = self._input.start
        bottleneck, skips = self._network.encode(self._input.cut(start, limit))
        first, last = max(0, self._finished - self._margin), min(stop + self._margin, limit)
        recurrent = self._recur(_Stretch(bottleneck, start, limit), first, last)
        skips = [_Stretch(skip, start, limit).cut(first, last) for skip in skips]
        output = self._network.decode(recurrent, skips)[..., self._finished - first : stop - first]
        self._finished = stop
        return output[:, 0].T.cpu().numpy()

    def _recur(self, bottleneck: _Stretch, first: int, last: int) -> Tensor:
        """Run the recurrence on to `last` and return its output from `first` on."""
        before = self._recurrent
        new = bottleneck.cut(before.stop if before else 0, last).transpose(1, 2)
        output, self._state = self._network.lru.step(new, self._state)
        values = output.transpose(1, 2)
        if before:
            values = torch.cat([before.cut(first, before.stop), values], dim=-1)
        self._recurrent = _Stretch(values, first, last)
        return values


def _regrouped(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Cut and join blocks to `size` to 2 `size` samples, all but the last; float32 copies."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        for start in range(0, len(block), size):
            # Copied at once, for who gives the blocks may fill the same array again.
            held.append(np.array(block[start : start + size], dtype=np.float32))
            count += len(held[-1])
            if count >= size:
                yield np.concatenate(held)
                held, count = [], 0
    if held:
        yield np.concatenate(held)


def _padding(layers: Iterable[nn.Module]) -> int:
    return sum(layer.padding[0] for layer in layers if isinstance(layer, nn.Conv1d))

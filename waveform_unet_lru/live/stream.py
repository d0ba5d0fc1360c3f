"""Blocks of any size in, as many samples out: what lies between a live signal and the core."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from waveform_unet_lru.live.core import Core, Steps
from waveform_unet_lru.live.framing import Framing
from waveform_unet_lru.live.frontend import FrontEnd

_FRAMES_AT_ONCE = 128
_CORE = "core_"


class Stream:
    """Denoises a signal as it comes in.

    What comes out lags by a constant number of samples, zeros first. But for rounding it does not
    depend on how the signal was cut into blocks.

    Args:
        core: the network.
        sample_rate: of the signal, in hertz, 8000 to 48000.
        channels: of the signal, denoised each by itself.
        whole_hops: a promise that every block is a multiple of `hop_samples`, for one hop less of
            lag.

    Attributes:
        sample_rate: of the signal, in hertz.
        channels: of the signal.
        hop_samples: samples from one frame to the next.
        lag_samples: from a sample's coming in to its going out.

    Raises:
        UserError: for other sample rates.
    """

    def __init__(
        self, core: Core, sample_rate: int, channels: int = 1, *, whole_hops: bool = False
    ) -> None:
        self._core = core
        self._front_end = FrontEnd(sample_rate, core.config.window)
        self._whole_hops = whole_hops
        self.sample_rate = sample_rate
        self.channels = channels
        self.hop_samples = self._front_end.hop
        self.lag_samples = self._front_end.lag_samples - (self.hop_samples if whole_hops else 0)
        self._framing: Framing
        self._ready: np.ndarray  # what is finished and has to wait for its turn
        self._steps: Steps
        self._rest()

    def process(self, block: np.ndarray) -> np.ndarray:
        """Take the next samples and return as many.

        Args:
            block: shape (samples, channels), or (samples,) of one channel; any length.

        Returns:
            float32 of the same shape.

        Raises:
            ValueError: if the shape is another, a value is NaN or infinite, or the promise of whole
                hops is broken. The stream is then as it was before.
        """
        samples = self._checked(block)
        count = samples.shape[1]
        ready = self._advanced(samples)
        if self._ready.shape[1]:
            ready = np.concatenate([self._ready, ready], axis=1)
        self._ready = ready[:, count:]
        return np.ascontiguousarray(ready[:, :count].T).reshape(block.shape)

    def flush(self) -> np.ndarray:
        """Return the last `lag_samples` samples; the stream is then at rest, as if new.

        Returns:
            float32 of shape (lag_samples, channels), or (lag_samples,) of one channel.
        """
        rest = self.process(np.zeros((self.lag_samples, self.channels), np.float32))
        self._rest()
        return rest[:, 0] if self.channels == 1 else rest

    def state(self) -> dict[str, np.ndarray]:
        """Return all that a stream made with the same arguments needs to go on from here.

        Returns:
            Name to array, copies, fit for `numpy.savez`.
        """
        core = {f"{_CORE}{index}": array for index, array in enumerate(self._steps.state)}
        return {name: array.copy() for name, array in {**self._buffers(), **core}.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from where `state()` was called.

        Raises:
            ValueError: if it is the state of a stream with other arguments. The stream is then as
                it was before.
        """
        shapes = [array.shape for array in self._steps.state]
        names = [*self._buffers(), *(f"{_CORE}{index}" for index in range(len(shapes)))]
        if set(names) != set(state):
            raise ValueError(f"a state holds {names}, and this has {sorted(state)}")
        made_with, *buffers = (np.array(state[name]) for name in self._buffers())
        core = tuple(np.array(state[name]) for name in names[len(buffers) + 1 :])
        same_shapes = [array.shape for array in core] == shapes
        if not np.array_equal(made_with, self._made_with()) or not same_shapes:
            raise ValueError("this is the state of a stream with another model, rate or channels")
        framing = self._framing
        framing.input, framing.overlap, self._ready, framing.begun = buffers
        self._steps.state = core

    def _rest(self) -> None:
        """Begin: the past is silence, and what the lag puts before the first sample is zero."""
        self._framing = Framing(self._front_end, self.channels)
        self._ready = np.zeros((self.channels, self.lag_samples), np.float32)
        self._steps = self._core.steps(self.channels)

    def _buffers(self) -> dict[str, np.ndarray]:
        return {
            "made_with": self._made_with(),
            "input": self._framing.input,
            "overlap": self._framing.overlap,
            "ready": self._ready,
            "begun": self._framing.begun,
        }

    def _made_with(self) -> np.ndarray:
        front_end = self._front_end
        return np.array([self.sample_rate, self.channels, self.lag_samples, front_end.hop])

    def _checked(self, block: np.ndarray) -> np.ndarray:
        """Return a block as float32 of shape (channels, samples)."""
        if block.shape[1:] != (self.channels,) and not (block.ndim == self.channels == 1):
            wanted = "(samples, 1) or (samples,)"
            if self.channels > 1:
                wanted = f"(samples, {self.channels})"
            raise ValueError(f"block has shape {block.shape}; {wanted} is wanted")
        if self._whole_hops and len(block) % self.hop_samples:
            raise ValueError(f"block has {len(block)} samples, no multiple of {self.hop_samples}")
        samples = np.asarray(block, np.float32).reshape(len(block), self.channels).T
        # The sum of squares takes a third of the time, but overflows for absurdly loud samples too.
        if not math.isfinite(np.vdot(samples, samples)) and not np.isfinite(samples).all():
            raise ValueError("block holds samples that are not numbers (NaN or infinite)")
        return samples

    def _advanced(self, samples: np.ndarray) -> np.ndarray:
        """Take samples and return those that no later frame adds to; (channels, samples)."""
        size = _FRAMES_AT_ONCE * self.hop_samples
        if samples.shape[1] <= size:
            return self._advanced_at_once(samples)
        starts = range(0, samples.shape[1], size)
        parts = [self._advanced_at_once(samples[:, start : start + size]) for start in starts]
        return np.concatenate(parts, axis=1)

    def _advanced_at_once(self, samples: np.ndarray) -> np.ndarray:
        spectrum = self._framing.analyse(samples)
        if not spectrum.shape[1]:
            return samples[:, :0]
        mask = self._steps(self._front_end.for_network(spectrum))
        return self._framing.synthesise(spectrum, mask)

"""The active speech level of a recording that is too long to hold: ITU-T P.56, block by block."""

from __future__ import annotations

import math

import numpy as np

from prepare_data.speech_level import HANGOVER_SECONDS, MARGIN_DB, SMOOTHING_SECONDS

_ENVELOPE_HZ = 1000  # enough for an envelope that is smoothed over 30 ms
_THRESHOLDS_DB = np.arange(-110.0, 12.0)  # relative to full scale; crossings are interpolated


class ActiveLevel:
    """Measures the active speech level (ITU-T P.56, method B) in constant memory.

    Where `prepare_data.active_speech_level` searches for the threshold, this counts the active
    time for all of them, 1 dB apart, as the standard's own algorithm does. Channels are measured
    together: the signal is their root mean square.
    """

    def __init__(self, sample_rate: int) -> None:
        self._pole = math.exp(-1 / (sample_rate * SMOOTHING_SECONDS))
        self._filter_state = np.zeros((2, 1))
        self._step = max(1, sample_rate // _ENVELOPE_HZ)
        self._skip = 0  # samples of the next block before its first envelope value
        self._reach = math.ceil(HANGOVER_SECONDS * sample_rate / self._step) + 1
        self._carried = np.zeros(len(_THRESHOLDS_DB), dtype=np.int64)
        self._active = np.zeros(len(_THRESHOLDS_DB), dtype=np.int64)
        self._energy = 0.0

    def add(self, block: np.ndarray) -> None:
        """Take the next block, of shape (samples, channels), full scale at 1."""
        if not len(block):
            return
        signal = np.sqrt(np.mean(np.square(block, dtype=np.float64), axis=1))
        self._energy += float(signal @ signal)
        envelope = self._envelope(signal)[self._skip :: self._step]
        self._skip = (self._skip - len(signal)) % self._step
        for index, threshold_db in enumerate(_THRESHOLDS_DB):
            above = np.flatnonzero(envelope >= 10 ** (threshold_db / 20))
            self._count(index, above, len(envelope))

    def level_dbfs(self) -> float:
        """Return the level so far (a constant 1 is 0 dBFS); -inf for silence."""
        active = np.flatnonzero(self._active)
        if not len(active) or self._energy <= 0:
            return -math.inf
        levels = 10 * np.log10(self._energy / (self._step * self._active[active]))
        margins = levels - _THRESHOLDS_DB[active]
        below = np.flatnonzero(margins <= MARGIN_DB)
        if not len(below) or below[0] == 0:
            return float(levels[below[0] if len(below) else -1])
        after = int(below[0])
        share = (margins[after - 1] - MARGIN_DB) / (margins[after - 1] - margins[after])
        return float(levels[after - 1] + share * (levels[after] - levels[after - 1]))

    def _envelope(self, signal: np.ndarray) -> np.ndarray:
        from scipy.signal import lfilter

        smoothed = signal
        for row in range(2):
            smoothed, self._filter_state[row] = lfilter(
                [1 - self._pole], [1, -self._pole], smoothed, zi=self._filter_state[row]
            )
        return smoothed

    def _count(self, index: int, above: np.ndarray, frames: int) -> None:
        """Count a block's active values: those above, and those less than a hangover after."""
        carried = int(self._carried[index])
        if not len(above):
            active = min(frames, carried)
            self._carried[index] = carried - active
        else:
            tail = frames - int(above[-1])
            active = min(int(above[0]), carried) + min(tail, self._reach)
            active += int(np.minimum(np.diff(above), self._reach).sum())
            self._carried[index] = max(0, self._reach - tail)
        self._active[index] += active

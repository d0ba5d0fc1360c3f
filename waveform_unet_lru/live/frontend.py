"""From samples at any rate to what the network sees, and back: a short-time Fourier transform.

A frame lasts 32 ms at every rate, so that a bin is 31.25 Hz wide and the network always sees the
same 256 bins below 8 kHz, without a resampler. Bins above are multiplied by how much the mask
leaves of 5 to 8 kHz.

Two pairs of windows: the square root of a Hann window for analysis and synthesis, with half a frame
of hop; and, for half the delay, the asymmetric pair of Mauler and Martin (2007), which analyses the
whole frame and synthesises from its last half, with a quarter of a frame of hop.
"""

from __future__ import annotations

import numpy as np

from prepare_data.errors import UserError
from waveform_unet_lru.live.config import BINS, FRAME_SECONDS, Window

_RATES = (8_000, 48_000)
# A transform of length 1412 = 4 * 353 takes four times as long as one of 1410 = 2 * 3 * 5 * 47.
_LARGEST_FACTOR = 50
FIRST_OF_LEVEL = 160  # 5 kHz
_SHARES_OF_LEVEL = np.full((BINS - FIRST_OF_LEVEL, 1), 1 / (BINS - FIRST_OF_LEVEL), np.float32)
_ONE = np.float32(1)


class FrontEnd:
    """Analysis and synthesis of frames at one sample rate.

    Args:
        sample_rate: in hertz, 8000 to 48000.
        window: "32ms" or "16ms", see `LiveConfig`.

    Attributes:
        sample_rate: in hertz.
        n_fft: samples of a frame, 32 ms or nearly so.
        hop: samples from a frame to the next.
        synthesis_length: samples at the end of a frame that it contributes to.
        lag_samples: from a sample's coming in to its going out, where input comes in blocks of any
            size; blocks of whole hops need one hop less.
        analysis_window: float64 of shape (n_fft,).
        synthesis_window: float64 of shape (synthesis_length,). Overlapping, its products with the
            end of the analysis window sum to 1.

    Raises:
        UserError: for other sample rates.
    """

    def __init__(self, sample_rate: int, window: Window = "32ms") -> None:
        lowest, highest = _RATES
        if not lowest <= sample_rate <= highest:
            raise UserError(
                f"The live model works from {lowest} to {highest} Hz, and this is {sample_rate} "
                "Hz; resample it first."
            )
        hops = 2 if window == "32ms" else 4
        self.sample_rate = sample_rate
        self.n_fft = _fast_length(FRAME_SECONDS * sample_rate, multiple=hops)
        self.hop = self.n_fft // hops
        self.synthesis_length = self.lag_samples = 2 * self.hop
        self.analysis_window, self.synthesis_window = _window_pair(self.n_fft, self.hop)
        self._analysis = (self.analysis_window / self.n_fft).astype(np.float32)
        self._synthesis = self.synthesis_window.astype(np.float32)
        bins = self.n_fft // 2 + 1
        self._seen = min(BINS, bins)
        self._above = bins - self._seen

    def spectrum(self, frames: np.ndarray) -> np.ndarray:
        """Transform frames, scaled so that a tone keeps its level at any sample rate.

        Args:
            frames: float32 of shape (..., n_fft).

        Returns:
            complex64 of shape (..., n_fft // 2 + 1).
        """
        # With a place for the result, numpy's transform of a frame takes a sixth less time.
        result = np.empty((*frames.shape[:-1], self.n_fft // 2 + 1), np.complex64)
        return np.fft.rfft(frames * self._analysis, out=result)

    def for_network(self, spectrum: np.ndarray) -> np.ndarray:
        """Return real and imaginary parts of the bins below 8 kHz.

        Args:
            spectrum: complex64 of shape (..., n_fft // 2 + 1).

        Returns:
            float32 of shape (..., 256, 2); bins that a low sample rate lacks are zero.
        """
        if self._seen == BINS:
            return _as_pairs(np.ascontiguousarray(spectrum[..., :BINS]))
        parts = np.zeros((*spectrum.shape[:-1], BINS), dtype=np.complex64)
        parts[..., : self._seen] = spectrum
        return _as_pairs(parts)

    def masked(self, spectrum: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Multiply a spectrum by a complex mask.

        Args:
            spectrum: complex64 of shape (..., n_fft // 2 + 1).
            mask: float32 of shape (..., 256, 2). Above 8 kHz, the mean of its magnitude over 5 to
                8 kHz stands for it, but 1 at most; and where the spectrum ends at 8 kHz, the bin
                there takes its neighbour's.

        Returns:
            complex64 of the shape of `spectrum`.
        """
        factors = np.ascontiguousarray(mask, dtype=np.float32).view(np.complex64)[..., 0]
        seen = self._seen
        # One product of whole arrays, and no mean: with parts of arrays, and numpy's mean over so
        # few numbers, this takes three times as long.
        whole = np.empty_like(spectrum)
        whole[..., :seen] = factors[..., :seen]
        if self._above == 1:
            whole[..., seen] = factors[..., -1]
        elif self._above:
            level = np.abs(factors[..., FIRST_OF_LEVEL:]) @ _SHARES_OF_LEVEL
            whole[..., seen:] = np.minimum(level, _ONE)
        whole *= spectrum
        return whole

    def samples(self, spectrum: np.ndarray) -> np.ndarray:
        """Transform back and apply the window, for adding up with a hop between frames.

        Args:
            spectrum: complex64 of shape (..., n_fft // 2 + 1).

        Returns:
            float32 of shape (..., synthesis_length), the end of each frame.
        """
        frames = np.empty((*spectrum.shape[:-1], self.n_fft), np.float32)
        np.fft.irfft(spectrum, self.n_fft, norm="forward", out=frames)
        return frames[..., -self.synthesis_length :] * self._synthesis


def _as_pairs(values: np.ndarray) -> np.ndarray:
    return values.view(np.float32).reshape(*values.shape, 2)


def _window_pair(n_fft: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Return windows of n_fft and 2 hop samples whose product is a Hann window of 2 hop samples.

    The analysis rises over all but the last hop and falls over that. With hop = n_fft / 2 both are
    the square root of a Hann window.
    """
    rise = n_fft - hop
    analysis = np.concatenate(
        [np.sin(np.pi / 2 * np.arange(rise) / rise), np.cos(np.pi / 2 * np.arange(hop) / hop)]
    )
    root = np.sin(np.pi / 2 * np.arange(2 * hop) / hop)
    synthesis = root.copy()
    # With hop = n_fft / 2 the first sample would be 0 / 0.
    np.divide(root[:hop] ** 2, analysis[-2 * hop : -hop], out=synthesis[:hop], where=root[:hop] > 0)
    return analysis, synthesis


def _fast_length(wanted: float, *, multiple: int) -> int:
    """Return the nearest multiple whose transform is fast; the smaller of two as near."""
    nearest = round(wanted / multiple)
    lengths = (multiple * each for each in range(nearest // 2, 2 * nearest))
    by_distance = sorted(lengths, key=lambda length: abs(length - wanted))
    return next(each for each in by_distance if _largest_factor(each) <= _LARGEST_FACTOR)


def _largest_factor(number: int) -> int:
    largest, factor = 1, 2
    while number > 1:
        if number % factor:
            factor += 1
        else:
            largest, number = factor, number // factor
    return largest

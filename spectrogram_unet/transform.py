"""Back from the spectrogram to sound: the exact inverse of `prepare_data.stft`."""

from __future__ import annotations

import numpy as np

from prepare_data.picture import hann


def istft(spectrum: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Invert `prepare_data.stft` by weighted overlap-add (Griffin and Lim 1984).

    Where the spectrum was changed, the result is the signal whose STFT is nearest to it in the
    least-squares sense.

    Args:
        spectrum: complex, shape (n_fft // 2 + 1, frames).
        n_fft: window length in samples.
        hop_length: samples from frame to frame, at most half a window.

    Returns:
        Shape (frames * hop_length,), float32 for complex64; what `stft` was given, without the
        samples at the end that did not fill a hop.
    """
    window = hann(n_fft)
    frames = np.fft.irfft(spectrum.T, n=n_fft, axis=-1) * window.astype(spectrum.real.dtype)
    before = (n_fft - hop_length) // 2
    length = len(frames) * hop_length
    padded = _overlap_add(frames, hop_length)
    weights = _overlap_add(np.broadcast_to(window**2, frames.shape), hop_length)
    kept = slice(before, before + length)
    return (padded[kept] / weights[kept]).astype(frames.dtype)


def _overlap_add(frames: np.ndarray, hop_length: int) -> np.ndarray:
    """Add up frames of shape (frames, n_fft), each a hop after the one before."""
    count, n_fft = frames.shape
    parts = -(-n_fft // hop_length)
    total = np.zeros((count + parts - 1, hop_length))
    for part in range(parts):
        # All frames at once, a hop of their samples at a time.
        piece = frames[:, part * hop_length : (part + 1) * hop_length]
        total[part : part + count, : piece.shape[1]] += piece
    return total.reshape(-1)

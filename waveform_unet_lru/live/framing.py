"""Cut a signal that comes in block by block into frames, and add denoised frames up again."""

from __future__ import annotations

import numpy as np

from waveform_unet_lru.live.frontend import FrontEnd


class Framing:
    """What a front end needs to remember of a signal from one block to the next.

    What is put together has no lag of its own: its first sample is the signal's first. It comes as
    late as the frames do.

    Args:
        front_end: at the signal's sample rate.
        channels: of the signal.

    Attributes:
        input: what has come in and belongs to frames to come, shape (channels, samples).
        overlap: the last frame's part that the next one adds to, shape (channels, hop).
        begun: whether there has been a frame, an array of shape ().
    """

    def __init__(self, front_end: FrontEnd, channels: int) -> None:
        self._front_end = front_end
        # The past is silence.
        self.input = np.zeros((channels, front_end.n_fft - front_end.hop), np.float32)
        self.overlap = np.zeros((channels, front_end.hop), np.float32)
        self.begun = np.array(False)

    def analyse(self, samples: np.ndarray) -> np.ndarray:
        """Take samples and return the spectra of the frames that they complete.

        Args:
            samples: float32 of shape (channels, samples).

        Returns:
            complex64 of shape (channels, frames, n_fft // 2 + 1), of no frame or more.
        """
        n_fft, hop = self._front_end.n_fft, self._front_end.hop
        waiting = np.concatenate([self.input, samples], axis=1)
        count = (waiting.shape[1] - n_fft) // hop + 1
        self.input = waiting[:, count * hop :]
        return self._front_end.spectrum(_frames(waiting, count, n_fft, hop))

    def synthesise(self, spectrum: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the samples that no later frame adds to.

        Args:
            spectrum: what `analyse` returned, of one frame or more.
            mask: float32 of shape (channels, frames, 256, 2).

        Returns:
            float32 of shape (channels, samples).
        """
        hop = self._front_end.hop
        ends = self._front_end.samples(self._front_end.masked(spectrum, mask))
        finished = ends[..., :hop]
        if finished.shape[1] > 1:
            finished[:, 1:] += ends[:, :-1, hop:]
        finished[:, 0] += self.overlap
        self.overlap = ends[:, -1, hop:]
        finished = finished.reshape(len(finished), -1)
        if not self.begun:
            # The first frame's half that lies before the beginning; zeros stand for it.
            self.begun = np.array(True)
            finished = finished[:, hop:]
        return finished


def _frames(samples: np.ndarray, count: int, n_fft: int, hop: int) -> np.ndarray:
    """Cut (channels, samples) into (channels, count, n_fft); a frame is a whole number of hops."""
    # A sliding view would take ten times as long, which counts in blocks of one hop.
    if count == 1:
        return samples[:, None, :n_fft]
    hops = n_fft // hop
    parts = samples[:, : (count + hops - 1) * hop].reshape(len(samples), -1, hop)
    return np.concatenate([parts[:, first : first + count] for first in range(hops)], axis=2)

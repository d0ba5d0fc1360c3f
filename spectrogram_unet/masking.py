"""One window of sound: to its picture, to the noise in it, to gains, and back to sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from prepare_data.picture import Scale, encode_picture, own_scale, shared_scale, stft
from prepare_data.settings import PICTURE_SIZE
from spectrogram_unet.gain import GainRule
from spectrogram_unet.geometry import Geometry
from spectrogram_unet.transform import istft

Predictor = Callable[[np.ndarray], np.ndarray]
"""From a noisy picture, uint8 of shape (512, 512), to the noise picture's greys in [0, 1]."""


@dataclass(frozen=True)
class Window:
    """A stretch of sound, as a network sees it.

    Attributes:
        geometry: of the picture.
        spectrum: STFT, complex, shape (n_fft // 2 + 1, frames).
        scale: of the picture's greys.
    """

    geometry: Geometry
    spectrum: np.ndarray
    scale: Scale

    @property
    def silent(self) -> bool:
        """Whether there is nothing in it."""
        return self.scale.reference <= 0

    def picture(self, spectrum: np.ndarray | None = None) -> np.ndarray:
        """Return the greys of this or of another sound on this scale: uint8, (512, 512)."""
        greys = encode_picture(self.spectrum if spectrum is None else spectrum, self.scale)
        return np.ascontiguousarray(_resized(greys, (PICTURE_SIZE, PICTURE_SIZE)))

    def noise_to_noisy_db(self, noise_greys: np.ndarray) -> np.ndarray:
        """Return how far the noise is above the noisy voice.

        Args:
            noise_greys: the noise picture, in [0, 1], shape (512, 512).

        Returns:
            Decibels, shape (n_fft // 2, frames), low frequencies first.
        """
        shape = (self.scale.bins, self.spectrum.shape[1])
        noise_db = -self.scale.range_db * _resized(noise_greys, shape)[::-1]
        floor = 10 ** (-self.scale.range_db / 20)
        relative = np.abs(self.spectrum[: self.scale.bins]) / self.scale.reference
        return noise_db - 20 * np.log10(np.maximum(relative, floor))

    def filtered(self, gains: np.ndarray) -> np.ndarray:
        """Return the sound with each bin multiplied.

        Args:
            gains: shape (n_fft // 2, frames); the Nyquist bin gets those of the bin below it.

        Returns:
            float32, shape (frames * hop_length,).
        """
        whole = np.concatenate([gains, gains[-1:]]).astype(np.float32)
        geometry = self.geometry
        return istft(
            self.spectrum * whole, n_fft=geometry.n_fft, hop_length=geometry.hop_length
        ).astype(np.float32)


def look_at(audio: np.ndarray, geometry: Geometry) -> Window:
    """Turn a window of sound, shape (window_samples,), into what its picture is made of."""
    sizes = {"n_fft": geometry.n_fft, "hop_length": geometry.hop_length}
    spectrum = stft(audio, **sizes)
    scaled = own_scale if geometry.picture_scale == "own" else shared_scale
    return Window(geometry, spectrum, scaled(spectrum, geometry.sample_rate, **sizes))


def denoised_window(
    audio: np.ndarray, geometry: Geometry, predict: Predictor, rule: GainRule
) -> np.ndarray:
    """Denoise one window, shape (window_samples,), to float32 of the same shape."""
    window = look_at(audio, geometry)
    if window.silent:
        return np.zeros(len(audio), dtype=np.float32)
    noise = predict(window.picture())
    return window.filtered(rule.gains(window.noise_to_noisy_db(noise)))


def _resized(greys: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if greys.shape == shape:
        return greys
    image = Image.fromarray(greys).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)

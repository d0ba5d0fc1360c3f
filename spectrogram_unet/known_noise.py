"""The ceiling of the method: the same way to sound with the true noise picture, 8 bits and all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.resampling import at_rate
from enhancement.windows import overlapped
from prepare_data.errors import UserError
from prepare_data.picture import stft
from spectrogram_unet.gain import GainRule
from spectrogram_unet.geometry import Geometry
from spectrogram_unet.masking import look_at

NAME = "spectrogram-oracle"

EXACT = GainRule("wiener", beta=1.0, floor_db=-60.0)
"""The rule where the noise is known: nothing to make up for, hardly a floor."""

NoiseSource = Callable[[], Iterator[np.ndarray]]
"""Starts reading the noise: blocks of shape (samples, channels) at the rate of the noisy voice."""


class OracleDenoiser(Denoiser):
    """Denoises one recording whose noise is known.

    Args:
        noise: the noise in what will be denoised, aligned with it; one channel, or as many.
        geometry: of the pictures.
        rule: from noise to gains; `EXACT` by default.
        overlap: how much of a window is shared with the next.
    """

    name = NAME
    lag_seconds = None

    def __init__(
        self,
        noise: NoiseSource,
        *,
        geometry: Geometry | None = None,
        rule: GainRule | None = None,
        overlap: float = 0.5,
    ) -> None:
        self.noise = noise
        self.geometry = geometry or Geometry()
        self.rule = rule or EXACT
        self.overlap = overlap

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording in constant memory; see `Denoiser`.

        Raises:
            UserError: if the noise is shorter or has another number of channels.
        """
        both = _side_by_side(blocks, self.noise())
        return at_rate(self._at_own_rate, both, sample_rate, self.geometry.sample_rate)

    def _at_own_rate(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        geometry = self.geometry
        hops = max(1, round(geometry.frames * (1 - self.overlap)))
        processed = overlapped(
            blocks,
            self._window,
            window=geometry.window_samples,
            stride=hops * geometry.hop_length,
        )
        for block in processed:
            yield block[:, : block.shape[1] // 2]

    def _window(self, audio: np.ndarray) -> np.ndarray:
        result = np.zeros_like(audio)
        half = audio.shape[1] // 2
        for channel in range(half):
            noisy, noise = audio[:, channel], audio[:, half + channel]
            result[:, channel] = denoised_with(noisy, noise, self.geometry, self.rule)
        return result


def denoised_with(
    noisy: np.ndarray, noise: np.ndarray, geometry: Geometry, rule: GainRule
) -> np.ndarray:
    """Denoise one window with its true noise, each of shape (window_samples,), float32."""
    window = look_at(np.ascontiguousarray(noisy), geometry)
    if window.silent:
        return np.zeros(len(noisy), dtype=np.float32)
    spectrum = stft(
        np.ascontiguousarray(noise), n_fft=geometry.n_fft, hop_length=geometry.hop_length
    )
    greys = window.picture(spectrum).astype(np.float32) / 255
    return window.filtered(rule.gains(window.noise_to_noisy_db(greys)))


def oracle(
    noisy: np.ndarray,
    noise: np.ndarray,
    sample_rate: int,
    *,
    geometry: Geometry | None = None,
    rule: GainRule | None = None,
) -> np.ndarray:
    """Denoise a recording in memory with its true noise.

    Args:
        noisy: shape (samples,) or (samples, channels).
        noise: the same shape.
        sample_rate: in hertz.
        geometry: of the pictures; 16 kHz and 5.12 s by default.
        rule: from noise to gains; `EXACT` by default.

    Returns:
        float32 of the same shape.
    """
    block = np.asarray(noise, dtype=np.float32).reshape(len(noise), -1)
    denoiser = OracleDenoiser(lambda: iter([block]), geometry=geometry, rule=rule)
    return denoiser.denoise(noisy, sample_rate)


def load(
    path: Path | None = None,
    *,
    noise: str | Path | None = None,
    rule: str = EXACT.rule,
    beta: float = EXACT.beta,
    floor_db: float = EXACT.floor_db,
) -> OracleDenoiser:
    """Load the oracle for one recording.

    Args:
        path: None; the oracle has no weights.
        noise: the recording of the noise alone, at the rate and in time with the noisy one.
        rule: see `GainRule`.
        beta: the same.
        floor_db: the same.

    Returns:
        The denoiser of that one recording.

    Raises:
        UserError: if the noise is not named.
    """
    if path is not None:
        raise UserError(f"{NAME} has no weights; {path} is no use to it.")
    if noise is None:
        raise UserError(f"{NAME} needs the true noise of the one recording: noise=FILE.")
    file = Path(noise)
    return OracleDenoiser(lambda: _read(file), rule=GainRule(rule, beta, floor_db))


def _read(path: Path) -> Iterator[np.ndarray]:
    from prepare_data.audio_io import read_blocks

    for block, _ in read_blocks(path):
        yield block


def _side_by_side(noisy: Iterable[np.ndarray], noise: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Join the channels of noisy voice and noise, in the blocks of the former."""
    held = np.zeros((0, 0), dtype=np.float32)
    for block in noisy:
        parts = [held] if len(held) else []
        missing = len(block) - len(held)
        while missing > 0:
            part = next(noise, None)
            if part is None:
                raise UserError("the recording of the noise is shorter than that of the voice.")
            parts.append(part)
            missing -= len(part)
        held = np.concatenate(parts) if parts else held
        here, held = held[: len(block)], held[len(block) :]
        if here.shape[1] not in (1, block.shape[1]):
            raise UserError(f"the noise has {here.shape[1]} channels, the voice {block.shape[1]}.")
        yield np.concatenate([block, np.broadcast_to(here, block.shape)], axis=1)

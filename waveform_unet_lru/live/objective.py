"""What the live model's training makes small: errors of compressed spectra and of the waveform."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from waveform_unet_lru.live.analysis import Analysis
from waveform_unet_lru.live.config import FRAME_SECONDS
from waveform_unet_lru.live.envelopes import envelope_error

_COMPRESSION = 0.3
# Magnitude of a bin of white noise at the mixture's level: that of a transform of 512 samples that
# is not scaled, which such weights are published for.
_UNIT = 16.0
# Below, compression ends, for its slope at 0 is infinite: 60 dB under that white noise.
_LEAST_POWER = 1e-6 * _UNIT**2
_LEAST_LEVEL = 1e-3
_LEAST_ERROR = 1e-3
WEIGHTS = ("magnitude", "complex", "consistency", "waveform", "log", "hearing", "envelopes")
"""The fields of an objective that are numbers."""


@dataclass(frozen=True)
class Objective:
    """A weighted sum of errors, each relative to the level of the mixture.

    Spectra are compressed: magnitudes to the power of 0.3, with their phases or without (Braun and
    Tashev 2021), so that what is quiet counts nearly as much as what is loud. The masked spectrum
    is in general no waveform's; the consistency term is the complex error of the spectrum that the
    output really has.

    As everything is relative to the mixture, silent targets have an error like any other.

    Attributes:
        windows: lengths in samples of the windows whose spectra are compared for magnitude and
            complex error, the mean over them; the network's own masked spectrum if there are none.
            After 400 steps from the same weights, several gained what one gains (WB-PESQ +0.41,
            SI-SDR 5.51 against 5.50 dB) and took a quarter longer.
        magnitude: weight of the error of compressed magnitudes. In the same trial, 0.3, 0.9, 2 and
            5 gained +0.36, +0.40, +0.41 and +0.41 in WB-PESQ, and 5.47 to 5.50 dB in SI-SDR.
        complex: weight of the error of compressed complex spectra.
        consistency: weight of the complex error of the output analysed anew.
        waveform: weight of the mean absolute error of the samples.
        log: weight of the error's power over the mixture's, in bels, at least -3.
        hearing: from 0 to 1, how much bins weigh in the errors of spectra by the reciprocal of the
            bandwidth of hearing around them (ERB, Glasberg and Moore 1990) and not all alike. After
            400 steps from the same weights, 0.7 gained 0.01 WB-PESQ more than 0, and nothing in
            STOI and SI-SDR.
        envelopes: weight of `envelope_error`. In the same trial, 0.3 gained 0.001 STOI more than 0
            (95 % interval 0.001 to 0.002), and the same in the others.

    Raises:
        ValueError: for weights that are no numbers from 0 on, or `hearing` above 1.
    """

    windows: tuple[int, ...] = ()
    magnitude: float = 2.0
    complex: float = 0.3
    consistency: float = 0.3
    waveform: float = 0.2
    log: float = 0.0
    hearing: float = 0.0
    envelopes: float = 0.3

    def __post_init__(self) -> None:
        for name in WEIGHTS:
            value, most = getattr(self, name), 1 if name == "hearing" else math.inf
            if not isinstance(value, (int, float)) or not 0 <= value <= most or value == math.inf:
                wanted = "a number from 0 to 1" if name == "hearing" else "a number from 0 on"
                raise ValueError(f"{name} is {value!r}; {wanted} is wanted")

    def __call__(
        self, analysis: Analysis, masked: Tensor, output: Tensor, *, voice: Tensor, noisy: Tensor
    ) -> Tensor:
        """Return the error of a batch.

        Args:
            analysis: of the network's front end.
            masked: the network's spectrum, complex of shape (batch, frames, bins).
            output: its waveform, shape (batch, samples).
            voice: the target, of the same shape.
            noisy: the mixture, of the same shape.

        Returns:
            A scalar; the least, for a perfect output, is 0 without `log` and -3 `log` with it.
        """
        level = noisy.square().mean(-1, keepdim=True).sqrt().clamp_min(_LEAST_LEVEL)
        output, voice = output / level, voice / level
        unit = _UNIT * analysis.unit
        wanted = _compressed(analysis.spectrum(voice) * unit)
        again = _compressed(analysis.spectrum(output) * unit)
        highest_hz = analysis.n_fft / FRAME_SECONDS / 2
        errors = self.consistency * self._squared(again[0] - wanted[0], highest_hz)
        if self.windows:
            pairs = [
                (_compressed(_stft(output, n_fft)), _compressed(_stft(voice, n_fft)))
                for n_fft in self.windows
            ]
        else:
            pairs = [(_compressed(masked * (unit / level[..., None])), wanted)]
        for (spectrum, magnitude), (spectrum_wanted, magnitude_wanted) in pairs:
            off = self.complex * self._squared(spectrum - spectrum_wanted, highest_hz)
            off = off + self.magnitude * self._squared(magnitude - magnitude_wanted, highest_hz)
            errors = errors + off / len(pairs)
        difference = output - voice
        errors = errors + self.waveform * difference.abs().mean()
        if self.log:
            bels = torch.log10(difference.square().mean(-1) + _LEAST_ERROR).mean()
            errors = errors + self.log * bels
        if self.envelopes:
            hop_seconds = analysis.hop / analysis.n_fft * FRAME_SECONDS
            got, target = (
                torch.view_as_real(analysis.spectrum(audio) * analysis.unit).square().sum(-1)
                for audio in (output, voice)
            )
            errors = errors + self.envelopes * envelope_error(got, target, hop_seconds)
        return errors

    def _squared(self, difference: Tensor, highest_hz: float) -> Tensor:
        """Return the mean over bins, which are the third dimension; parts of a bin add up."""
        squares = difference.square()
        if not self.hearing:
            return squares.mean() * (2 if difference.ndim == 4 else 1)
        by_bin = squares.mean((0, 1))
        if difference.ndim == 4:
            by_bin = by_bin.sum(-1)
        kilohertz = torch.linspace(0, highest_hz / 1000, len(by_bin), device=by_bin.device)
        weights = 1 / (4.37 * kilohertz + 1)
        weights = 1 - self.hearing + self.hearing * weights / weights.mean()
        return (by_bin * weights).mean()


def _compressed(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Return pairs of real and imaginary parts with compressed magnitudes, and these."""
    pairs = torch.view_as_real(spectrum)
    # Written out: a sum over pairs takes five times as long, and a root less than a power.
    power = sum(part.square() for part in pairs.unbind(-1)) + _LEAST_POWER
    factor = power ** ((_COMPRESSION - 1) / 2)
    return pairs * factor[..., None], power.sqrt() * factor


def _stft(audio: Tensor, n_fft: int) -> Tensor:
    """Return spectra of shape (batch, frames, bins), where white noise is of about `_UNIT`."""
    window = torch.hann_window(n_fft, dtype=audio.dtype, device=audio.device)
    return torch.stft(
        audio,
        n_fft,
        hop_length=n_fft // 2,
        window=_UNIT * window / window.norm(),
        pad_mode="constant",  # a mirrored edge wants more samples than a short recording has
        return_complex=True,
    ).transpose(1, 2)

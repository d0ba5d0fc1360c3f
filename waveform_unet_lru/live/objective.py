"""What the live model's training makes small: errors of compressed spectra and of the waveform."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from waveform_unet_lru.live.analysis import Analysis

_COMPRESSION = 0.3
# Magnitude of a bin of white noise at the mixture's level: that of a transform of 512 samples that
# is not scaled, which such weights are published for.
_UNIT = 16.0
# Below, compression ends, for its slope at 0 is infinite: 60 dB under that white noise.
_LEAST_POWER = 1e-6 * _UNIT**2
_LEAST_LEVEL = 1e-3
_LEAST_ERROR = 1e-3


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
    """

    windows: tuple[int, ...] = ()
    magnitude: float = 2.0
    complex: float = 0.3
    consistency: float = 0.3
    waveform: float = 0.2
    log: float = 0.0

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
        errors = self.consistency * _squared(again[0] - wanted[0])
        if self.windows:
            pairs = [
                (_compressed(_stft(output, n_fft)), _compressed(_stft(voice, n_fft)))
                for n_fft in self.windows
            ]
        else:
            pairs = [(_compressed(masked * (unit / level[..., None])), wanted)]
        for (spectrum, magnitude), (spectrum_wanted, magnitude_wanted) in pairs:
            off = self.complex * _squared(spectrum - spectrum_wanted)
            off = off + self.magnitude * _squared(magnitude - magnitude_wanted)
            errors = errors + off / len(pairs)
        difference = output - voice
        errors = errors + self.waveform * difference.abs().mean()
        if self.log:
            bels = torch.log10(difference.square().mean(-1) + _LEAST_ERROR).mean()
            errors = errors + self.log * bels
        return errors


def _compressed(spectrum: Tensor) -> tuple[Tensor, Tensor]:
    """Return pairs of real and imaginary parts with compressed magnitudes, and these."""
    pairs = torch.view_as_real(spectrum)
    # Written out: a sum over pairs takes five times as long, and a root less than a power.
    power = sum(part.square() for part in pairs.unbind(-1)) + _LEAST_POWER
    factor = power ** ((_COMPRESSION - 1) / 2)
    return pairs * factor[..., None], power.sqrt() * factor


def _squared(difference: Tensor) -> Tensor:
    """Return the mean over bins; real and imaginary parts of one add up."""
    parts = 2 if difference.ndim == 4 else 1
    return parts * difference.square().mean()


def _stft(audio: Tensor, n_fft: int) -> Tensor:
    """Return spectra in which white noise of power 1 has magnitudes of about `_UNIT`."""
    window = torch.hann_window(n_fft, dtype=audio.dtype, device=audio.device)
    return torch.stft(
        audio,
        n_fft,
        hop_length=n_fft // 2,
        window=_UNIT * window / window.norm(),
        pad_mode="constant",  # a mirrored edge wants more samples than a short recording has
        return_complex=True,
    )

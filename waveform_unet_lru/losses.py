"""What training makes small: errors of the waveform and of its spectra.

All are computed in float32 at least, outside autocast, and have finite gradients everywhere, on
silence too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]

_RESOLUTIONS = (256, 512, 1024)
_COMPRESSION = 0.3
# Squared magnitude, of a voice at unit level, below which the compression ends: its slope at 0
# would be infinite.
_LEAST_POWER = 1e-5
_LEAST_LEVEL = 0.01
_LEAST_ERROR = 1e-3


def spectral_loss(output: Tensor, target: Tensor, n_fft: int = 512) -> Tensor:
    """Return the mean squared error of STFT magnitudes, as the published project does.

    The window is rectangular and the hop a quarter of it. Magnitudes know no phase: a voice with
    its sign or all its phases changed costs nothing, so that trained with this alone a network may
    return one. `multi_loss` is the loss for recordings to be listened to.

    Args:
        output: shape (batch, time), (batch, 1, time) or (time,), more than n_fft / 2 samples.
        target: of the same shape.
        n_fft: window in samples.

    Returns:
        A scalar.

    Raises:
        ValueError: if the shapes differ or there are too few samples.
    """
    output, target = _rows(output, target)
    if output.shape[-1] <= n_fft // 2:
        raise ValueError(f"{output.shape[-1]} samples; n_fft {n_fft} wants more than half as many")
    with torch.autocast(output.device.type, enabled=False):
        # Given, because torch warns where it has to assume it.
        window = torch.ones(n_fft, dtype=output.dtype, device=output.device)
        spectra = [
            torch.stft(audio, n_fft, window=window, return_complex=True)
            for audio in (output, target)
        ]
        return (spectra[0].abs() - spectra[1].abs()).square().mean()


def mse_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of the waveforms, what the published recipe trains with.

    Loud recordings count by their power. Arguments and errors are those of `spectral_loss`, of any
    length.
    """
    output, target = _rows(output, target)
    return (output - target).square().mean()


def multi_loss(output: Tensor, target: Tensor) -> Tensor:
    """Return the error of the waveform in bels plus that of compressed spectra at three windows.

    The waveform's part is the negative signal-to-noise ratio, log10 of the error's power over the
    voice's. Every recording counts alike in it, whatever its level and noise; below 30 dB there is
    little more to gain (a soft limit, as of Wisdom et al. 2021). The level must be right: it is the
    SNR, not the SI-SDR.

    The spectra's part, the mean over windows of 256, 512 and 1024 samples (several resolutions:
    Yamamoto et al. 2020), is the squared error of magnitudes to the power of 0.3, and that of the
    complex spectra with such magnitudes, half and half (Braun and Tashev 2021): what is quiet
    counts nearly as much as what is loud, as it does in hearing.

    Both are relative to the level of the target, or to -40 dBFS where it is lower, so that silent
    targets have a loss too.

    Args:
        output: shape (batch, time), (batch, 1, time) or (time,), any time.
        target: of the same shape.

    Returns:
        A scalar, about 0 for an estimate as far off as the voice is loud, below 0 for good ones.

    Raises:
        ValueError: if the shapes differ.
    """
    output, target = _rows(output, target)
    with torch.autocast(output.device.type, enabled=False):
        level = target.square().mean(-1, keepdim=True).sqrt().clamp_min(_LEAST_LEVEL)
        output, target = output / level, target / level
        error = (output - target).square().mean(-1)
        bels = torch.log10(error + _LEAST_ERROR).mean()
        spectra = [_compressed_error(output, target, n_fft) for n_fft in _RESOLUTIONS]
        return bels + torch.stack(spectra).mean()


LOSSES: dict[str, Loss] = {"mse": mse_loss, "spectral": spectral_loss, "multi": multi_loss}
"""By the names of the command line."""


def _compressed_error(output: Tensor, target: Tensor, n_fft: int) -> Tensor:
    (spectrum, magnitude), (spectrum_wanted, magnitude_wanted) = (
        _compressed(audio, n_fft) for audio in (output, target)
    )
    off = torch.view_as_real(spectrum - spectrum_wanted).square().sum(-1).mean()
    return (off + (magnitude - magnitude_wanted).square().mean()) / 2


def _compressed(audio: Tensor, n_fft: int) -> tuple[Tensor, Tensor]:
    """Return the spectrum with compressed magnitudes, and these; white noise of power 1 has 1."""
    window = torch.hann_window(n_fft, dtype=audio.dtype, device=audio.device)
    spectrum = torch.stft(
        audio,
        n_fft,
        hop_length=n_fft // 2,
        window=window / window.norm(),
        pad_mode="constant",  # a mirrored edge wants more samples than a short recording has
        return_complex=True,
    )
    power = torch.view_as_real(spectrum).square().sum(-1) + _LEAST_POWER
    return spectrum * power ** ((_COMPRESSION - 1) / 2), power ** (_COMPRESSION / 2)


def _rows(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as (batch, time), in float32 or better."""
    if output.shape != target.shape:
        raise ValueError(f"output {tuple(output.shape)} and target {tuple(target.shape)} differ")
    rows = [audio.reshape(-1, audio.shape[-1]) for audio in (output, target)]
    dtype = torch.promote_types(torch.promote_types(*(row.dtype for row in rows)), torch.float32)
    return rows[0].to(dtype), rows[1].to(dtype)

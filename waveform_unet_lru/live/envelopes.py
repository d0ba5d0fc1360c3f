"""How well the envelopes of frequency bands follow the voice's: what makes speech understood.

It is the correlation, in third-octave bands over stretches of 0.384 s, that short-time objective
intelligibility averages (STOI, Taal et al. 2011), of the front end's own frames and without that
measure's clipping and resampling. Beside errors of compressed spectra it says that in each band
those moments count in which the voice is strong there, however weak the band is against others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from waveform_unet_lru.live.config import FRAME_SECONDS

SECONDS = 0.384
_LOWEST_HZ, _BANDS = 150.0, 15
# A stretch of a voice's band that is so far below the same band's loudest is a pause.
_PAUSE = 1e-4
_LEAST_POWER = 1e-6  # 60 dB below the mixture's level in a bin


def envelope_error(output: Tensor, voice: Tensor, hop_seconds: float) -> Tensor:
    """Return one minus the mean correlation of band envelopes, over bands and stretches with voice.

    Args:
        output: powers of shape (batch, frames, bins of 31.25 Hz), relative to the mixture's.
        voice: the target's, of the same shape.
        hop_seconds: from a frame to the next.

    Returns:
        A scalar from 0 to 2; 0 where no stretch has a voice, or the signals are shorter than one.
    """
    length = round(SECONDS / hop_seconds)
    if voice.shape[1] < length:
        return output.new_zeros(())
    to_bands = _band_matrix(voice.shape[-1], voice.device)
    wanted, got = (
        ((power @ to_bands) + _LEAST_POWER).sqrt().unfold(1, length, length // 4)
        for power in (voice, output)
    )
    energy = wanted.square().sum(-1)
    heard = energy > _PAUSE * energy.amax((1, 2), keepdim=True) + length * 2 * _LEAST_POWER
    wanted, got = (each - each.mean(-1, keepdim=True) for each in (wanted, got))
    norms = (wanted.square().sum(-1) * got.square().sum(-1) + _LEAST_POWER**2).sqrt()
    correlation = (wanted * got).sum(-1) / norms
    return (heard * (1 - correlation)).sum() / heard.sum().clamp_min(1)


def _band_matrix(bins: int, device: torch.device) -> Tensor:
    """Return ones where a bin belongs to a band, shape (bins, bands)."""
    hertz = torch.arange(bins, device=device) / FRAME_SECONDS
    centres = _LOWEST_HZ * 2 ** (torch.arange(_BANDS, device=device) / 3)
    low, high = centres * 2 ** (-1 / 6), centres * 2 ** (1 / 6)
    return ((hertz[:, None] >= low) & (hertz[:, None] < high)).float()

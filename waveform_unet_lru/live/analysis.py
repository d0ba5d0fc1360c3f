"""The front end in torch, over whole batches and with gradients; `frontend` is what it follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from waveform_unet_lru.live.config import BINS
from waveform_unet_lru.live.frontend import FIRST_OF_LEVEL, FrontEnd


class Analysis(nn.Module):
    """Waveforms to spectra and back, aligned in time.

    Args:
        front_end: whose windows, hop and bins these are.

    Attributes:
        n_fft: samples of a frame.
        hop: samples from a frame to the next.
        unit: factor that gives the bins of white noise of power 1 a mean power of 1.
    """

    analysis_window: Tensor
    synthesis_window: Tensor

    def __init__(self, front_end: FrontEnd) -> None:
        super().__init__()
        self.n_fft = front_end.n_fft
        self.hop = front_end.hop
        for name in ("analysis_window", "synthesis_window"):
            window = torch.tensor(getattr(front_end, name), dtype=torch.float32)
            self.register_buffer(name, window, persistent=False)
        self.unit = self.n_fft / float(self.analysis_window.norm())
        self._seen = min(BINS, self.n_fft // 2 + 1)

    def spectrum(self, audio: Tensor) -> Tensor:
        """Transform recordings as a stream does that begins with them.

        Args:
            audio: float32 of shape (batch, samples).

        Returns:
            complex64 of shape (batch, frames, n_fft // 2 + 1), as many frames as add up to the
            whole recording.
        """
        before = self.n_fft - self.hop
        frames = (audio.shape[-1] - 1) // self.hop + 2
        after = (frames - 1) * self.hop + self.n_fft - before - audio.shape[-1]
        stretches = pad(audio, (before, after)).unfold(-1, self.n_fft, self.hop)
        return torch.fft.rfft(stretches * self.analysis_window, norm="forward")

    def for_network(self, spectrum: Tensor) -> Tensor:
        """Return the bins below 8 kHz, float32 of shape (batch, frames, 256, 2)."""
        pairs = torch.view_as_real(spectrum[..., : self._seen])
        return pad(pairs, (0, 0, 0, BINS - self._seen))

    def masked(self, spectrum: Tensor, mask: Tensor) -> Tensor:
        """Multiply a spectrum by a mask of shape (batch, frames, 256, 2); see `FrontEnd.masked`."""
        factors = torch.view_as_complex(mask.float().contiguous())
        above = spectrum.shape[-1] - self._seen
        factors, upper = factors[..., : self._seen], factors[..., FIRST_OF_LEVEL:]
        if above == 1:
            factors = torch.cat([factors, factors[..., -1:]], dim=-1)
        elif above:
            level = upper.abs().mean(-1, keepdim=True).clamp_max(1)
            factors = torch.cat([factors, level.expand(*level.shape[:-1], above)], dim=-1)
        return spectrum * factors

    def samples(self, spectrum: Tensor, samples: int) -> Tensor:
        """Transform back and add the frames up.

        Args:
            spectrum: complex64 of shape (batch, frames, n_fft // 2 + 1).
            samples: of the recordings that it was made from.

        Returns:
            float32 of shape (batch, samples).
        """
        frames = torch.fft.irfft(spectrum, self.n_fft, norm="forward")
        ends = frames[..., -2 * self.hop :] * self.synthesis_window
        first, second = ends.unflatten(-1, (2, self.hop)).unbind(-2)
        return (second[:, :-1] + first[:, 1:]).flatten(1)[:, :samples]

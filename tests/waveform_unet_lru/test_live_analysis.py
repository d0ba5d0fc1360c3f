"""The front end that trains is the front end that runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from waveform_unet_lru.live.analysis import Analysis
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.frontend import FrontEnd

_CASES: list[tuple[int, Window]] = [(8000, "32ms"), (16_000, "32ms"), (44_100, "32ms")]
_CASES += [(16_000, "16ms"), (11_025, "16ms")]


def _audio(samples: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.5, 0.5, (2, samples)).astype(np.float32)


def _frames(audio: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Cut as a stream does that begins at rest, and ends with silence."""
    n_fft, hop = front_end.n_fft, front_end.hop
    padded = np.pad(audio, ((0, 0), (n_fft - hop, 2 * n_fft)))
    return np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[:, ::hop]


@pytest.mark.parametrize("sample_rate, window", _CASES)
def test_spectra_and_masked_spectra_are_those_of_the_front_end(
    sample_rate: int, window: Window
) -> None:
    front_end = FrontEnd(sample_rate, window)
    analysis = Analysis(front_end)
    audio = _audio(5 * front_end.n_fft + 13)
    spectrum = analysis.spectrum(torch.from_numpy(audio))
    expected = front_end.spectrum(_frames(audio, front_end))[:, : spectrum.shape[1]]
    scale = np.abs(expected).max()
    assert np.abs(spectrum.numpy() - expected).max() < 1e-5 * scale
    seen = analysis.for_network(spectrum)
    assert np.abs(seen.numpy() - front_end.for_network(expected)).max() < 1e-5 * scale
    mask = np.random.default_rng(1).standard_normal(seen.shape).astype(np.float32)
    mask[0] *= 0.3  # else the level above 8 kHz is 1 everywhere
    masked = analysis.masked(spectrum, torch.from_numpy(mask))
    wanted = front_end.masked(expected, mask)
    assert np.abs(masked.numpy() - wanted).max() < 1e-5 * np.abs(wanted).max()
    # What a frame adds to the output.
    hop = front_end.hop
    ends = front_end.samples(wanted)
    summed = (ends[:, :-1, hop:] + ends[:, 1:, :hop]).reshape(2, -1)[:, : audio.shape[1]]
    output = analysis.samples(masked, audio.shape[1])
    assert np.abs(output.numpy() - summed).max() < 1e-5 * np.abs(summed).max()


@pytest.mark.parametrize("sample_rate, window", _CASES)
@pytest.mark.parametrize("hops", [0.01, 1, 3.7, 8])
def test_nothing_masked_gives_every_sample_back_in_its_place(
    sample_rate: int, window: Window, hops: float
) -> None:
    analysis = Analysis(FrontEnd(sample_rate, window))
    audio = torch.from_numpy(_audio(max(1, round(hops * analysis.hop))))
    output = analysis.samples(analysis.spectrum(audio), audio.shape[-1])
    assert output.shape == audio.shape
    assert float((output - audio).abs().max()) < 1e-6


@pytest.mark.parametrize("sample_rate, window", _CASES)
def test_unit_gives_white_noise_a_mean_power_of_one(sample_rate: int, window: Window) -> None:
    analysis = Analysis(FrontEnd(sample_rate, window))
    noise = torch.randn(1, 200 * analysis.hop, generator=torch.Generator().manual_seed(0))
    spectrum = analysis.spectrum(noise)[:, 4:-4, 1:-1] * analysis.unit
    assert float(spectrum.abs().square().mean()) == pytest.approx(1, rel=0.03)


def test_gradients_of_a_mask_reach_it_through_all_bins() -> None:
    analysis = Analysis(FrontEnd(16_000))
    audio = torch.from_numpy(_audio(2000))
    spectrum = analysis.spectrum(audio)
    mask = torch.zeros(*spectrum.shape[:2], 256, 2)
    mask[..., 0] = 0.5
    mask.requires_grad_()
    analysis.samples(analysis.masked(spectrum, mask), 2000).square().sum().backward()
    assert mask.grad is not None and torch.isfinite(mask.grad).all()
    assert bool((mask.grad[:, 2:-2, 1:, 0] != 0).all())

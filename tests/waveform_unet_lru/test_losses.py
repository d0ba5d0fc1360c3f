"""The losses: values by hand, silence, shapes, levels."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from waveform_unet_lru import spectral_loss
from waveform_unet_lru.losses import LOSSES, mse_loss, multi_loss


def _audio(seed: int, *shape: int) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("n_fft", [512, 256])
def test_spectral_loss_is_the_published_formula(n_fft: int) -> None:
    output, target = _audio(0, 3, 2000), _audio(1, 3, 2000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it assumes a rectangular window
        spectra = [torch.stft(x, n_fft, return_complex=True).abs() for x in (output, target)]
    expected = torch.nn.functional.mse_loss(*spectra)
    torch.testing.assert_close(spectral_loss(output, target, n_fft), expected)


def test_spectral_loss_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spectral_loss(_audio(0, 2, 1000), _audio(1, 2, 1000))


def test_spectral_loss_of_a_tone_by_hand() -> None:
    # 8 whole periods a window: frames in the middle have n_fft / 2 at bin 8 and nothing elsewhere;
    # doubled, they miss by as much. Mirrored at the edges, a cosine goes on as if nothing were.
    tone = torch.cos(2 * math.pi * 8 / 512 * torch.arange(4097, dtype=torch.float64))
    expected = 256**2 / 257
    assert spectral_loss(2 * tone, tone).item() == pytest.approx(expected, rel=1e-9)


def test_spectral_loss_knows_no_sign_but_the_others_do() -> None:
    target = _audio(0, 2, 4000)
    assert spectral_loss(-target, target) == 0
    assert mse_loss(-target, target) > 0
    assert multi_loss(-target, target) > multi_loss(torch.zeros_like(target), target)


def test_spectral_loss_of_too_few_samples_says_so() -> None:
    with pytest.raises(ValueError, match="256 samples"):
        spectral_loss(_audio(0, 1, 256), _audio(1, 1, 256))


def test_mse_by_hand() -> None:
    output, target = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    assert mse_loss(output, target).item() == pytest.approx(2.5)


@pytest.mark.parametrize("name", LOSSES)
def test_shapes_of_one_and_many_channels_give_the_same(name: str) -> None:
    output, target = _audio(0, 3, 2000), _audio(1, 3, 2000)
    loss = LOSSES[name]
    expected = loss(output, target)
    torch.testing.assert_close(loss(output[:, None], target[:, None]), expected)
    each = torch.stack([loss(o, t) for o, t in zip(output, target, strict=True)])
    torch.testing.assert_close(each.mean(), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_shapes_that_differ_are_refused_rather_than_broadcast(name: str) -> None:
    with pytest.raises(ValueError, match="differ"):
        LOSSES[name](_audio(0, 3, 2000), _audio(1, 3, 1, 2000))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("silent", ["output", "target", "both"])
def test_silence_has_a_finite_loss_and_gradient(name: str, silent: str) -> None:
    output = torch.zeros(2, 2000) if silent != "target" else _audio(0, 2, 2000)
    target = torch.zeros(2, 2000) if silent != "output" else _audio(1, 2, 2000)
    output.requires_grad_(True)
    loss = LOSSES[name](output, target)
    loss.backward()
    assert output.grad is not None
    assert torch.isfinite(loss) and torch.isfinite(output.grad).all()
    assert output.grad.abs().max() < 10


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_output_costs_least(name: str) -> None:
    target = _audio(0, 2, 4000)
    worse = [LOSSES[name](target + error * _audio(1, 2, 4000), target) for error in (0, 0.1, 0.3)]
    assert worse[0] < worse[1] < worse[2]


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_single(name: str) -> None:
    output, target = _audio(0, 2, 2000).bfloat16(), _audio(1, 2, 2000)
    with torch.autocast("cpu", torch.bfloat16):
        loss = LOSSES[name](output, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, LOSSES[name](output.float(), target))


def test_waveform_part_of_multi_is_the_snr_in_bels() -> None:
    # Where all spectra are about the same, as with white noise of one power, only the SNR differs.
    target = _audio(0, 1, 16_000)
    noise = _audio(1, 1, 16_000)
    noise *= target.norm() / noise.norm()
    losses = [multi_loss(target + 10 ** (-snr / 20) * noise, target) for snr in (10, 20)]
    bels = [-math.log10(10 ** (-snr / 10) + 1e-3) for snr in (10, 20)]
    spectra = [loss.item() + bel for loss, bel in zip(losses, bels, strict=True)]
    assert 0 < spectra[1] < spectra[0] < 0.1
    assert losses[0] - losses[1] > 0.9


def test_multi_does_not_depend_on_the_level_but_on_its_being_kept() -> None:
    output, target = _audio(0, 2, 4000), _audio(1, 2, 4000)
    expected = multi_loss(output, target).item()
    assert multi_loss(3 * output, 3 * target).item() == pytest.approx(expected, rel=1e-5)
    assert multi_loss(0.5 * target, target) > multi_loss(0.8 * target, target)


def test_multi_takes_recordings_of_a_few_samples() -> None:
    for samples in (1, 3, 100):
        assert torch.isfinite(multi_loss(_audio(0, 1, samples), _audio(1, 1, samples)))


def test_gradient_of_multi_is_that_of_small_differences() -> None:
    output, target = (_audio(seed, 1, 300).double() for seed in (0, 1))
    output.requires_grad_(True)
    multi_loss(output, target).backward()
    direction = torch.from_numpy(np.random.default_rng(2).standard_normal((1, 300)))
    with torch.no_grad():
        after, before = (multi_loss(output + s * direction, target) for s in (1e-6, -1e-6))
        expected = (after - before) / 2e-6
    assert output.grad is not None
    torch.testing.assert_close((output.grad * direction).sum(), expected, rtol=1e-5, atol=0)

"""The objective counts what it names, and has an answer to silence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from waveform_unet_lru.live.analysis import Analysis
from waveform_unet_lru.live.frontend import FrontEnd
from waveform_unet_lru.live.objective import Objective

_SAMPLES = 8000
_ONLY: dict[str, Any] = dict.fromkeys(
    ("magnitude", "complex", "consistency", "waveform", "envelopes"), 0.0
)
_EVERYTHING = Objective(windows=(256, 1024), log=0.1, hearing=0.5, envelopes=0.3)


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return Analysis(FrontEnd(16_000))


@pytest.fixture(scope="module")
def sounds() -> tuple[Tensor, Tensor]:
    """A voice and a noisy voice."""
    generator = torch.Generator().manual_seed(0)
    voice, noise = 0.1 * torch.randn(2, 2, _SAMPLES, generator=generator)
    return voice, voice + 0.3 * noise


def _error(
    objective: Objective, analysis: Analysis, output: Tensor, voice: Tensor, noisy: Tensor
) -> Tensor:
    masked = analysis.spectrum(output)
    return objective(analysis, masked, output, voice=voice, noisy=noisy)


def _only(name: str, **settings: Any) -> Objective:
    return Objective(**{**_ONLY, name: 1.0}, **settings)


@pytest.mark.parametrize("windows", [(), (256,), (256, 512, 1024)])
def test_a_perfect_output_costs_nothing_and_a_better_one_less(
    analysis: Analysis, sounds: tuple[Tensor, Tensor], windows: tuple[int, ...]
) -> None:
    voice, noisy = sounds
    objective = Objective(windows=windows)
    half = voice + (noisy - voice) / 4
    errors = [float(_error(objective, analysis, x, voice, noisy)) for x in (voice, half, noisy)]
    assert errors[0] == pytest.approx(0, abs=1e-6)
    assert errors[0] < errors[1] < errors[2] / 2


@pytest.mark.parametrize("name", [*_ONLY, "log"])
def test_terms_add_up_by_their_weights(
    analysis: Analysis, sounds: tuple[Tensor, Tensor], name: str
) -> None:
    voice, noisy = sounds
    weights: dict[str, Any] = {"log": 0.2}
    with_it = Objective(**{**weights, name: 0.7})
    without = Objective(**{**weights, name: 0.0})
    difference = _error(with_it, analysis, noisy, voice, noisy)
    difference -= _error(without, analysis, noisy, voice, noisy)
    alone = _error(_only(name), analysis, noisy, voice, noisy)
    torch.testing.assert_close(difference, 0.7 * alone, rtol=1e-3, atol=1e-5)
    assert abs(float(alone)) > 1e-3


@pytest.mark.parametrize("windows", [(), (512,)])
def test_magnitudes_have_no_sign_and_complex_spectra_have(
    analysis: Analysis, sounds: tuple[Tensor, Tensor], windows: tuple[int, ...]
) -> None:
    voice, noisy = sounds
    flipped = [
        float(_error(_only(name, windows=windows), analysis, -voice, voice, noisy))
        for name in ("magnitude", "complex")
    ]
    assert flipped[0] == pytest.approx(0, abs=1e-6) and flipped[1] > 1


def test_consistency_is_of_the_output_and_complex_error_of_what_was_masked(
    analysis: Analysis, sounds: tuple[Tensor, Tensor]
) -> None:
    voice, noisy = sounds
    spectrum = analysis.spectrum(voice)
    no_waveforms = spectrum.clone()
    no_waveforms[:, ::2] = 0
    output = analysis.samples(no_waveforms, _SAMPLES)
    for name, masked in (("consistency", spectrum), ("complex", no_waveforms)):
        error = _only(name)(analysis, masked, output, voice=voice, noisy=noisy)
        assert float(error) > 0.1
        right = _only(name)(analysis, spectrum, voice, voice=voice, noisy=noisy)
        assert float(right) < 1e-6


def test_hearing_weighs_low_frequencies_more_and_all_together_the_same(analysis: Analysis) -> None:
    generator = torch.Generator().manual_seed(1)
    noise = 0.1 * torch.randn(2, _SAMPLES, generator=generator)
    spectrum = torch.fft.rfft(noise)
    bins = spectrum.shape[-1]
    errors = {}
    for name, first, last in (
        ("low", 0, bins // 4),
        ("high", 3 * bins // 4, bins),
        ("all", 0, bins),
    ):
        part = torch.zeros_like(spectrum)
        part[:, first:last] = spectrum[:, first:last]
        voice = noise - torch.fft.irfft(part, _SAMPLES) / 2
        for hearing in (0.0, 1.0):
            objective = _only("magnitude", hearing=hearing)
            errors[name, hearing] = float(_error(objective, analysis, noise, voice, noise))
    assert errors["low", 0.0] == pytest.approx(errors["high", 0.0], rel=0.1)
    assert errors["low", 1.0] > 4 * errors["high", 1.0]
    assert errors["all", 1.0] == pytest.approx(errors["all", 0.0], rel=0.05)


@pytest.mark.parametrize("objective", [Objective(), _EVERYTHING])
def test_loud_and_faint_mixtures_count_alike(
    analysis: Analysis, sounds: tuple[Tensor, Tensor], objective: Objective
) -> None:
    voice, noisy = sounds
    loud = _error(objective, analysis, noisy, voice, noisy)
    faint = _error(objective, analysis, noisy / 20, voice / 20, noisy / 20)
    torch.testing.assert_close(faint, loud, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("objective", [Objective(), _EVERYTHING])
@pytest.mark.parametrize("silent", ["voice", "output", "all"])
def test_silence_has_a_finite_error_and_gradient(
    analysis: Analysis, sounds: tuple[Tensor, Tensor], objective: Objective, silent: str
) -> None:
    voice, noisy = sounds
    output = noisy.clone()
    if silent in ("voice", "all"):
        voice = torch.zeros_like(voice)
    if silent in ("output", "all"):
        output = torch.zeros_like(output)
    if silent == "all":
        noisy = torch.zeros_like(noisy)
    output.requires_grad_()
    error = _error(objective, analysis, output, voice, noisy)
    (gradient,) = torch.autograd.grad(error, output)
    assert torch.isfinite(error) and torch.isfinite(gradient).all()
    assert silent == "all" or bool(gradient.any())


@pytest.mark.parametrize(
    "weights", [{"magnitude": -1.0}, {"log": float("nan")}, {"hearing": 1.5}, {"waveform": "much"}]
)
def test_impossible_weights_are_refused(weights: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(weights))} is .* is wanted"):
        Objective(**weights)

"""Envelopes of bands that follow the voice's cost nothing, whatever their level."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from waveform_unet_lru.live.envelopes import envelope_error

_HOP = 0.016


@pytest.fixture
def voice() -> Tensor:
    """Powers in which each bin comes and goes with its band, at four times a second or so."""
    time = torch.arange(120) * _HOP
    phases = torch.linspace(0, 20, 257)
    envelope = 1 + torch.sin(2 * torch.pi * 4 * time[:, None] + phases)
    return (envelope**2).expand(2, -1, -1).clone()


def test_the_voice_itself_costs_nothing_at_any_level_of_a_band(voice: Tensor) -> None:
    tilted = voice * torch.linspace(1, 0.1, 257)
    assert float(envelope_error(voice, voice, _HOP)) == pytest.approx(0, abs=1e-5)
    assert float(envelope_error(tilted, voice, _HOP)) == pytest.approx(0, abs=0.02)


def test_an_envelope_turned_round_costs_most_and_noise_in_between(voice: Tensor) -> None:
    turned = (2 - voice.sqrt()) ** 2
    noise = torch.rand(voice.shape, generator=torch.Generator().manual_seed(0))
    errors = [
        float(envelope_error(powers, voice, _HOP))
        for powers in (voice, voice + noise, voice + 5 * noise, turned)
    ]
    assert errors == sorted(errors)
    assert errors[-1] > 1.5


def test_what_is_no_band_of_speech_does_not_count(voice: Tensor) -> None:
    other = voice.clone()
    other[..., :4] = 7.0  # below 134 Hz
    other[..., 140:] = 7.0  # above 4.3 kHz
    assert float(envelope_error(other, voice, _HOP)) == pytest.approx(0, abs=1e-5)
    other[..., 30] = 70.0
    assert float(envelope_error(other, voice, _HOP)) > 1e-3


def test_pauses_and_short_signals_do_not_count(voice: Tensor) -> None:
    noise = torch.rand(voice.shape, generator=torch.Generator().manual_seed(0))
    assert float(envelope_error(noise, torch.zeros_like(voice), _HOP)) == 0
    assert float(envelope_error(noise[:, :23], voice[:, :23], _HOP)) == 0
    assert float(envelope_error(noise[:, :24], voice[:, :24], _HOP)) > 0.1
    half = voice.clone()
    half[:, 60:] = 0
    noisy_pause = half.clone()
    noisy_pause[:, 90:] = 1e-3 * noise[:, 90:]
    assert float(envelope_error(noisy_pause, half, _HOP)) == pytest.approx(0, abs=1e-5)

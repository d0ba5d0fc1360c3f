"""The networks that the live model is compared with: the same interface, the same start."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.families.gated import GatedNetwork, GatedRecurrence
from benchmarks.families.registry import FAMILIES, Family
from benchmarks.families.waveform import WaveformConfig, WaveformNetwork, count_macs
from tests.waveform_unet_lru.live_cores import SMALLEST, spectra
from tests.waveform_unet_lru.live_sounds import bursts
from waveform_unet_lru.live.augment import filter_numbers
from waveform_unet_lru.live.config import BINS, PRESETS
from waveform_unet_lru.live.draws import Filter
from waveform_unet_lru.live.objective import Objective
from waveform_unet_lru.live.size import count_macs as count_live_macs

_SIZES = {
    "live": ["channels=4", "bands=4", "width=8", "blocks=2", "heads=2"],
    "gated": ["channels=4", "bands=4", "width=8", "blocks=2", "heads=2"],
    "waveform": ["channels=4", "levels=3"],
}


def _family(name: str) -> Family:
    torch.manual_seed(0)
    return FAMILIES[name]("small", _SIZES[name])


def _audio(samples: int = 5000, *, batch: int = 1) -> Tensor:
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(3))


def _voice(samples: int, seed: int) -> Tensor:
    return torch.from_numpy(bursts(samples, active=0.7, seed=seed)).float()


def _settled(network: Any) -> Any:
    """Give statistics and last layers values under which every part of a network is heard."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        if not parameter.detach().any():
            torch.nn.init.normal_(parameter, std=0.3)
    masks = isinstance(network, GatedNetwork) or hasattr(network, "into_mask")
    with torch.no_grad():
        for seed in range(10):
            network(spectra(2, 20, seed=seed) if masks else _audio(batch=2) * (1 + seed))
    return network.eval()


def _batch(rows: int = 2, samples: int = 4000) -> dict[str, Any]:
    filters = filter_numbers([Filter()] * rows)
    return {
        "id": [str(row) for row in range(rows)],
        "voice": torch.stack([_voice(samples, seed) for seed in range(rows)]),
        "noise": _audio(samples, batch=rows),
        "snr_db": torch.zeros(rows),
        "level_dbfs": torch.full((rows,), -25.0),
        "highest_hz": torch.full((rows,), float("inf")),
        "noise_filter": filters,
        "channel_filter": filters,
    }


@pytest.mark.parametrize("name", list(FAMILIES))
def test_an_untrained_network_returns_its_input(name: str) -> None:
    family = _family(name)
    audio = _audio()[0].numpy()
    denoised = family.denoiser(family.make()).denoise(audio, 16_000)
    assert abs(denoised - audio).max() <= 1e-6


@pytest.mark.parametrize("name", list(FAMILIES))
def test_nothing_depends_on_what_comes_later_than_its_lag(name: str) -> None:
    family = _family(name)
    denoiser = family.denoiser(_settled(family.make()))
    assert denoiser.lag_seconds is not None
    lag = round(denoiser.lag_seconds * 16_000)
    audio = _audio()
    first = denoiser.denoise(audio[0].numpy(), 16_000)
    for changed in (1000, 2048, 2303, 4500):
        other = audio.clone()
        other[:, changed:] += 0.1
        second = denoiser.denoise(other[0].numpy(), 16_000)
        assert abs(second - first)[: changed - lag + 1].max() <= 1e-5
        assert abs(second - first)[changed:].max() > 1e-2


def test_the_waveform_networks_lag_is_no_longer_than_it_must_be() -> None:
    network = _settled(WaveformNetwork(WaveformConfig(channels=4, levels=3, ahead=64)))
    lag = network.config.lag_samples
    assert lag == 128
    changed = 64 * 20 - 1  # the last sample of a step: all of the step has waited for it
    audio, other = _audio(), _audio()
    other[:, changed:] += 1
    with torch.no_grad():
        difference = (network(other) - network(audio))[0].abs()
    assert difference[: changed - lag + 1].max() <= 1e-5
    assert difference[changed - lag + 1] > 1e-4


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("mixed", [False, True])
def test_training_steps_lower_the_loss(name: str, mixed: bool) -> None:
    family = _family(name)
    task = family.train_with(sample_rate=16_000, objective=Objective(log=0.1))
    task.optimise_with(lr=1e-2, weight_decay=0.01)
    optimiser = task.configure_optimizers()
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            loss = task.loss(_batch())
        loss.backward()
        for parameter_name, parameter in task.network.named_parameters():
            assert torch.isfinite(parameter.grad).all(), parameter_name
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.98 * losses[0]


def test_the_gated_recurrence_is_what_the_paper_says() -> None:
    torch.manual_seed(2)
    layer = GatedRecurrence(6, 5, 62.5)
    x = torch.randn(2, 50, 6)
    p = {name: value.detach().double() for name, value in layer.named_parameters()}
    gates = x.double() @ p["gates.weight"].T + p["gates.bias"]
    recurrence, entry = gates.sigmoid().chunk(2, dim=-1)
    a = torch.exp(-8 * p["nu_log"].exp().log1p() * recurrence)
    u = (1 - a**2).sqrt() * entry * (x.double() @ p["into"].T)
    h, outputs = torch.zeros(2, 5, dtype=torch.float64), []
    for step in range(50):
        h = a[:, step] * h + u[:, step]
        outputs.append(h @ p["out_of"].T + p["D"] * x[:, step].double())
    expected = torch.stack(outputs, dim=1)
    with torch.no_grad():
        y, last = layer(x)
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(last.real.double(), h, rtol=0, atol=1e-5)


def test_gated_time_constants_start_where_the_live_models_do() -> None:
    torch.manual_seed(0)
    layer = GatedRecurrence(2, 3000, 62.5)
    half_open = 8 * layer.nu_log.detach().exp().log1p() / 2
    seconds = 1 / (half_open * 62.5)
    assert 0.0159 < float(seconds.min()) < 0.018
    assert 3.6 < float(seconds.max()) < 4.01
    assert float(seconds.median()) == pytest.approx((0.016 * 4) ** 0.5, rel=0.1)


def test_gated_stretches_with_the_state_carried_equal_the_whole() -> None:
    torch.manual_seed(0)
    network = _settled(GatedNetwork(SMALLEST))
    spectrum = spectra(2, 30)
    state, parts = None, []
    with torch.no_grad():
        whole, _ = network(spectrum)
        for part in spectrum.split(7, dim=1):
            mask, state = network(part, state)
            parts.append(mask)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


def test_families_cost_the_same() -> None:
    wanted = count_live_macs(PRESETS["small"])
    assert FAMILIES["live"]("small", ()).macs == FAMILIES["gated"]("small", ()).macs == wanted
    # As near as whole numbers of channels come.
    assert FAMILIES["waveform"]("small", ()).macs == pytest.approx(wanted, rel=0.05)


def test_the_gated_network_computes_as_much_as_is_counted() -> None:
    network = GatedNetwork(PRESETS["tiny"]).eval()
    config = network.config
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(spectra(1, 1))
    elementwise = config.blocks * config.bands * (4 * config.states + config.width)
    elementwise += 2 * BINS * config.averages + 5 * config.full_band
    counted = counter.get_total_flops() / 2 + elementwise
    assert FAMILIES["gated"]("tiny", ()).macs == pytest.approx(counted * 62.5, rel=1e-9)


def test_the_waveform_network_computes_as_much_as_is_counted() -> None:
    config = WaveformConfig(channels=6, levels=3, blocks=2, ahead=0)
    network = WaveformNetwork(config).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(_audio(16_000))
    elementwise = sum(
        rate * config.blocks * (5 * width) * (1 if level == 2 else 2)
        for level, (width, rate) in enumerate(zip(config.widths, config.rates, strict=True))
    )
    counted = counter.get_total_flops() / 2 + elementwise
    assert count_macs(config) == pytest.approx(counted, rel=1e-9)

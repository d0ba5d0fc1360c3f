"""The live model's network: causal, streaming, of the sizes it is meant to have."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.waveform_unet_lru.live_cores import SMALLEST, network, spectra
from waveform_unet_lru.live.config import BINS, PRESETS, LiveConfig, Mixing, Window
from waveform_unet_lru.live.network import LiveNetwork, compressed
from waveform_unet_lru.live.size import count_macs
from waveform_unet_lru.live.start import start_in_seconds
from waveform_unet_lru.lru import LRU

MIXINGS: tuple[Mixing, ...] = ("attention", "linear")


@pytest.mark.parametrize("name", list(PRESETS))
def test_an_untrained_network_makes_masks_of_one(name: str) -> None:
    mask, _ = LiveNetwork(PRESETS[name]).eval()(spectra(2, 3))
    assert mask.dtype == torch.float32
    assert (mask == torch.tensor([1.0, 0.0])).all()


@pytest.mark.parametrize("mixing", MIXINGS)
def test_no_mask_depends_on_later_frames(mixing: Mixing) -> None:
    made = network(replace(SMALLEST, mixing=mixing))
    before = spectra(1, 40)
    for changed in (1, 17, 39):
        after = before.clone()
        after[:, changed:] += 1e-2
        with torch.no_grad():
            first, second = made(before)[0], made(after)[0]
        torch.testing.assert_close(second[:, :changed], first[:, :changed], rtol=0, atol=1e-5)
        assert (second[:, changed] - first[:, changed]).abs().max() > 1e-2


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize("size", [1, 7])
def test_stretches_with_the_state_carried_equal_the_whole(mixing: Mixing, size: int) -> None:
    made = network(replace(SMALLEST, mixing=mixing, states=5))
    spectrum = spectra(3, 50)
    state, parts = None, []
    with torch.no_grad():
        whole, last = made(spectrum)
        for part in spectrum.split(size, dim=1):
            mask, state = made(part, state)
            parts.append(mask)
    assert state is not None
    assert [tuple(each.shape) for each in state] == [
        (3, *shape) for shape in made.state_shapes.values()
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)
    for each, expected in zip(state, last, strict=True):
        assert each.dtype == torch.float32
        torch.testing.assert_close(each, expected, rtol=0, atol=1e-5)


def test_a_rest_of_the_noisy_sound_stays_if_wanted() -> None:
    made = network()
    keeping = LiveNetwork(replace(SMALLEST, kept_db=20)).eval()
    keeping.load_state_dict(made.state_dict())
    spectrum = spectra(2, 20)
    with torch.no_grad():
        without, kept = made(spectrum)[0], keeping(spectrum)[0]
    torch.testing.assert_close(kept, 0.9 * without + torch.tensor([0.1, 0.0]))


def test_memory_lies_in_the_state() -> None:
    made = network()
    first, second = spectra(1, 20, seed=1), spectra(1, 5, seed=2)
    with torch.no_grad():
        _, state = made(first)
        assert (made(second, state)[0] - made(second)[0]).abs().max() > 1e-2


def test_items_of_a_batch_are_computed_each_by_itself() -> None:
    made = network()
    spectrum = spectra(2, 10)
    spectrum[1] *= 100
    with torch.no_grad():
        both = made(spectrum)[0]
        for index in range(2):
            alone = made(spectrum[index : index + 1])[0]
            torch.testing.assert_close(both[index : index + 1], alone, rtol=0, atol=1e-4)


def test_all_weights_learn_even_from_silence() -> None:
    torch.manual_seed(0)
    made = network().train()
    spectrum = spectra(2, 30).requires_grad_()
    silent = torch.cat([spectrum, torch.zeros_like(spectrum)], dim=1)
    made(silent)[0].square().mean().backward()
    assert torch.isfinite(spectrum.grad).all()
    for name, parameter in made.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_compression_keeps_phases_and_takes_the_power_0_3_of_magnitudes() -> None:
    spectrum = torch.tensor([[3e-2, -4e-2], [0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    result, magnitude = compressed(spectrum)
    torch.testing.assert_close(magnitude[[0, 2]], torch.tensor([0.05**0.3, 1.0]), rtol=1e-5, atol=0)
    expected = [[0.6 * 0.05**0.3, -0.8 * 0.05**0.3], [0.0, 0.0], [1.0, 0.0]]
    torch.testing.assert_close(result, torch.tensor(expected), rtol=1e-5, atol=0)
    (result.sum() + magnitude.sum()).backward()
    assert torch.isfinite(spectrum.grad).all()


@pytest.mark.parametrize(
    ("name", "weights", "mega_macs"),
    [
        ("tiny", 97e3, 29.8),
        ("small", 204e3, 133),
        ("base", 873e3, 298),
        ("small-16ms", 204e3, 266),
    ],
)
def test_presets_have_the_sizes_that_are_told(name: str, weights: float, mega_macs: float) -> None:
    made = LiveNetwork(PRESETS[name])
    counted = sum(parameter.numel() for parameter in made.parameters())
    assert counted == pytest.approx(weights, rel=0.01)
    assert count_macs(PRESETS[name]) == pytest.approx(mega_macs * 1e6, rel=0.01)


@pytest.mark.parametrize("mixing", MIXINGS)
def test_the_count_is_what_torch_counts(mixing: Mixing) -> None:
    config = replace(PRESETS["tiny"], mixing=mixing, states=20, convolutions=2)
    made = LiveNetwork(config).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        made(spectra(1, 1))
    # Torch does not count what is done element by element: the recurrences and their D.
    elementwise = config.blocks * config.bands * (4 * config.states + config.width)
    elementwise += 2 * BINS * config.averages + 5 * config.full_band
    counted = counter.get_total_flops() / 2 + elementwise
    assert count_macs(config) == pytest.approx(counted * 62.5, rel=1e-9)


def test_recurrences_start_in_seconds_and_hertz() -> None:
    lru = LRU(2, 3000)
    start_in_seconds(lru, 62.5, generator=torch.Generator().manual_seed(0))
    seconds = 1 / (lru.nu_log.detach().exp() * 62.5)
    hertz = lru.theta_log.detach().exp() * 62.5 / (2 * math.pi)
    assert 0.0159 < float(seconds.min()) < 0.018
    assert 3.6 < float(seconds.max()) < 4.01
    assert float(seconds.median()) == pytest.approx(math.sqrt(0.016 * 4), rel=0.1)
    turning = hertz > 0.01
    assert int(turning.sum()) == 2000
    assert float(hertz[turning].median()) == pytest.approx(math.sqrt(0.5 * 16), rel=0.1)
    assert float(hertz[turning].min()) > 0.499 and float(hertz.max()) < 16.01


@pytest.mark.parametrize(("window", "rate"), [("32ms", 62.5), ("16ms", 125.0)])
def test_the_networks_recurrences_know_their_frame_rate(window: Window, rate: float) -> None:
    made = LiveNetwork(
        replace(PRESETS["small"], window=window), generator=torch.Generator().manual_seed(0)
    )
    slowest = min(float(block.lru.nu_log.detach().min()) for block in made.blocks)
    assert 2.5 < math.exp(-slowest) / rate <= 4.01


def test_a_configuration_survives_json() -> None:
    for config in PRESETS.values():
        assert LiveConfig.from_plain(json.loads(json.dumps(config.plain()))) == config


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"colour": 3}, "colour"),
        ({"channels": 0}, "channels"),
        ({"channels": 2.5}, "channels"),
        ({"window": "8ms"}, "window"),
        ({"mixing": "none"}, "mixing"),
        ({"mixing": "attention", "heads": 5}, "heads"),
    ],
)
def test_impossible_configurations_are_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        LiveConfig.from_plain({**PRESETS["small"].plain(), **change})


def test_missing_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="bands"):
        LiveConfig.from_plain({"channels": 4, "convolutions": 1, "width": 8, "blocks": 1})

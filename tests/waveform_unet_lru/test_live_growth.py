"""Larger networks that begin as smaller ones that are trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from prepare_data.errors import UserError
from tests.waveform_unet_lru.live_cores import SMALLEST, network
from waveform_unet_lru.live.config import LiveConfig, Mixing
from waveform_unet_lru.live.task import LiveTask

_HERE = Path("here.safetensors")
_GROWTHS: list[dict[str, Any]] = [
    {"blocks": 3},
    {"blocks": 6},
    {"states": 11},
    {"full_band": 8},
    {"blocks": 5, "states": 9, "full_band": 4},
]


def _spectra() -> torch.Tensor:
    return 0.1 * torch.randn(2, 12, 256, 2, generator=torch.Generator().manual_seed(1))


def _grown(smaller: LiveConfig, larger: LiveConfig) -> tuple[torch.nn.Module, LiveTask]:
    trained, task = network(smaller), LiveTask(larger)
    task.start_from(trained.state_dict(), _HERE, smaller.plain())
    return trained, task


@pytest.mark.parametrize("mixing", ["attention", "linear"])
@pytest.mark.parametrize("growth", _GROWTHS, ids=str)
def test_a_larger_network_begins_with_what_the_smaller_one_does(
    growth: dict[str, Any], mixing: Mixing
) -> None:
    smaller = replace(SMALLEST, mixing=mixing)
    trained, task = _grown(smaller, replace(smaller, **growth))
    x = _spectra()
    for mode in (trained.eval, trained.train):  # statistics of its own, and those of the batch
        mode()
        task.network.train(trained.training)
        with torch.no_grad():
            expected, _ = trained(x)
            given, _ = task.network(x)
        torch.testing.assert_close(given, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("full_band", [0, 3])
def test_all_that_is_new_learns(full_band: int) -> None:
    smaller = replace(SMALLEST, full_band=full_band, mixing="linear")
    larger = replace(smaller, blocks=4, states=11, full_band=5)
    _, task = _grown(smaller, larger)
    optimiser = torch.optim.SGD(task.network.parameters(), lr=0.1)
    before = {name: value.detach().clone() for name, value in task.network.named_parameters()}
    target = torch.randn(_spectra().shape, generator=torch.Generator().manual_seed(2))
    for _ in range(3):  # what comes before a weight that is zero learns a step later
        optimiser.zero_grad()
        (task.network(_spectra())[0] - target).square().mean().backward()
        optimiser.step()
    still = [n for n, value in task.network.named_parameters() if torch.equal(value, before[n])]
    assert still == []


@pytest.mark.parametrize("larger", [{"width": 12}, {"channels": 6}, {"bands": 8}, {"averages": 7}])
@pytest.mark.parametrize("beside", [{}, {"blocks": 4, "full_band": 5}])
def test_growth_in_other_ways_is_a_sentence(larger: dict[str, Any], beside: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"here\.safetensors does not fit this network"):
        _grown(SMALLEST, replace(SMALLEST, states=8, **larger, **beside))


@pytest.mark.parametrize("smaller", [{"blocks": 1}, {"states": 4}, {"full_band": 2}])
def test_a_smaller_network_is_a_sentence(smaller: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"here\.safetensors does not fit this network"):
        _grown(SMALLEST, replace(SMALLEST, **smaller))


def test_weights_that_are_missing_or_unknown_are_a_sentence() -> None:
    weights = network(SMALLEST).state_dict()
    last = {name: value for name, value in weights.items() if name.startswith("blocks.1.")}
    for_all = {name: value for name, value in weights.items() if name.startswith("full_band.")}
    for larger in (SMALLEST, replace(SMALLEST, blocks=3, full_band=5)):
        for missing in (last, for_all):
            fewer = {name: value for name, value in weights.items() if name not in missing}
            with pytest.raises(UserError, match="does not fit this network"):
                LiveTask(larger).start_from(fewer, _HERE, SMALLEST.plain())
        more = {**weights, "blocks.0.extra.weight": torch.zeros(2)}
        with pytest.raises(UserError, match="does not fit this network"):
            LiveTask(larger).start_from(more, _HERE, SMALLEST.plain())


def test_another_number_of_heads_is_a_sentence() -> None:
    smaller = replace(SMALLEST, mixing="attention")
    with pytest.raises(UserError, match=r"its attention has 2 heads, not 4\."):
        _grown(smaller, replace(smaller, heads=4, blocks=3))

"""Weights at another frame rate: the same memories in seconds, and runs that start from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from prepare_data.errors import UserError
from tests.waveform_unet_lru.live_cores import SMALLEST, network
from waveform_unet_lru.live.config import LiveConfig
from waveform_unet_lru.live.frame_rate import at_frame_rate
from waveform_unet_lru.live.start import start_in_seconds
from waveform_unet_lru.live.task import LiveTask
from waveform_unet_lru.lru import LRU

_HERE = Path("here.safetensors")


def _lru(seed: int = 0) -> LRU:
    torch.manual_seed(seed)
    lru = LRU(3, 40)
    start_in_seconds(lru, 62.5)
    return lru


def test_states_decay_and_turn_as_far_in_a_second() -> None:
    before = _lru().state_dict()
    after = at_frame_rate(before, 2)
    for weights, frames in ((before, 50), (after, 100)):
        lam = torch.exp(
            torch.complex(-weights["nu_log"].exp(), weights["theta_log"].exp()).cdouble()
        )
        weights["after"] = lam**frames
    torch.testing.assert_close(after["after"], before["after"], rtol=1e-4, atol=1e-7)


def test_slow_signals_give_nearly_the_same_output() -> None:
    slow, fast = _lru(), _lru(seed=1)
    fast.load_state_dict(at_frame_rate(slow.state_dict(), 2))
    seconds = torch.arange(2500) / 62.5
    hertz = torch.tensor([0.0, 0.5, 1.5])
    x = torch.cos(2 * torch.pi * hertz * seconds[:, None])[None]
    with torch.no_grad():
        expected = slow(x)[0]
        given = fast(x.repeat_interleave(2, dim=1))[0][:, 1::2]
    late = slice(1500, None)
    error = (given - expected)[:, late].square().mean() / expected[:, late].square().mean()
    assert error < 0.02
    # It is the factor of B that does it.
    plain = at_frame_rate(slow.state_dict(), 2)
    plain |= {name: slow.state_dict()[name] for name in ("B_re", "B_im")}
    fast.load_state_dict(plain)
    with torch.no_grad():
        without = fast(x.repeat_interleave(2, dim=1))[0][:, 1::2]
    worse = (without - expected)[:, late].square().mean() / expected[:, late].square().mean()
    assert worse > 3 * error


def test_a_run_with_another_window_starts_from_what_is_remembered() -> None:
    trained = network(SMALLEST)
    task = LiveTask(replace(SMALLEST, window="16ms"))
    task.start_from(trained.state_dict(), _HERE, SMALLEST.plain())
    for mine, theirs in zip(task.network.blocks, trained.blocks, strict=True):
        np.testing.assert_allclose(
            2 * mine.lru.nu_log.detach().exp(), theirs.lru.nu_log.detach().exp(), rtol=1e-5
        )
    same = LiveTask(SMALLEST)
    same.start_from(trained.state_dict(), _HERE, SMALLEST.plain())
    for mine, theirs in zip(same.network.parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


@pytest.mark.parametrize("config", [{}, {"window": "64ms"}, replace(SMALLEST, width=6).plain()])
def test_weights_of_another_network_are_a_sentence(config: dict) -> None:
    other = network(LiveConfig.from_plain({**SMALLEST.plain(), "width": 6})).state_dict()
    with pytest.raises(UserError, match=r"here\.safetensors does not fit this network"):
        LiveTask(SMALLEST).start_from(other, _HERE, config)

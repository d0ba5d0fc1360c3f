"""What the network brings to training: loss, parameter groups, header, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from enhancement.checkpoints import load_strictly, load_weights, save_weights
from tests.waveform_unet_lru.waveform_pairs import RATE, write_pairs
from waveform_unet_lru import UNetLRUAudio
from waveform_unet_lru.dataset import WaveformPairs
from waveform_unet_lru.losses import LOSSES
from waveform_unet_lru.start import start_from_input
from waveform_unet_lru.task import WaveformTask


@pytest.fixture
def batch(tmp_path: Path) -> dict[str, Any]:
    """Four pairs of a quarter of a second."""
    pairs = WaveformPairs(write_pairs(tmp_path, [4000] * 4))
    return default_collate([pairs[index] for index in range(4)])


def _task(batch: dict[str, Any], loss: str = "multi") -> WaveformTask:
    torch.manual_seed(0)
    task = WaveformTask((4, 8), loss=loss, sample_rate=RATE)
    start_from_input(task.network, batch["noisy"])
    return task


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_the_named_one_of_the_networks_output(name: str, batch: dict[str, Any]) -> None:
    task = _task(batch, name)
    expected = LOSSES[name](task.network.denoise_single(batch["noisy"]), batch["voice"])
    torch.testing.assert_close(task.loss(batch), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_a_few_steps_lower_the_loss(name: str, batch: dict[str, Any]) -> None:
    task = _task(batch, name)
    task.optimise_with(lr=3e-3, weight_decay=0.01)
    optimiser = task.configure_optimizers()
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = task.loss(batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < losses[0] - 0.02 * abs(losses[0])


def test_the_recurrence_learns_at_half_the_rate_and_decays_as_little_as_vectors() -> None:
    task = WaveformTask((4, 8), loss="multi", sample_rate=RATE)
    names = {id(weight): name for name, weight in task.network.named_parameters()}
    settings = {
        names.pop(id(weight)): (group["lr"], group["weight_decay"])
        for group in task.parameter_groups(weight_decay=0.1, lr=1.0)
        for weight in group["params"]
    }
    assert not names
    for name, (rate, decay) in settings.items():
        recurrence = name in ("lru.nu_log", "lru.theta_log", "lru.D")
        assert rate == (0.5 if recurrence else 1.0), name
        assert decay == (0.0 if recurrence or name.endswith("bias") else 0.1), name


def test_checkpoint_builds_the_network_again(tmp_path: Path, batch: dict[str, Any]) -> None:
    task = _task(batch, "mse")
    header = task.header({"epoch": 3})
    save_weights(tmp_path / "a.safetensors", task.network.state_dict(), header)
    read, weights = load_weights(tmp_path / "a.safetensors")
    assert read == header
    assert (read.model, read.sample_rate) == ("unet-lru", RATE)
    assert read.training == {"epoch": 3, "loss": "mse"}
    network = UNetLRUAudio(**read.config)
    load_strictly(network, weights, "a")
    expected = task.network.denoise_single(batch["noisy"])
    assert torch.equal(network.denoise_single(batch["noisy"]), expected)


def test_pictures_show_noisy_estimate_and_voice_on_one_scale(batch: dict[str, Any]) -> None:
    shown = _task(batch).pictures(batch)
    assert [caption for caption, _ in shown] == batch["id"][:3]
    noisy, estimate, voice = shown[0][1]
    assert noisy.shape == estimate.shape == voice.shape == (512, 25)
    assert noisy.min() == 0 and noisy.max() <= 1
    # The untrained network returns its input; the voice has less in it, and white is nothing.
    assert abs(estimate.mean() - noisy.mean()) < 0.02
    assert voice.mean() > noisy.mean() + 0.1

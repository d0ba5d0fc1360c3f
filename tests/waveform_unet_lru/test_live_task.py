"""What the live model brings to training: mixing, loss, parameter groups, header, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from enhancement.checkpoints import load_strictly, load_weights, save_weights
from prepare_data import active_speech_level
from tests.waveform_unet_lru.live_sounds import RATE, demo_pack
from waveform_unet_lru.live.config import LiveConfig, Window
from waveform_unet_lru.live.data import PackMixtures
from waveform_unet_lru.live.draws import VALIDATION, Ranges
from waveform_unet_lru.live.network import LiveNetwork
from waveform_unet_lru.live.objective import Objective
from waveform_unet_lru.live.task import LiveTask


def _task(objective: Objective | None = None, window: Window = "32ms") -> LiveTask:
    torch.manual_seed(0)
    config = LiveConfig(channels=4, convolutions=1, bands=4, width=8, blocks=1, window=window)
    return LiveTask(config, objective=objective)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("pack") / "demo.pack")


@pytest.fixture(scope="module")
def mixtures(pack: Path) -> PackMixtures:
    return PackMixtures(pack, "train", size=12, seconds=0.5, ranges=VALIDATION)


@pytest.fixture(scope="module")
def batch(mixtures: PackMixtures) -> dict[str, Any]:
    return default_collate([mixtures[index] for index in range(6)])


def test_batches_are_mixed_at_their_ratios_and_levels(batch: dict[str, Any]) -> None:
    mixed = _task().mixed(batch)
    for row in range(6):
        voice, noise = (audio[row].double().numpy() for audio in (mixed.voice, mixed.noise))
        ratio = active_speech_level(voice, RATE)[0] - 10 * np.log10(np.mean(noise**2))
        assert ratio == pytest.approx(float(batch["snr_db"][row]), abs=0.01)
        level = 10 * np.log10(np.mean((voice + noise) ** 2))
        assert level == pytest.approx(float(batch["level_dbfs"][row]), abs=0.01)


def test_filters_change_the_target_only_where_they_are_of_the_channel(
    batch: dict[str, Any],
) -> None:
    task = _task()
    plain = task.mixed(batch)
    tilted = torch.zeros(6, 8)
    tilted[:, [0, 2, 4, 6, 7]] = torch.tensor([-6.0, 200.0, 3000.0, 1000.0, 1.0])
    noise_only = task.mixed({**batch, "noise_filter": tilted})
    both = task.mixed({**batch, "channel_filter": tilted})
    for row in range(6):
        shapes = [mixed.voice[row] / mixed.voice[row].norm() for mixed in (plain, noise_only, both)]
        torch.testing.assert_close(shapes[1], shapes[0], rtol=0, atol=1e-6)
        assert float((shapes[2] - shapes[0]).norm()) > 0.1
        assert float((noise_only.noise[row] - plain.noise[row]).abs().max()) > 1e-4


@pytest.mark.parametrize("window", ["32ms", "16ms"])
def test_untrained_loss_is_that_of_the_noisy_voice(batch: dict[str, Any], window: Window) -> None:
    task = _task(window=window)
    mixed = task.mixed(batch)
    expected = Objective()(
        task.analysis,
        task.analysis.spectrum(mixed.noisy),
        mixed.noisy,
        voice=mixed.voice,
        noisy=mixed.noisy,
    )
    torch.testing.assert_close(task.loss(batch), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("objective", [Objective(), Objective(windows=(256, 1024), log=0.1)])
def test_a_few_steps_lower_the_loss(batch: dict[str, Any], objective: Objective) -> None:
    task = _task(objective)
    task.optimise_with(lr=1e-2, weight_decay=0.01)
    optimiser = task.configure_optimizers()
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = task.loss(batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < losses[0] - 0.1 * abs(losses[0])


def test_what_may_be_drawn_gives_finite_gradients(mixtures: PackMixtures) -> None:
    task = _task(Objective(windows=(256,), log=0.1))
    items = [mixtures[index] for index in range(8)]
    for name, rows in (("voice", (0, 1)), ("noise", (1, 2))):
        for row in rows:
            items[row][name] = torch.zeros_like(items[row][name])
    batch = default_collate(items)
    task.loss(batch).backward()
    for name, parameter in task.network.named_parameters():
        if parameter.grad is not None:
            assert torch.isfinite(parameter.grad).all(), name


def test_the_recurrence_learns_at_half_the_rate_and_what_is_added_does_not_decay() -> None:
    task = _task()
    names = {id(weight): name for name, weight in task.network.named_parameters()}
    settings = {
        names.pop(id(weight)): (group["lr"], group["weight_decay"])
        for group in task.parameter_groups(weight_decay=0.1, lr=1.0)
        for weight in group["params"]
    }
    assert not names
    for name, (rate, decay) in settings.items():
        recurrence = name.endswith(("nu_log", "theta_log", ".D"))
        added = recurrence or "norm" in name or name.endswith(("bias", "band_embedding"))
        added = added or name == "encoder.1.weight" or name == "decoder.1.weight"
        assert rate == (0.5 if recurrence else 1.0), name
        assert decay == (0.0 if added else 0.1), name
    assert sum(decay == 0.1 for _, decay in settings.values()) > 10


def test_checkpoint_builds_the_network_again(tmp_path: Path) -> None:
    task = _task(Objective(windows=(256, 512)))
    header = task.header({"epoch": 3})
    save_weights(tmp_path / "a.safetensors", task.network.state_dict(), header)
    read, weights = load_weights(tmp_path / "a.safetensors")
    assert read == header
    assert (read.model, read.sample_rate, read.training["epoch"]) == ("live", RATE, 3)
    assert read.training["objective"]["windows"] == [256, 512]
    network = LiveNetwork(LiveConfig.from_plain(read.config))
    load_strictly(network, weights, "a")


def test_pictures_show_noisy_estimate_and_voice_on_one_scale(batch: dict[str, Any]) -> None:
    task = _task().eval()
    shown = task.pictures(batch)
    assert [caption for caption, _ in shown] == batch["id"][:3]
    noisy, estimate, voice = shown[0][1]
    assert noisy.shape == estimate.shape == voice.shape == (257, 33)
    assert noisy.min() == 0 and estimate.min() >= 0 and noisy.max() <= 1
    # The untrained network returns its input; the voice has less in it, and white is nothing.
    assert abs(estimate.mean() - noisy.mean()) < 0.01
    assert voice.mean() > noisy.mean() + 0.1


def test_everything_that_is_drawn_by_default_can_be_mixed(pack: Path) -> None:
    ranges = Ranges(without_voice=0.2, without_noise=0.2)
    mixtures = PackMixtures(pack, "train", size=40, seconds=0.25, ranges=ranges)
    mixed = _task().mixed(default_collate(list(mixtures)))
    for audio in (mixed.voice, mixed.noise, mixed.noisy):
        assert torch.isfinite(audio).all() and float(audio.abs().max()) <= 1
    torch.testing.assert_close(mixed.voice + mixed.noise, mixed.noisy, rtol=0, atol=1e-6)
    assert (mixed.noisy != 0).any(-1).all()

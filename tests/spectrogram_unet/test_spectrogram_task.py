"""The loss: by hand, and what it makes of loud, quiet and silent pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy

from spectrogram_unet import Geometry
from spectrogram_unet.task import SpectrogramTask


def _batch(seed: int = 0, count: int = 2) -> dict:
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(2, count, 1, 16, 32, generator=generator)
    return {"id": [f"{i}" for i in range(count)], "noisy": pictures[0], "noise": pictures[1]}


def test_loss_without_weights_is_plain_cross_entropy() -> None:
    task = SpectrogramTask(2, Geometry(), loudness_power=0.0)
    batch = _batch()
    predicted = torch.sigmoid(task.network(batch["noisy"]))
    expected = binary_cross_entropy(predicted, batch["noise"])
    assert task.loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_loud_pixels_count_by_the_power_of_their_darkness() -> None:
    task = SpectrogramTask(2, Geometry(), loudness_power=2.0)
    batch = _batch(count=1)
    predicted = torch.sigmoid(task.network(batch["noisy"]))
    each = binary_cross_entropy(predicted, batch["noise"], reduction="none")
    weights = (1 - batch["noisy"]) ** 2
    expected = (weights * each).sum() / weights.sum()
    assert task.loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_loss_of_a_batch_is_the_mean_over_its_samples() -> None:
    task = SpectrogramTask(2, Geometry())
    batch = _batch(count=3)
    batch["noisy"][1] = 0.9 + 0.1 * batch["noisy"][1]
    alone = [
        task.loss({name: values[index : index + 1] for name, values in batch.items()}).item()
        for index in range(3)
    ]
    assert task.loss(batch).item() == pytest.approx(np.mean(alone), rel=1e-5)


def test_silent_picture_has_a_finite_loss_and_gradient() -> None:
    task = SpectrogramTask(2, Geometry())
    batch = {"id": ["0"], "noisy": torch.ones(1, 1, 16, 16), "noise": torch.ones(1, 1, 16, 16)}
    loss = task.loss(batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(weight.grad).all() for weight in task.network.parameters())


def test_pictures_show_noisy_predicted_and_true() -> None:
    batch = _batch()
    shown = SpectrogramTask(2, Geometry()).pictures(batch)
    assert [caption for caption, _ in shown] == batch["id"]
    noisy, predicted, true = shown[0][1]
    np.testing.assert_array_equal(noisy, batch["noisy"][0, 0])
    np.testing.assert_array_equal(true, batch["noise"][0, 0])
    assert predicted.shape == noisy.shape and 0 <= predicted.min() <= predicted.max() <= 1

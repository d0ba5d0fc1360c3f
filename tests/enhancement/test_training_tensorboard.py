"""TensorBoard's files, where it is installed; a sentence, where it is not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from enhancement.training import trainer
from prepare_data.errors import UserError
from tests.enhancement.tiny_task import tiny_fit, tiny_options, tiny_task


def test_tensorboard_gets_the_losses_and_the_rate(tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed (pip install 'voice-from-noise[tensorboard]')",
    )
    task = tiny_task()
    tiny_fit(task, tiny_options(tmp_path, tensorboard=True, log_every=1))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()

    def scalars(name: str) -> tuple[list[int], list[float]]:
        found = events.Scalars(name)
        return [event.step for event in found], [event.value for event in found]

    steps, losses = scalars("step_loss")
    assert steps == list(range(1, 16)) and losses == pytest.approx(task.losses)
    assert scalars("lr")[1] == pytest.approx(task.rates)
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("train_loss", "val_loss"):
        assert scalars(name) == ([5, 10, 15], pytest.approx([float(row[name]) for row in rows]))


def test_without_tensorboard_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"--tensorboard.*pip install tensorboard"):
        tiny_fit(tiny_task(), tiny_options(tmp_path / "run", tensorboard=True))
    assert not (tmp_path / "run").exists()

"""Stopped and resumed, a run is the run that was never stopped; so are two processes and one."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from prepare_data.errors import UserError
from tests.enhancement import tiny_task as tiny
from tests.enhancement.tiny_task import TinyTask, tiny_fit, tiny_options, tiny_task

ROOT = Path(tiny.__file__).parents[2]


class _Random(TinyTask):
    """Draws from every random generator there is in each step."""

    def __init__(self, stop_at: int = 0, stop_in_validation_at: int = 0) -> None:
        torch.manual_seed(0)
        super().__init__(dropout=0.2, stop_at=stop_at)
        self._stop_in_validation_at = stop_in_validation_at

    def loss(self, batch: dict[str, Any]) -> Tensor:
        loss = super().loss(batch)
        if not self.training:
            if self.trainer.global_step == self._stop_in_validation_at:
                os.kill(os.getpid(), signal.SIGINT)
            return loss
        noise = random.random() + np.random.rand() + float(torch.rand(()))  # noqa: NPY002
        return loss * (1 + 0.1 * noise)


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["minutes"]
    return rows


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], list[dict[str, str]]]:
    """The losses and the history of a run of 15 steps that was never stopped."""
    out = tmp_path_factory.mktemp("unbroken")
    task = _Random()
    tiny_fit(task, tiny_options(out))
    assert len(task.losses) == 15
    return task.losses, _rows(out)


def _stopped(task: TinyTask, out: Path, code: int = 143, **changes: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        tiny_fit(task, tiny_options(out, **changes))
    assert stop.value.code == code


# In the middle of an epoch, before and at its last step, and at the start of the next one.
@pytest.mark.parametrize("stop_at", [1, 4, 5, 6, 15])
def test_a_resumed_run_is_the_unbroken_one(
    tmp_path: Path, unbroken: tuple[list[float], list[dict[str, str]]], stop_at: int
) -> None:
    losses, rows = unbroken
    first = _Random(stop_at=stop_at)
    _stopped(first, tmp_path)
    assert len(first.losses) == stop_at
    np.testing.assert_allclose(first.losses, losses[:stop_at], atol=1e-6)

    second = _Random()
    tiny_fit(second, tiny_options(tmp_path, resume=True))
    # The last step of an epoch is done again: Lightning cannot be stopped before a validation.
    repeated = 1 if stop_at % 5 == 0 else 0
    assert len(second.losses) == 15 - stop_at + repeated
    np.testing.assert_allclose(second.losses, losses[-len(second.losses) :], atol=1e-6)
    assert _rows(tmp_path) == rows


def test_a_run_may_be_stopped_again_and_in_its_validation(
    tmp_path: Path, unbroken: tuple[list[float], list[dict[str, str]]]
) -> None:
    losses, rows = unbroken
    _stopped(_Random(stop_at=2), tmp_path)
    _stopped(_Random(stop_at=3), tmp_path, resume=True)
    _stopped(_Random(stop_in_validation_at=10), tmp_path, code=130, resume=True)
    last = _Random()
    tiny_fit(last, tiny_options(tmp_path, resume=True, workers=1))
    np.testing.assert_allclose(last.losses, losses[-6:], atol=1e-6)
    assert _rows(tmp_path) == rows


def test_a_finished_run_goes_on_only_if_more_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_fit(tiny_task(), tiny_options(tmp_path))
    again = tiny_task()
    tiny_fit(again, tiny_options(tmp_path, resume=True))
    assert again.losses == []
    assert "has finished" in capsys.readouterr().out
    tiny_fit(again, tiny_options(tmp_path, resume=True, epochs=5))
    assert len(again.losses) == 10
    assert [row["epoch"] for row in _rows(tmp_path)] == ["1", "2", "3", "4", "5"]


def test_time_is_counted_over_all_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()  # a second goes by whenever somebody looks
    monkeypatch.setattr("enhancement.training.state.monotonic", lambda: next(clock))
    options = {"epochs": 10_000, "samples_per_epoch": 80, "max_minutes": 1.0, "warmup_steps": 1}
    first = tiny_task()
    tiny_fit(first, tiny_options(tmp_path, **options))
    again = tiny_task()
    assert tiny_fit(again, tiny_options(tmp_path, resume=True, **options)).stopped_early
    assert again.losses == []
    longer = tiny_task()
    tiny_fit(longer, tiny_options(tmp_path, resume=True, **(options | {"max_minutes": 2.0})))
    epochs = [int(row["epoch"]) for row in _rows(tmp_path)]
    assert epochs == list(range(1, len(epochs) + 1))
    # A little more than half of the time is over, and of the cosine.
    assert 0.003 < longer.rates[0] < 0.005
    assert longer.rates == sorted(longer.rates, reverse=True)
    assert int(_rows(tmp_path)[-1]["step"]) == len(first.losses) + len(longer.losses)


def test_a_run_goes_on_in_another_folder(
    tmp_path: Path, unbroken: tuple[list[float], list[dict[str, str]]]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    _stopped(_Random(stop_at=8), first)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    tiny_fit(_Random(), tiny_options(second, resume=first))
    assert _rows(second) == unbroken[1]
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert (second / "best.safetensors").exists()


def test_resuming_from_nothing_or_something_else_is_one_sentence(tmp_path: Path) -> None:
    def refused(message: str, **changes: Any) -> None:
        with pytest.raises(UserError, match=message):
            tiny_fit(tiny_task(), tiny_options(tmp_path, resume=True, **changes))

    refused("nothing to resume")
    tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=1))
    refused("another batch_size, 4 instead of 2", batch_size=2)
    refused("--samples-per-epoch", samples_per_epoch=8)
    refused("another seed", seed=1)
    with pytest.raises(UserError, match="of another shape"):
        tiny_fit(tiny_task(width=9), tiny_options(tmp_path, epochs=2, resume=True))
    resume = tmp_path / "resume.ckpt"
    whole = resume.read_bytes()
    for content in (whole[:5000], b"text", b""):
        resume.write_bytes(content)
        refused("damaged")
    torch.save({"weight": torch.ones(1)}, resume)
    refused("damaged or no resume.ckpt")


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tests.enhancement.tiny_task", *map(str, arguments)]


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_sigterm_ends_a_command_with_143_and_a_way_to_go_on(tmp_path: Path) -> None:
    command = subprocess.Popen(
        _command("--out", tmp_path, "--epochs", 100_000, "--workers", 1),
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert command.stdout is not None
    command.stdout.readline()
    os.killpg(command.pid, signal.SIGTERM)  # the workers too, as a cluster does it
    _, shown = command.communicate()
    assert command.returncode == 143
    step = torch.load(tmp_path / "resume.ckpt", weights_only=True)["global_step"]
    assert shown.splitlines() == [
        f"stopped; {tmp_path / 'resume.ckpt'} holds step {step}. Run the same command with "
        "--resume to go on."
    ]
    assert step >= 4


def test_two_processes_equal_one(tmp_path: Path) -> None:
    options = {"samples_per_epoch": 40, "epochs": 2}
    one = tiny_task()
    tiny_fit(one, tiny_options(tmp_path / "one", **options))
    done = subprocess.run(
        _command("--out", tmp_path / "two", "--devices", 2, "--samples-per-epoch", 40,
                 "--epochs", 2, "--quiet"),
        cwd=ROOT, env=_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    losses = json.loads((tmp_path / "two" / "losses.json").read_text())
    assert len(losses) == 20
    np.testing.assert_allclose(losses, one.losses, atol=1e-4)
    for mine, theirs in zip(_rows(tmp_path / "one"), _rows(tmp_path / "two"), strict=True):
        assert float(mine["val_loss"]) == pytest.approx(float(theirs["val_loss"]), abs=1e-4)

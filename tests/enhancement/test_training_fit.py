"""A training run: what it leaves, what it refuses, how it ends."""

from __future__ import annotations

import csv
import errno
import json
import multiprocessing
import re
import warnings
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from enhancement.checkpoints import Header, load_weights, save_weights
from enhancement.training.driver import fit
from enhancement.training.pictures import write_samples
from prepare_data.errors import UserError
from tests.enhancement.tiny_task import (
    TinyData,
    TinyStream,
    TinyTask,
    tiny_fit,
    tiny_options,
    tiny_task,
)

LEFT = {
    "best.safetensors", "last.safetensors", "config.json", "history.csv", "loss.png",
    "samples.png", "resume.ckpt",
}  # fmt: skip


def _read_picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def _history(out: Path) -> list[dict[str, float]]:
    with (out / "history.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_a_run_leaves_what_it_promises(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs" / "one"
    task = tiny_task()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = tiny_fit(task, tiny_options(out))
    assert {path.name for path in out.iterdir()} == LEFT
    assert not result.stopped_early

    rows = _history(out)
    assert [(row["epoch"], row["step"]) for row in rows] == [(1, 5), (2, 10), (3, 15)]
    assert rows[0]["train_loss"] == pytest.approx(np.mean(task.losses[:5]))
    assert rows[2]["train_loss"] == pytest.approx(np.mean(task.losses[10:]))

    header, weights = load_weights(result.last)
    assert (header.model, header.training["step"]) == ("tiny", 15)
    other = TinyTask()
    other.network.load_state_dict(weights)
    val = TinyData(10, seed=1)
    own = (other.network(val.inputs) - val.targets).square().mean().item()
    assert own == pytest.approx(rows[2]["val_loss"], rel=1e-5)

    best = min(rows, key=lambda row: row["val_loss"])
    assert load_weights(result.best)[0].training["epoch"] == best["epoch"]
    config = json.loads((out / "config.json").read_text())
    assert (config["model"], config["training"]["lr"], config["parameters"]) == ("tiny", 0.01, 49)
    for name in ("loss.png", "samples.png"):
        assert _read_picture(out / name).std() > 0

    shown = capfd.readouterr()
    assert shown.err == ""  # none of Lightning's chatter
    assert [line[:9] for line in shown.out.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_the_expected_end_is_printed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_fit(tiny_task(), tiny_options(tmp_path, quiet=False))
    assert capsys.readouterr().out.count("in all") == 1


def test_training_learns_and_averages(tmp_path: Path) -> None:
    changes = {"epochs": 2, "samples_per_epoch": 400, "lr": 0.05}
    task = tiny_task()
    result = tiny_fit(task, tiny_options(tmp_path / "ema", ema_decay=0.9, **changes))
    rows = _history(tmp_path / "ema")
    assert np.mean(task.losses[-20:]) < 0.2 * np.mean(task.losses[:5])
    assert rows[-1]["lr"] < 1e-4
    averaged = load_weights(result.last)[1]
    assert all(torch.equal(averaged[k], v) for k, v in task.network.state_dict().items())

    plain = tiny_task()
    result = tiny_fit(plain, tiny_options(tmp_path / "plain", ema_decay=0.0, **changes))
    assert plain.losses == task.losses  # averaging watches, it does not steer
    assert not torch.equal(load_weights(result.last)[1]["0.weight"], averaged["0.weight"])


def test_the_rate_follows_the_schedule(tmp_path: Path) -> None:
    task = tiny_task()
    tiny_fit(task, tiny_options(tmp_path, epochs=2, samples_per_epoch=80, warmup_steps=2))
    assert task.rates[0] == pytest.approx(0.005)
    assert max(task.rates) == task.rates[1] == pytest.approx(0.01, rel=0.01)
    assert task.rates[20] == pytest.approx(0.005)
    assert task.rates[-1] < 3e-5


def test_time_ends_a_run_with_its_rate_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = count()  # a second goes by whenever somebody looks
    monkeypatch.setattr("enhancement.training.state.monotonic", lambda: next(clock))
    task = tiny_task()
    options = tiny_options(
        tmp_path, epochs=10_000, samples_per_epoch=80, max_minutes=1.0, warmup_steps=1
    )
    result = tiny_fit(task, options)
    assert result.stopped_early
    rows = _history(tmp_path)
    assert rows[-1]["minutes"] >= 1
    assert rows[-1]["step"] == len(task.losses) < 60
    assert task.rates[0] == max(task.rates) == pytest.approx(0.01, rel=0.01)
    assert task.rates == sorted(task.rates, reverse=True)
    assert task.rates[-1] < 0.05 * task.rates[0]


def test_an_iterable_training_set_trains(tmp_path: Path) -> None:
    task = tiny_task()
    data = TinyStream(TinyData(32, seed=0))
    fit(task, data, TinyStream(TinyData(10, seed=1)), tiny_options(tmp_path))
    assert task.ids[0] == task.ids[5] == ["000000", "000001", "000002", "000003"]
    assert len(_history(tmp_path)) == 3


def test_workers_change_nothing(tmp_path: Path) -> None:
    tasks = []
    for workers in (0, 1):
        tasks.append(tiny_task())
        tiny_fit(tasks[-1], tiny_options(tmp_path / str(workers), epochs=2, workers=workers))
    assert tasks[0].losses == tasks[1].losses


class _Unreadable(TinyData):
    """A training set whose files turn out to be damaged."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        raise UserError(f"{index}.wav is damaged;\nwrite it again.")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_while_loading_is_said_without_its_trace(tmp_path: Path, workers: int) -> None:
    with pytest.raises(UserError) as caught:
        options = tiny_options(tmp_path / "run", workers=workers)
        fit(tiny_task(), _Unreadable(8, 0), TinyData(4, 1), options)
    assert not multiprocessing.active_children()
    assert re.fullmatch(r"\d\.wav is damaged;\nwrite it again\.", str(caught.value))


def test_another_run_is_never_overwritten(tmp_path: Path) -> None:
    tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=1))
    before = (tmp_path / "last.safetensors").read_bytes()
    with pytest.raises(UserError, match=r"--resume.*--out"):
        tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=1, seed=5))
    assert (tmp_path / "last.safetensors").read_bytes() == before


def test_a_non_finite_loss_names_step_batch_and_checkpoint(tmp_path: Path) -> None:
    task = tiny_task()
    bad = TinyData(40, seed=0, bad=17)
    with pytest.raises(UserError) as error:
        fit(task, bad, TinyData(10, seed=1), tiny_options(tmp_path, epochs=2))
    message = str(error.value)
    step = len(task.losses) + 1  # the step that failed is not in the list
    assert "000017" in message
    assert f"at step {step} " in message
    kept = torch.load(tmp_path / "resume.ckpt", weights_only=True)
    assert f"{tmp_path / 'resume.ckpt'}, of step {kept['global_step']}" in message
    assert kept["global_step"] < step


def test_a_non_finite_loss_leaves_no_process_behind(tmp_path: Path) -> None:
    options = tiny_options(tmp_path / "run", workers=1)
    with pytest.raises(UserError, match="not finite"):
        fit(tiny_task(), TinyData(8, 0, bad=3), TinyData(4, 1), options)
    assert not multiprocessing.active_children()


def test_a_non_finite_validation_names_its_batch(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"validation loss is not finite at step 5 .*000003"):
        fit(tiny_task(), TinyData(32, 0), TinyData(10, 1, bad=3), tiny_options(tmp_path))


class _Exploding(TinyTask):
    def on_after_backward(self) -> None:
        if self.trainer.global_step == 2:
            for weight in self.network.parameters():
                assert weight.grad is not None
                weight.grad.fill_(torch.nan)


def test_broken_weights_are_never_saved(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no checkpoint was written yet"):
        tiny_fit(_Exploding(), tiny_options(tmp_path))
    assert not (tmp_path / "resume.ckpt").exists()


def test_fine_tuning_starts_from_the_weights(tmp_path: Path) -> None:
    source = tiny_task()
    result = tiny_fit(source, tiny_options(tmp_path / "a", epochs=2))
    best = load_weights(result.best)[1]
    torch.save(best, tmp_path / "published.pt")
    for name in ("a", "a/best.safetensors", "published.pt"):
        task = TinyTask()
        out = tmp_path / f"from-{name.replace('/', '-')}"
        tiny_fit(task, tiny_options(out, epochs=1, lr=1e-12, init=str(tmp_path / name)))
        assert torch.allclose(task.network[0].weight, best["0.weight"], atol=1e-6)


def test_weights_that_do_not_fit_stop_fine_tuning(tmp_path: Path) -> None:
    def refused(init: Path | str, message: str) -> None:
        with pytest.raises(UserError, match=message):
            tiny_fit(tiny_task(), tiny_options(tmp_path / "out", init=str(init)))

    wide = tmp_path / "wide.safetensors"
    save_weights(wide, TinyTask(width=9).network.state_dict(), TinyTask().header({}))
    refused(wide, r"0\.weight is \(9, 4\), here \(8, 4\)")
    save_weights(wide, TinyTask().network.state_dict(), Header("other", {}, 16_000, {}))
    refused(wide, "holds a other model")
    refused("nowhere", "nowhere is neither a file nor a known model")
    assert not (tmp_path / "out").exists()


def test_folders_that_cannot_be_written_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        tiny_fit(tiny_task(), tiny_options(tmp_path / "file" / "run"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("enhancement.training.state.os.replace", full)
    with pytest.raises(UserError, match="disk is full"):
        tiny_fit(tiny_task(), tiny_options(tmp_path / "run"))
    assert not list((tmp_path / "run").glob(".*"))


def test_an_empty_validation_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="validation set is empty"):
        fit(tiny_task(), TinyData(32, 0), TinyData(0, 1), tiny_options(tmp_path))


def test_samples_of_different_numbers_of_pictures_are_drawn(tmp_path: Path) -> None:
    picture = np.eye(8)
    write_samples(tmp_path / "grid.png", [("one", [picture]), ("two", [picture, picture])])
    assert _read_picture(tmp_path / "grid.png").shape == (640, 600)

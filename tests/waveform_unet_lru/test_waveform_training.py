"""`python -m waveform_unet_lru train`, from end to end."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from enhancement.checkpoints import load_weights, read_header
from tests.waveform_unet_lru.waveform_pairs import write_set
from waveform_unet_lru import train
from waveform_unet_lru.__main__ import main
from waveform_unet_lru.losses import LOSSES
from waveform_unet_lru.task import MODEL_NAME

_SMALL = "--features 4 8 --segment-seconds 0.25 --batch-size 2 --workers 0 --quiet"


def _train(data: Path, out: Path, more: str = "") -> int:
    small = f"{_SMALL} --precision 32-true --samples-per-epoch 4"
    return main(["train", "--data", str(data), "--out", str(out), *f"{small} {more}".split()])


def _epochs(out: Path) -> list[dict[str, str]]:
    with open(out / "history.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs in train and two in val, of half a second."""
    return write_set(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def run(data: Path) -> Path:
    """The folder of a run of an epoch of two steps."""
    assert _train(data, data / "run", "--epochs 1 --model unet-lru --loss multi") == 0
    return data / "run"


def test_choices_are_the_models_and_losses_that_there_are() -> None:
    assert set(LOSSES) == set(train._LOSSES) and MODEL_NAME in train._MODELS


def test_run_leaves_a_checkpoint_curves_and_pictures(run: Path) -> None:
    header = read_header(run / "best.safetensors")
    assert header.model == "unet-lru" and header.sample_rate == 16_000
    assert header.config == {"in_channels": 1, "out_channels": 1, "features": [4, 8]}
    assert header.training["loss"] == "multi"
    assert {"samples.png", "loss.png"} <= {path.name for path in run.iterdir()}
    assert [row["step"] for row in _epochs(run)] == ["2"]


def test_resume_goes_on_with_the_next_epoch(data: Path, tmp_path: Path) -> None:
    assert _train(data, tmp_path / "run", "--epochs 1 --loss mse") == 0
    first = _epochs(tmp_path / "run")
    assert _train(data, tmp_path / "run", "--epochs 2 --loss mse --resume") == 0
    both = _epochs(tmp_path / "run")
    assert [(row["epoch"], row["step"]) for row in both] == [("1", "2"), ("2", "4")]
    assert both[0] == first[0] and both[1]["train_loss"] != first[0]["train_loss"]


def test_init_starts_from_the_weights_of_a_run(run: Path, data: Path, tmp_path: Path) -> None:
    more = f"--epochs 1 --lr 1e-12 --ema-decay 0 --init {run / 'last.safetensors'}"
    assert _train(data, tmp_path / "tuned", more) == 0
    _, before = load_weights(run / "last.safetensors")
    _, after = load_weights(tmp_path / "tuned" / "last.safetensors")
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ("--segment-seconds 0", "--segment-seconds is 0.0"),
        ("--segment-seconds nan", "--segment-seconds is nan"),
        ("--features 0 4", "--features holds 0"),
        ("--features 1 2", "--features starts with 1"),
        ("--loss l1", "--loss"),
        ("--model live", "--model"),
    ],
)
def test_wrong_options_are_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    assert _train(data, tmp_path / "run", options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_val_of_another_rate_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path, train=2, val=1)
    for kind in ("voice", "noisy_voice"):
        path = tmp_path / "val" / "audio" / kind / "000000.wav"
        soundfile.write(path, np.zeros(4000), 8000)
    assert _train(tmp_path, tmp_path / "run") == 2
    assert "16000 Hz in train and 8000 in val" in capsys.readouterr().err


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _train(tmp_path, tmp_path / "run") == 2
    assert f"{tmp_path}/train/audio/noisy_voice is not there" in capsys.readouterr().err

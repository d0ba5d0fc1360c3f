"""Checkpoints for shipping: smaller weights, changed settings, the rest as it was."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from enhancement.__main__ import main
from enhancement.checkpoints import Header, load_weights, read_header, save_weights
from enhancement.shipping import with_settings

CONFIG = {"width": 2, "gain": {"rule": "subtraction", "beta": 1.0}}
TRAINING = {"epoch": 3, "val_loss": 0.5}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run."""
    folder = tmp_path / "run"
    folder.mkdir()
    weights = {"a": torch.tensor([1.0, 1 / 3]), "count": torch.tensor([70_000])}
    save_weights(folder / "best.safetensors", weights, Header("tiny", CONFIG, 16_000, TRAINING))
    return folder


def _ship(run: Path, out: Path, *more: str) -> int:
    return main(["ship", str(run), "--out", str(out), *more])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_weights_are_converted_and_the_header_kept(run: Path, tmp_path: Path, dtype: str) -> None:
    out = tmp_path / "new" / "small.safetensors"
    assert _ship(run, out, "--dtype", dtype) == 0
    header, weights = load_weights(out)
    assert header == read_header(run / "best.safetensors")
    assert weights["a"].dtype == getattr(torch, dtype)
    assert torch.equal(weights["a"], torch.tensor([1.0, 1 / 3]).to(weights["a"].dtype))
    assert weights["count"].tolist() == [70_000]


def test_settings_are_changed(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.safetensors"
    settings = [
        "gain.rule=wiener",
        "gain.beta=3",
        "gain.floor_db=-20.5",
        "features=[1, 2]",
        "a=b=c",
    ]
    assert _ship(run, out, *(word for setting in settings for word in ("--set", setting))) == 0
    header = read_header(out)
    gain = {"rule": "wiener", "beta": 3, "floor_db": -20.5}
    assert header.config == {"width": 2, "gain": gain, "features": [1, 2], "a": "b=c"}
    assert header.training == TRAINING


def test_the_given_configuration_stays_as_it_is() -> None:
    before = copy.deepcopy(CONFIG)
    assert with_settings(CONFIG, ["gain.beta=3"], source=Path("a"))["gain"]["beta"] == 3
    assert before == CONFIG


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--set", "gane.beta=3"], "gane is no group of settings in"),
        (["--set", "width.of.it=3"], "width is no group of settings in"),
        (["--set", "gain.beta"], "gain.beta is not KEY=VALUE"),
        (["--set", "gain.=3"], "gain.=3 is not KEY=VALUE"),
        (["--dtype", "int8"], "invalid choice: 'int8'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    run: Path,
    tmp_path: Path,
    settings: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "small.safetensors"
    assert _ship(run, out, *settings) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not out.exists()


def test_wrong_paths_are_one_sentence(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = run / "best.safetensors"
    before = best.read_bytes()
    for source, out, message in (
        (tmp_path / "nowhere", tmp_path / "a.safetensors", "nowhere is neither a file nor"),
        (tmp_path, tmp_path / "a.safetensors", "is no training run"),
        (run, tmp_path / "a.pt", "must end in .safetensors"),
        (run, best, "is the checkpoint itself"),
        (run, best / "a.safetensors", "cannot be written"),
    ):
        assert _ship(source, out) == 2
        said = capsys.readouterr().err
        assert message in said and said.count("\n") == 1
    assert best.read_bytes() == before


def test_numbers_that_do_not_fit_the_type_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = {"a": torch.tensor([1e5])}
    save_weights(run / "best.safetensors", large, Header("tiny", CONFIG, 16_000, TRAINING))
    assert _ship(run, tmp_path / "a.safetensors") == 2
    assert "a of " in capsys.readouterr().err
    assert _ship(run, tmp_path / "a.safetensors", "--dtype", "bfloat16") == 0

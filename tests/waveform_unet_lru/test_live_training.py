"""`python -m waveform_unet_lru train` of live models, from end to end."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from enhancement.checkpoints import read_header
from tests.waveform_unet_lru.live_sounds import demo_pack
from tests.waveform_unet_lru.waveform_pairs import write_set
from waveform_unet_lru.__main__ import main
from waveform_unet_lru.live.config import PRESETS

_SMALL = """train --model tiny --segment-seconds 0.25 --last-segment-seconds 0.5 --batch-size 2
    --samples-per-epoch 4 --workers 0 --quiet --precision 32-true"""

# What is not there on a machine lent for training alone. Found neither as a module nor as an
# installed package, since some libraries ask for the latter before they import the former.
_BARE = """
import sys
from importlib.machinery import PathFinder

MISSING = {"soundfile", "librosa", "soxr", "av", "PIL", "matplotlib", "torchvision", "onnxruntime",
           "jinja2", "isal"}

class Bare(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        found = None if name.partition(".")[0] in MISSING else super().find_spec(name, path, target)
        return found

    @classmethod
    def find_distributions(cls, context):
        return [] if context.name in MISSING else super().find_distributions(context)

sys.meta_path = [Bare if finder is PathFinder else finder for finder in sys.meta_path]
from waveform_unet_lru.__main__ import main

code = main(sys.argv[1:])
assert not MISSING & {name.partition(".")[0] for name in sys.modules}
sys.exit(code)
"""


def _train(*more: object) -> int:
    return main([*_SMALL.split(), *map(str, more)])


def _steps(out: Path) -> list[str]:
    with open(out / "history.csv", encoding="utf-8") as file:
        return [row["step"] for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("pack") / "demo.pack")


@pytest.fixture(scope="module")
def run(pack: Path) -> Path:
    """The folder of a run of an epoch of two steps."""
    out = pack.parent / "run"
    assert _train("--pack", pack, "--out", out, "--epochs", 1) == 0
    return out


def test_run_from_a_pack_leaves_a_checkpoint_curves_and_pictures(run: Path) -> None:
    header = read_header(run / "best.safetensors")
    assert (header.model, header.sample_rate) == ("live", 16_000)
    assert header.config == PRESETS["tiny"].plain()
    assert {"samples.png", "loss.png", "last.safetensors"} <= {p.name for p in run.iterdir()}
    assert _steps(run) == ["2"]
    settings = json.loads((run / "config.json").read_text())["training"]
    assert (settings["lr"], settings["grad_clip"], settings["warmup_steps"]) == (2e-3, 3.0, 500)


def test_resume_goes_on_with_the_next_epoch(run: Path, pack: Path, tmp_path: Path) -> None:
    more = ("--pack", pack, "--out", tmp_path / "more", "--epochs", 2, "--resume", run)
    assert _train(*more) == 0
    assert _steps(tmp_path / "more") == ["2", "4"]


def test_run_from_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_set(tmp_path, train=4, val=2)
    loss = ("--loss-windows", 256, 512, "--log-weight", 0.1)
    assert _train("--data", tmp_path, "--out", tmp_path / "run", "--epochs", 1, *loss) == 0
    objective = read_header(tmp_path / "run" / "best.safetensors").training["objective"]
    assert (objective["windows"], objective["log"]) == ([256, 512], 0.1)
    assert _train("--data", tmp_path, "--out", tmp_path / "other", "--without", "rain") == 2
    assert "--without leaves recordings of a pack out" in capsys.readouterr().err


def test_mixtures_are_varied_or_plain_and_the_checkpoint_says_which(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waveform_unet_lru.live import data
    from waveform_unet_lru.live.draws import PLAIN, VALIDATION, Ranges

    drawn_from = []

    class Watched(data.PackMixtures):
        def __init__(self, *arguments: Any, ranges: Ranges, **settings: Any) -> None:
            drawn_from.append(ranges)
            super().__init__(*arguments, ranges=ranges, **settings)

    monkeypatch.setattr(data, "PackMixtures", Watched)
    for mixtures, options in (("varied", ()), ("plain", ("--mixtures", "plain"))):
        out = tmp_path / mixtures
        assert _train("--pack", pack, "--out", out, "--epochs", 1, *options) == 0
        assert read_header(out / "best.safetensors").training["mixtures"] == mixtures
    assert drawn_from == [Ranges(), VALIDATION, PLAIN, VALIDATION]


def test_a_last_run_hears_the_recordings_of_val_too_and_says_so(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--pack", pack, "--epochs", 1, "--objective", "hearing=0.5", "envelopes=0.2")
    assert _train(*more, "--out", tmp_path / "run", "--final") == 0
    training = read_header(tmp_path / "run" / "best.safetensors").training
    assert training["final"] is True
    assert (training["objective"]["hearing"], training["objective"]["envelopes"]) == (0.5, 0.2)
    write_set(tmp_path, train=4, val=2)
    assert _train("--data", tmp_path, "--out", tmp_path / "other", "--final") == 2
    assert "--final takes recordings of a pack in" in capsys.readouterr().err


def test_the_last_fifth_of_a_run_is_on_longer_segments(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from waveform_unet_lru.live.task import LiveTask

    lengths = []
    loss = LiveTask.loss

    def noting(task: LiveTask, batch: dict) -> object:
        if task.training:
            lengths.append(batch["voice"].shape[-1] / 16_000)
        return loss(task, batch)

    monkeypatch.setattr(LiveTask, "loss", noting)
    more = ("--samples-per-epoch", 2, "--epochs", 5)
    assert _train("--pack", pack, "--out", tmp_path / "run", *more) == 0
    assert lengths == [0.25, 0.25, 0.25, 0.25, 0.5]


def test_training_from_a_pack_takes_torch_and_little_else(pack: Path, tmp_path: Path) -> None:
    more = ["--pack", str(pack), "--out", str(tmp_path / "run"), "--epochs", "1"]
    command = [sys.executable, "-c", _BARE, *_SMALL.split(), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert _steps(tmp_path / "run") == ["2"]
    assert (tmp_path / "run" / "best.safetensors").is_file()


@pytest.mark.parametrize(
    "options, message",
    [
        ("--segment-seconds 0", "--segment-seconds is 0.0"),
        ("--last-segment-seconds 0.1", "--last-segment-seconds is 0.1"),
        ("--last-segment-seconds nan", "--last-segment-seconds is nan"),
        ("--loss-windows 512 33", "--loss-windows holds 33"),
        ("--log-weight -1", "--log-weight is -1"),
        ("--log-weight nan", "--log-weight is nan"),
        ("--objective hearing=2", "--objective hearing=2: hearing is 2.0; a number from 0 to 1"),
        ("--objective log=loud", "log is 'loud'; a number from 0 on"),
        ("--objective colour=1", "--objective colour=1: there is no colour; there are windows"),
        ("--objective windows=512", "windows is no weight; there are magnitude, complex"),
        ("--precision bf16-true", "--precision bf16-true would round"),
        ("--features 4 8", "--features is an option of unet-lru"),
        ("--loss mse", "--loss is an option of unet-lru"),
        ("--model unet-lru", "--pack is an option of live models"),
        ("--data x", "not allowed with argument"),
    ],
)
def test_wrong_options_are_one_sentence(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, message: str
) -> None:
    out = tmp_path / "run"
    assert _train("--pack", pack, "--out", out, *options.split()) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_pack_that_is_missing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train("--pack", tmp_path / "a.pack", "--out", tmp_path / "run") == 2
    assert f"{tmp_path}/a.pack cannot be opened" in capsys.readouterr().err


def test_help_shows_the_defaults_of_both_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["train", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "the highest learning rate (default: 0.001; 0.002 for live models, 0.0005 with --init)"
        in shown
    )

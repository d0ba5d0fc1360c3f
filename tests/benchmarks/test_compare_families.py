"""`python benchmarks/compare_families.py`: trained, measured and said, from end to end."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from enhancement.checkpoints import read_header
from tests.enhancement.small_set import write_small_set
from tests.waveform_unet_lru.live_sounds import demo_pack

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare_families.py"
_SHORT = """--steps 2 --epochs 1 --batch-size 2 --segment-seconds 0.25 --last-segment-seconds 0.25
    --workers 0 --quiet --precision 32-true"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("pack") / "demo.pack")


def _run(*more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_SCRIPT), *map(str, more), *_SHORT.split()]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("family", "setting", "field"),
    [("live", "blocks=1", 1), ("gated", "blocks=1", 1), ("waveform", "blocks=2", 2)],
)
def test_a_family_is_trained_and_measured(
    family: str, setting: str, field: int, pack: Path, tmp_path: Path
) -> None:
    data = write_small_set(tmp_path / "set")
    measured = ("--data", data, "--split", "test")
    done = _run(family, "--pack", pack, "--out", tmp_path / "run", "--set", setting, *measured)
    assert done.returncode == 0, done.stderr
    cost, *_, factor = done.stdout.splitlines()
    assert cost.startswith(f"{family}: ") and " MMAC/s" in cost
    assert "lowest validation loss" in done.stdout and factor.startswith("real-time factor")
    header = read_header(tmp_path / "run" / "best.safetensors")
    assert (header.model, header.config["blocks"]) == (f"benchmark {family}", field)
    assert header.training["step"] == 2
    *_, everything = json.loads((tmp_path / "run" / "gains.json").read_text())["rows"]
    assert everything["clips"] == 3 and math.isfinite(everything["gain_db"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["waveform", "--set", "width=3"], "there is no width"),
        (["waveform", "--set", "levels=0"], "levels is 0"),
        (["gated", "--set", "levels=3"], "there is no levels"),
        (["live", "--samples-per-epoch", "4"], "--samples-per-epoch"),
    ],
)
def test_wrong_options_are_one_sentence(options: list[str], message: str, tmp_path: Path) -> None:
    done = _run(*options, "--pack", tmp_path / "no.pack", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr

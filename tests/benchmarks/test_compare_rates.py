"""`python benchmarks/compare_rates.py`: the same clips at several rates, from end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from enhancement.checkpoints import Header, save_weights
from tests.enhancement.small_set import write_small_set
from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.network import LiveNetwork

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "compare_rates.py"


def _run(*options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_SCRIPT), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_returns_its_input_gains_nothing_at_any_rate(tmp_path: Path) -> None:
    pytest.importorskip("pesq", reason="the package pesq is not installed")
    model = tmp_path / "untrained.safetensors"
    config = live_cores.SMALLEST
    header = Header("live", config.plain(), 16_000, {})
    save_weights(model, LiveNetwork(config).state_dict(), header)
    data = write_small_set(tmp_path / "set")
    done = _run("--data", data, "--split", "test", "--model", model)
    assert done.returncode == 0, done.stderr
    rows = [line.split("kHz") for line in done.stdout.splitlines()[1:] if "kHz" in line]
    assert [float(rate) for rate, _ in rows] == 2 * [8.0, 44.1, 48.0]
    for _, cells in rows:
        numbers = [float(each.strip("[,]")) for each in cells.replace("[", " ").split()]
        assert numbers == pytest.approx([0.0] * 12, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--limit", "0"], "--limit is 0"), (["--model", "none.onnx"], "none.onnx is neither")],
)
def test_wrong_options_are_one_sentence(options: list[str], message: str, tmp_path: Path) -> None:
    pytest.importorskip("pesq", reason="the package pesq is not installed")
    done = _run("--data", tmp_path, *options)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr

"""`python benchmarks/voice_or_noise_alone.py`: voices and noises by themselves, from end to end."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.voice_or_noise_alone import _fall_db, _floor_movement
from enhancement.checkpoints import Header, save_weights
from tests.enhancement.small_set import write_small_set
from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.network import LiveNetwork

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "voice_or_noise_alone.py"
_RATE = 16_000


def test_what_returns_its_input_changes_neither(tmp_path: Path) -> None:
    pytest.importorskip("pesq", reason="the package pesq is not installed")
    model = tmp_path / "untrained.safetensors"
    config = live_cores.SMALLEST
    save_weights(model, LiveNetwork(config).state_dict(), Header("live", config.plain(), _RATE, {}))
    command = [sys.executable, str(_SCRIPT), "--split", "test", "--model", str(model)]
    data = write_small_set(tmp_path / "set")
    done = subprocess.run(
        [*command, "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WB-PESQ 4.64 on average, 4.64" in done.stdout
    falls = re.findall(r"^  .* (-?\d+\.\d) \(\d+\)$", done.stdout, re.MULTILINE)
    assert falls and {abs(float(fall)) for fall in falls} == {0.0}


def test_a_fall_is_that_of_the_power_and_ends_at_silence() -> None:
    noise = np.random.default_rng(0).standard_normal(_RATE)
    assert _fall_db(noise, noise / 10) == pytest.approx(20)
    assert _fall_db(noise, 0 * noise) == pytest.approx(100, abs=0.2)


def test_a_floor_that_pumps_moves_more_than_the_noise() -> None:
    rng = np.random.default_rng(0)
    time = np.arange(5 * _RATE) / _RATE
    voice = np.sin(2 * np.pi * 200 * time) * (time % 2 < 1)
    noise = 0.1 * rng.standard_normal(len(time))
    steady = _floor_movement(voice, noise, noise / 10, _RATE)
    pumping = _floor_movement(voice, noise, noise * (0.1 + 0.9 * (time % 0.5 < 0.25)), _RATE)
    assert steady is not None and pumping is not None
    assert steady[0] == pytest.approx(steady[1]) and steady[0] == pumping[0] < 0.5
    assert pumping[1] == pytest.approx(10, abs=0.5)
    assert _floor_movement(np.ones_like(voice), noise, noise, _RATE) is None

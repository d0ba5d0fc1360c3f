"""Live networks as ONNX: the same numbers, few operators, names, and refusal of what is wrong."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from enhancement.checkpoints import Header, save_weights
from enhancement.onnx_files import read_onnx_header
from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_exports
from tests.waveform_unet_lru.live_cores import spectra
from waveform_unet_lru import export_command
from waveform_unet_lru.live import export as export_module
from waveform_unet_lru.live import onnx_recurrence
from waveform_unet_lru.live.config import PRESETS, LiveConfig
from waveform_unet_lru.live.core import State, TorchCore
from waveform_unet_lru.live.export import export
from waveform_unet_lru.live.network import LiveNetwork
from waveform_unet_lru.live.onnx_core import OnnxCore
from waveform_unet_lru.live.onnx_graph import live_graph

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")

CONFIG = live_exports.CONFIG


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        replace(CONFIG, mixing="attention"),
        replace(CONFIG, window="16ms", convolutions=2, states=9, bands=5),
        replace(CONFIG, mixing="attention", convolutions=0, blocks=1, heads=1, full_band=0),
        replace(CONFIG, convolutions=0, blocks=3, full_band=7, kept_db=20),
        replace(CONFIG, bands=20, states=40, blocks=3, full_band=0),
        replace(CONFIG, bands=20, states=40, mixing="attention"),
        replace(CONFIG, full_band=130),
    ],
)
def test_onnx_computes_what_pytorch_does(config: LiveConfig, tmp_path: Path) -> None:
    core = OnnxCore(live_exports.save_onnx(tmp_path, config))
    expected = TorchCore(live_exports.network(config))
    spectrum = spectra(2, 100).numpy()
    spectrum[:, 40:60] = 0
    mask, state = core(spectrum, core.initial_state(2))
    wanted, wanted_state = expected(spectrum, expected.initial_state(2))
    assert np.abs(wanted[:, 1:] - wanted[:, :-1]).max() > 0.1
    for here, there in zip((mask, *state), (wanted, *wanted_state), strict=True):
        np.testing.assert_allclose(here, there, atol=2e-5 * max(1, np.abs(there).max()))


@pytest.mark.parametrize(
    ("name", "operators"), [("tiny", 37), ("small", 73), ("base", 119), ("small-16ms", 73)]
)
def test_presets_have_few_operators_and_only_real_ones(name: str, operators: int) -> None:
    nodes = live_graph(LiveNetwork(PRESETS[name])).graph.node
    assert len(nodes) == operators
    kinds = Counter(node.op_type for node in nodes)
    assert not {"BatchNormalization", "DFT", "STFT", "Loop", "Scan"} & kinds.keys()


def test_states_have_names_and_metadata_says_what_it_is(tmp_path: Path) -> None:
    path = live_exports.save_onnx(tmp_path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    names = ["averages", "block_0", "block_1", "full_band"]
    assert [each.name for each in model.graph.input] == ["spectrum", *names]
    assert [each.name for each in model.graph.output] == [
        "mask",
        *(f"{name}_out" for name in names),
    ]
    dims = model.graph.input[2].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["channels", 6, 10]
    header = read_onnx_header(path)
    assert (header.model, header.sample_rate, header.training) == ("live", 16_000, {"epoch": 3})
    assert LiveConfig.from_plain(header.config) == CONFIG
    metadata = {each.key: each.value for each in model.metadata_props}
    assert json.loads(metadata["front_end"])["hop_seconds"] == 0.016


def test_command_takes_a_run_and_tells_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live_exports.save_checkpoint(tmp_path / "best.safetensors")
    out = tmp_path / "new" / "live.onnx"
    parser = argparse.ArgumentParser()
    export_command.add_arguments(parser)
    assert export_command.command(parser.parse_args([str(tmp_path), "--out", str(out)])) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: 53 operators, ") and "of PyTorch" in said
    assert OnnxCore(out).config == CONFIG


def test_what_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = onnx_recurrence._factors
    monkeypatch.setattr(onnx_recurrence, "_factors", lambda lru: right(lru) * np.exp(1e-3j))
    out = tmp_path / "live.onnx"
    out.write_bytes(b"from before")
    checkpoint = live_exports.save_checkpoint(tmp_path / "best.safetensors")
    with pytest.raises(UserError, match=r"live\.onnx was not written: .*differs from PyTorch"):
        export(checkpoint, out)
    assert out.read_bytes() == b"from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.safetensors", "live.onnx"]


def test_weights_that_are_not_numbers_are_not_written(tmp_path: Path) -> None:
    network = LiveNetwork(CONFIG)
    network.blocks[0].gate.bias.data[0] = torch.nan
    path = tmp_path / "best.safetensors"
    save_weights(path, network.state_dict(), Header("live", CONFIG.plain(), 16_000, {}))
    with pytest.raises(UserError, match="was not written"):
        export(path, tmp_path / "live.onnx")


def test_wrong_files_are_a_sentence(tmp_path: Path) -> None:
    checkpoint = live_exports.save_checkpoint(tmp_path / "best.safetensors")
    with pytest.raises(UserError, match=r"live\.tflite must end in \.onnx"):
        export(checkpoint, tmp_path / "live.tflite")
    other = tmp_path / "other.safetensors"
    save_weights(other, {}, Header("unet-lru", {}, 16_000, {}))
    with pytest.raises(UserError, match="holds a unet-lru model, not a live model"):
        export(other, tmp_path / "live.onnx")
    save_weights(other, {}, Header("live", {"channels": 3}, 16_000, {}))
    with pytest.raises(UserError, match="does not say how its network is built"):
        export(other, tmp_path / "live.onnx")


def test_missing_onnx_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"voice-from-noise\[export\]"):
        export(tmp_path / "any.safetensors", tmp_path / "live.onnx")


def test_pytorch_may_round_otherwise_over_many_frames_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rounding(TorchCore):
        def __call__(self, spectrum: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            mask, after = super().__call__(spectrum, state)
            return mask + (1e-3 if spectrum.shape[1] > 1 else 0), after

    monkeypatch.setattr(export_module, "TorchCore", Rounding)
    checkpoint = live_exports.save_checkpoint(tmp_path / "best.safetensors")
    assert export(checkpoint, tmp_path / "live.onnx").difference < 1e-4

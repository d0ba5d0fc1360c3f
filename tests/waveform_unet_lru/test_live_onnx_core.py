"""The ONNX core: frames and channels as one batch or one by one, streams, files of other kinds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from enhancement.checkpoints import Header
from enhancement.onnx_files import header_metadata
from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_exports
from tests.waveform_unet_lru.live_cores import noise, spectra
from waveform_unet_lru.live.core import TorchCore
from waveform_unet_lru.live.denoise import load
from waveform_unet_lru.live.onnx_core import OnnxCore
from waveform_unet_lru.live.stream import Stream

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")


def test_frames_are_the_same_together_and_one_by_one(live_onnx: Path) -> None:
    core = OnnxCore(live_onnx)
    spectrum = spectra(1, 20).numpy()
    together, last = core(spectrum, core.initial_state(1))
    state = core.initial_state(1)
    for frame in range(20):
        mask, state = core(spectrum[:, frame : frame + 1], state)
        np.testing.assert_array_equal(mask, together[:, frame : frame + 1])
    for here, there in zip(state, last, strict=True):
        np.testing.assert_array_equal(here, there)


def test_channels_are_apart(live_onnx: Path) -> None:
    core = OnnxCore(live_onnx)
    spectrum = spectra(3, 20).numpy()
    together, _ = core(spectrum, core.initial_state(3))
    for channel in range(3):
        alone, _ = core(spectrum[channel : channel + 1], core.initial_state(1))
        np.testing.assert_allclose(together[channel : channel + 1], alone, atol=1e-5)


def test_a_call_leaves_the_state_it_was_given(live_onnx: Path) -> None:
    core = OnnxCore(live_onnx)
    state = core.initial_state(1)
    core(spectra(1, 5).numpy(), state)
    assert all(not array.any() for array in state)


def test_steps_are_the_calls_with_the_state_carried(live_onnx: Path) -> None:
    core = OnnxCore(live_onnx)
    spectrum = spectra(2, 30).numpy()
    whole, last = core(spectrum, core.initial_state(2))
    steps = core.steps(2)
    masks = [steps(spectrum[:, start : start + 3]) for start in range(0, 12, 3)]
    kept = steps.state
    masks += [steps(spectrum[:, frame : frame + 1]) for frame in range(12, 30)]
    np.testing.assert_array_equal(np.concatenate(masks, axis=1), whole)
    for here, there in zip(steps.state, last, strict=True):
        np.testing.assert_array_equal(here, there)
    steps.state = kept
    np.testing.assert_array_equal(steps(spectrum[:, 12:]), whole[:, 12:])


def test_streams_of_one_core_in_several_threads_do_not_meet(live_onnx: Path) -> None:
    core = OnnxCore(live_onnx)
    sounds = [noise(40_000, seed=seed) for seed in range(4)]
    expected = [Stream(core, 16_000).process(sound) for sound in sounds]

    def hop_by_hop(sound: np.ndarray) -> np.ndarray:
        stream = Stream(core, 16_000)
        return np.concatenate([stream.process(hop) for hop in np.array_split(sound, 150)])

    with ThreadPoolExecutor(len(sounds)) as pool:
        for given, wanted in zip(pool.map(hop_by_hop, sounds), expected, strict=True):
            np.testing.assert_allclose(given, wanted, atol=1e-5)


def test_stream_is_that_of_pytorch(live_onnx: Path) -> None:
    sound = noise(20_000, channels=2)
    streams = [
        Stream(core, 22_050, 2) for core in (OnnxCore(live_onnx), TorchCore(live_exports.network()))
    ]
    ours, expected = ([each.process(sound[:7000]), each.process(sound[7000:])] for each in streams)
    assert np.abs(np.concatenate(expected)).max() > 0.01
    np.testing.assert_allclose(np.concatenate(ours), np.concatenate(expected), atol=1e-5)
    state = streams[0].state()
    streams[1].restore(state)
    np.testing.assert_allclose(
        streams[1].process(sound[:900]), streams[0].process(sound[:900]), atol=1e-5
    )


def test_backend_follows_from_the_file(live_onnx: Path) -> None:
    assert isinstance(load(live_onnx).core, OnnxCore)
    with pytest.raises(UserError, match=r"live\.onnx runs on onnxruntime"):
        load(live_onnx, backend="torch")
    checkpoint = live_onnx.with_name("best.safetensors")
    assert isinstance(load(checkpoint).core, TorchCore)
    with pytest.raises(UserError, match="export"):
        load(checkpoint, backend="onnx")


def test_files_of_other_kinds_are_a_sentence(live_onnx: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.onnx is not there"):
        OnnxCore(tmp_path / "none.onnx")
    with pytest.raises(UserError, match=r"cut\.onnx is not an ONNX file .* damaged"):
        cut = tmp_path / "cut.onnx"
        cut.write_bytes(live_onnx.read_bytes()[:1000])
        OnnxCore(cut)
    with pytest.raises(UserError, match="names no model"):
        OnnxCore(_with_metadata(live_onnx, tmp_path, {"author": "somebody"}))
    other = header_metadata(Header("unet-lru", {}, 16_000, {}))
    with pytest.raises(UserError, match="holds a unet-lru model"):
        OnnxCore(_with_metadata(live_onnx, tmp_path, other))
    newer = header_metadata(Header("live", {}, 16_000, {}, format_version=99))
    with pytest.raises(UserError, match="format version 99"):
        OnnxCore(_with_metadata(live_onnx, tmp_path, newer))
    with pytest.raises(
        UserError,
        match=r"spectrum of shape \(channels, 2, 256\) and states; it is of an earlier version",
    ):
        OnnxCore(_with_other_spectrum(live_onnx, tmp_path))
    strange = header_metadata(Header("live", {"layers": 3}, 16_000, {}))
    with pytest.raises(UserError, match="does not say how its network is built"):
        OnnxCore(_with_metadata(live_onnx, tmp_path, strange))


def _with_metadata(path: Path, folder: Path, metadata: dict[str, str]) -> Path:
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, folder / "changed.onnx")
    return folder / "changed.onnx"


def _with_other_spectrum(path: Path, folder: Path) -> Path:
    """Write a model that takes real and imaginary parts last, as those of earlier versions did."""
    model = onnx.load(path)
    spectrum = model.graph.input[0]
    turn = onnx.helper.make_node("Transpose", ["spectrum"], ["turned"], perm=[0, 2, 1])
    model.graph.node.insert(0, turn)
    for node in model.graph.node[1:]:
        node.input[:] = ["turned" if name == "spectrum" else name for name in node.input]
    dims = ["channels", 256, 2]
    spectrum.CopyFrom(onnx.helper.make_tensor_value_info("spectrum", onnx.TensorProto.FLOAT, dims))
    onnx.save(model, folder / "earlier.onnx")
    return folder / "earlier.onnx"

"""The live denoiser: recordings aligned at any rate, and checkpoints that say what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from enhancement.checkpoints import Header, save_weights
from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.denoise import Backend, LiveDenoiser, load, load_pretrained

RATE = 16_000


def _checkpoint(path: Path, *, model: str = "live", window: Window = "32ms") -> LiveDenoiser:
    """Write a checkpoint and return the denoiser it was made from."""
    network = live_cores.network(replace(live_cores.SMALLEST, window=window))
    save_weights(path, network.state_dict(), Header(model, network.config.plain(), RATE, {}))
    return LiveDenoiser(live_cores.TorchCore(network))


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 511, 512, 513, 12_345])
@pytest.mark.parametrize("window", ["32ms", "16ms"])
def test_every_length_comes_back_aligned(samples: int, window: Window) -> None:
    denoiser = LiveDenoiser(live_cores.untrained(window))
    audio = live_cores.noise(samples)
    for given in (audio, audio[:, 0]):
        result = denoiser.denoise(given, RATE)
        assert result.shape == given.shape and result.dtype == np.float32
        np.testing.assert_allclose(result, given, rtol=0, atol=1e-6)


def test_blocks_equal_the_whole() -> None:
    denoiser = LiveDenoiser(live_cores.core())
    audio = live_cores.noise(2 * RATE, channels=2)
    blocks = np.split(audio, [0, 100, 300, 301, 20_000])
    parts = list(denoiser.denoise_blocks(blocks, RATE))
    expected = denoiser.denoise(audio, RATE)
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=0, atol=1e-5)
    assert list(denoiser.denoise_blocks([], RATE)) == []


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_other_rates_need_no_resampler(rate: int) -> None:
    audio = live_cores.noise(rate // 3, level=0.3)
    result = LiveDenoiser(live_cores.untrained()).denoise(audio, rate)
    np.testing.assert_allclose(result, audio, rtol=0, atol=1e-6)


def test_rates_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match="96000"):
        LiveDenoiser(live_cores.untrained()).denoise(live_cores.noise(100), 96_000)


@pytest.mark.parametrize(("window", "seconds"), [("32ms", 0.032), ("16ms", 0.016)])
def test_the_lag_is_that_of_its_streams(window: Window, seconds: float) -> None:
    denoiser = LiveDenoiser(live_cores.untrained(window))
    assert denoiser.lag_seconds == seconds
    assert denoiser.stream(RATE).lag_samples == seconds * RATE
    assert denoiser.stream(RATE, 2, whole_hops=True).lag_samples == seconds * RATE / 2


@pytest.mark.parametrize("window", ["32ms", "16ms"])
@pytest.mark.parametrize("backend", [None, "torch"])
def test_a_checkpoint_brings_its_configuration(
    tmp_path: Path, window: Window, backend: Backend | None
) -> None:
    expected = _checkpoint(tmp_path / "best.safetensors", window=window)
    audio = live_cores.noise(5000)
    for place in (tmp_path, tmp_path / "best.safetensors"):
        denoiser = load_pretrained(place, backend=backend)
        assert denoiser.core.config == expected.core.config
        np.testing.assert_array_equal(denoiser.denoise(audio, RATE), expected.denoise(audio, RATE))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    _checkpoint(path, model="unet-lru")
    with pytest.raises(UserError, match=r"other\.safetensors.*unet-lru"):
        load(path)


def test_a_checkpoint_with_impossible_sizes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    network = live_cores.network()
    for change, match in (({"heads": 0}, "heads"), ({"bands": 5}, "does not fit")):
        config = {**network.config.plain(), **change}
        save_weights(path, network.state_dict(), Header("live", config, RATE, {}))
        with pytest.raises(UserError, match=rf"odd\.safetensors.*{match}"):
            load(path)


def test_a_backend_that_does_not_fit_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    _checkpoint(path)
    with pytest.raises(UserError, match="export"):
        load(path, backend="onnx")
    with pytest.raises(UserError, match="onnxruntime"):
        load(tmp_path / "net.onnx", backend="torch")


@pytest.mark.parametrize("exported", [False, True])
@pytest.mark.parametrize("name", [None, "live", "small"])
def test_shipped_weights_run_on_onnxruntime_where_they_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: bool, name: str | None
) -> None:
    monkeypatch.setattr(
        "enhancement.registry.shipped_weights", lambda name: tmp_path / f"{name}.safetensors"
    )
    _checkpoint(tmp_path / "small.safetensors")
    assert load_pretrained(name, backend="torch").core.config == live_cores.SMALLEST
    if not exported:
        assert load_pretrained(name).core.config == live_cores.SMALLEST
        with pytest.raises(UserError, match="export"):
            load_pretrained(name, backend="onnx")
        return
    (tmp_path / "small.onnx").write_bytes(b"not ONNX")
    for backend in (None, "onnx"):
        with pytest.raises(UserError, match=r"small\.onnx is not an ONNX file"):
            load_pretrained(name, backend=backend)

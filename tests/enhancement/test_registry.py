"""Denoisers are found by name, by checkpoint and by run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from enhancement import registry
from enhancement.checkpoints import Header, save_weights
from enhancement.denoiser import Denoiser
from enhancement.onnx_files import header_metadata
from enhancement.registry import (
    checkpoint_path,
    load_denoiser,
    model_names,
    model_of,
    shipped_weights,
)
from prepare_data.errors import UserError


class Recorded(Denoiser):
    """Does nothing; keeps what its loader was given."""

    lag_seconds = 0.0

    def __init__(self, name: str, path: Path | None, options: dict[str, Any]) -> None:
        self.name = name
        self.path = path
        self.options = options

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        yield from blocks


def load_small(path: Path | None, **options: Any) -> Recorded:
    return Recorded("small", path, options)


def load_large(path: Path | None, **options: Any) -> Recorded:
    return Recorded("large", path, options)


@pytest.fixture(autouse=True)
def _two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        EntryPoint(name, f"{__name__}:load_{name}", registry.GROUP) for name in ("small", "large")
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))


def _checkpoint(path: Path, model: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    save_weights(path, {"weight": torch.ones(1)}, Header(model, {}, 16_000, {}))
    return path


def _onnx_file(path: Path, metadata: dict[str, str]) -> Path:
    """Write an ONNX model that returns its input."""
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
    sides = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "test", sides[:1], sides[1:])
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def _loaded(*arguments: Any, **options: Any) -> tuple[str, Path | None, dict[str, Any]]:
    denoiser = load_denoiser(*arguments, **options)
    assert isinstance(denoiser, Recorded)
    return denoiser.name, denoiser.path, denoiser.options


def test_a_name_means_the_shipped_weights() -> None:
    assert model_names() == ["large", "small"]
    assert _loaded("small", beta=2) == ("small", None, {"beta": 2})


def test_a_checkpoint_names_its_model(tmp_path: Path) -> None:
    path = _checkpoint(tmp_path / "a.safetensors", "large")
    assert _loaded(path) == ("large", path, {})
    assert _loaded(str(path), model="large") == ("large", path, {})


def test_a_run_means_its_best_checkpoint(tmp_path: Path) -> None:
    best = _checkpoint(tmp_path / "run" / "best.safetensors", "small")
    assert _loaded(tmp_path / "run") == ("small", best, {})
    with pytest.raises(UserError, match="no training run"):
        load_denoiser(tmp_path)


def test_an_onnx_file_names_its_model(tmp_path: Path) -> None:
    metadata = header_metadata(Header("large", {"bands": 3}, 16_000, {}))
    path = _onnx_file(tmp_path / "a.onnx", metadata)
    assert _loaded(path) == ("large", path, {})
    assert _loaded(str(path), model="large") == ("large", path, {})
    with pytest.raises(UserError, match="holds a large model, not a small model"):
        load_denoiser(path, model="small")


def test_an_onnx_file_of_another_program_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"b\.onnx .*names no model"):
        load_denoiser(_onnx_file(tmp_path / "b.onnx", {"author": "somebody"}))
    damaged = tmp_path / "c.onnx"
    damaged.write_bytes(b"not ONNX")
    with pytest.raises(UserError, match=r"c\.onnx is not an ONNX file"):
        load_denoiser(damaged)


def test_a_published_file_needs_its_model_named(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(b"not read here")
    assert _loaded(path, model="small") == ("small", path, {})
    with pytest.raises(UserError, match="large, small"):
        load_denoiser(path)


def test_the_model_is_known_before_it_is_loaded(tmp_path: Path) -> None:
    assert model_of("small") == "small"
    best = _checkpoint(tmp_path / "run" / "best.safetensors", "large")
    assert model_of(best) == model_of(best.parent, published="small") == "large"
    old = tmp_path / "old.pt"
    old.write_bytes(b"not read here")
    assert model_of(old, published="small") == "small"
    with pytest.raises(UserError, match="does not say which model"):
        model_of(old)


def test_what_is_unknown_lists_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere is neither .*large, small"):
        load_denoiser("nowhere")
    strange = _checkpoint(tmp_path / "strange.safetensors", "strange")
    with pytest.raises(UserError, match=r"strange\.safetensors .*large, small"):
        load_denoiser(strange)


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    path = _checkpoint(tmp_path / "a.safetensors", "large")
    with pytest.raises(UserError, match="holds a large model, not a small model"):
        load_denoiser(path, model="small")


def test_shipped_weights_are_found_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shipping_package"
    shipped = _checkpoint(package / "small.safetensors", "small")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    points = EntryPoints(
        EntryPoint(name, "shipping_package:load", registry.GROUP) for name in ("small", "large")
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))
    assert checkpoint_path("small") == shipped
    with pytest.raises(UserError, match="small has no weights"):
        shipped_weights("small", suffix=".onnx")
    metadata = header_metadata(Header("small", {}, 16_000, {}))
    exported = _onnx_file(package / "small.onnx", metadata)
    assert shipped_weights("small", suffix=".onnx") == exported
    assert checkpoint_path("small") == shipped
    with pytest.raises(UserError, match="large has no weights of its own"):
        checkpoint_path("large")

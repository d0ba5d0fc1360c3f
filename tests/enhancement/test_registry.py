"""Denoisers are found by name, by checkpoint and by run."""

from __future__ import annotations

import sys
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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that offers both models; its folder, for weights."""
    folder = tmp_path / "shipping_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        f"from {__name__} import load_small, load_large\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shipping_package", raising=False)
    points = EntryPoints(
        EntryPoint(name, f"shipping_package:load_{name}", registry.GROUP)
        for name in ("small", "large")
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))
    return folder


def test_shipped_weights_are_found_in_the_package(package: Path) -> None:
    shipped = _checkpoint(package / "any.safetensors", "small")
    assert shipped_weights("small") == checkpoint_path("small") == shipped
    with pytest.raises(UserError, match="large has no weights of its own"):
        checkpoint_path("large")


def test_several_weights_of_a_model_go_by_the_names_of_their_files(package: Path) -> None:
    first, second = (_checkpoint(package / f"{name}.safetensors", "large") for name in ("a", "b"))
    assert model_names() == ["a", "b", "large", "small"]
    assert (checkpoint_path("a"), checkpoint_path("b")) == (first, second)
    assert model_of("b") == "large" and _loaded("b", beta=2) == ("large", second, {"beta": 2})
    with pytest.raises(UserError, match="several weights of large; name one of them: a, b"):
        checkpoint_path("large")
    assert _loaded("large") == ("large", None, {})


def test_a_name_means_the_export_for_onnxruntime(package: Path) -> None:
    checkpoint = _checkpoint(package / "a.safetensors", "large")
    exported = _onnx_file(package / "a.onnx", header_metadata(Header("large", {}, 16_000, {})))
    assert _loaded("a") == ("large", exported, {})
    assert _loaded("a", backend="torch") == ("large", checkpoint, {"backend": "torch"})
    assert checkpoint_path("a") == checkpoint

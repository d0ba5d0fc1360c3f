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
from enhancement.registry import checkpoint_path, load_denoiser, model_names
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


def test_a_published_file_needs_its_model_named(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    path.write_bytes(b"not read here")
    assert _loaded(path, model="small") == ("small", path, {})
    with pytest.raises(UserError, match="large, small"):
        load_denoiser(path)


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
    with pytest.raises(UserError, match="large has no weights of its own"):
        checkpoint_path("large")

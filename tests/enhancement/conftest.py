"""A denoiser in the place of every model."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from enhancement.denoiser import Denoiser


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Denoiser], None]:
    """Make a denoiser the one that every name loads."""

    def install(denoiser: Denoiser) -> None:
        registry = importlib.import_module("enhancement.registry")
        monkeypatch.setattr(registry, "load_denoiser", lambda *_, **__: denoiser)

    return install


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an evaluation keep no denoiser of another test's."""
    measuring = importlib.import_module("enhancement.evaluation.measuring")
    monkeypatch.setattr(measuring, "_LOADED", {})

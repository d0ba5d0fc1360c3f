"""An exported live model for all who run one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def live_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export, live.onnx, which lies beside its checkpoint, best.safetensors."""
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    from tests.waveform_unet_lru import live_exports

    return live_exports.save_onnx(tmp_path_factory.mktemp("live"))

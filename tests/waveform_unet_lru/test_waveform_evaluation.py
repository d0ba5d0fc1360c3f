"""The waveform model's `evaluate`: which model it measures, and the table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from enhancement import registry
from tests.enhancement import small_set
from waveform_unet_lru.evaluation import add_arguments, command


@pytest.mark.parametrize(
    ("options", "named", "model"),
    [([], "small", "live"), (["--model", "unet-lru"], "unet-lru", "unet-lru")],
)
def test_evaluate_measures_the_shipped_or_the_named_model(
    options: list[str],
    named: str,
    model: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[str, str | None]] = []

    def load(name: str, *, model: str | None = None, **_: Any) -> small_set.Knowing:
        asked.append((name, model))
        return small_set.Knowing()

    monkeypatch.setattr(registry, "load_denoiser", load)
    data = small_set.write_small_set(tmp_path)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert command(parser.parse_args(["--data", str(data), "--split", "test", *options])) == 0
    assert asked == [(named, model)]
    *_, mean, factor = capsys.readouterr().out.splitlines()
    assert mean.split()[:2] == ["all", "3"] and "20.00" in mean
    assert factor.startswith("real-time factor")

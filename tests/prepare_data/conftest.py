"""A small data set that several tests look at; none may change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from prepare_data.__main__ import main
from tests.prepare_data.commands import command


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, demo_speech: Path, demo_noise: Path) -> Path:
    out = tmp_path_factory.mktemp("built") / "set"
    assert main(command(demo_speech, demo_noise, out)) == 0
    return out

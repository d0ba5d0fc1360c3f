"""What all tests share: a cache of their own, the built-in corpora, real recordings if present."""

from __future__ import annotations

import os
from pathlib import Path

# One thread for each process: the tests' networks are tiny, and where others compute too, OpenMP's
# threads spend most of their time waiting for each other. Before anything imports numpy or torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from prepare_data.demo_noise import write_demo_noise
from prepare_data.demo_speech import write_demo_speech
from prepare_data.measurements import CACHE_VARIABLE


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests' measurements out of the user's cache, in worker processes too."""
    os.environ[CACHE_VARIABLE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def demo_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve synthetic voices, a folder each."""
    folder = tmp_path_factory.mktemp("demo") / "speech"
    write_demo_speech(folder)
    return folder


@pytest.fixture(scope="session")
def demo_noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic noises, a folder for each category."""
    folder = tmp_path_factory.mktemp("demo") / "noise"
    write_demo_noise(folder)
    return folder


@pytest.fixture(scope="session")
def speech_data() -> Path:
    """The folder of real recordings, which the environment variable SPEECH_DATA names."""
    folder = os.environ.get("SPEECH_DATA")
    if folder is None:
        pytest.skip("SPEECH_DATA does not name a folder of real recordings")
    return Path(folder)

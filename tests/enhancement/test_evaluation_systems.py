"""What `--system` takes: names, checkpoints, published files, folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enhancement.denoiser import Denoiser
from tests.enhancement import small_set
from tests.enhancement.evaluations import evaluate, write_results


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set with a test sample at 0, 0 and 10 dB."""
    return small_set.write_small_set(tmp_path / "set")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A bare state_dict of the waveform model, as the published project writes it."""
    torch = pytest.importorskip("torch")
    from waveform_unet_lru import UNetLRUAudio

    path = tmp_path / "final.pt"
    torch.save(UNetLRUAudio(features=[4, 8]).state_dict(), path)
    return path


def _systems(out: Path) -> list[tuple[str, str]]:
    systems = json.loads((out / "summary.json").read_text())["systems"]
    return [(system["name"], system["source"]) for system in systems[1:]]


def test_a_published_file_is_run_as_the_model_before_it(
    data: Path, tmp_path: Path, published: Path
) -> None:
    out = tmp_path / "out"
    words = ["--system", f"unet-lru:{published}", "--system", f"old=unet-lru:{published}"]
    assert evaluate(data, out, *words) == 0
    assert [name for name, _ in _systems(out)] == ["final", "old"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["failures"] == []
    assert all(system["real_time_factor"] > 0 for system in summary["systems"][1:])


def test_a_published_file_without_its_model_says_what_to_type(
    data: Path, tmp_path: Path, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(data, tmp_path / "out", "--system", f"old={published}") == 2
    assert f"--system old=unet-lru:{published}" in capsys.readouterr().err


def test_another_model_for_the_same_file_is_another_system(
    data: Path, tmp_path: Path, published: Path, use: Callable[[Denoiser], None]
) -> None:
    use(small_set.Knowing())
    out = tmp_path / "out"
    fingerprints = set()
    for model in ("unet-lru", "live"):
        assert evaluate(data, out, "--system", f"old={model}:{published}") == 0
        line = (out / "results.jsonl").read_text().splitlines()[-1]
        fingerprints.add(json.loads(line)["fingerprint"])
    assert len(fingerprints) == 2


@pytest.mark.parametrize("folder", ["run-1.5", "snr=5", "a.wav"])
def test_a_folder_s_name_is_its_system_s(data: Path, tmp_path: Path, folder: str) -> None:
    theirs = write_results(tmp_path / folder, [5.0, 5.0, 5.0])
    assert evaluate(data, tmp_path / "out", "--system", str(theirs)) == 0
    assert _systems(tmp_path / "out") == [(folder, str(theirs))]


def test_no_source_is_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(data, tmp_path / "out", "--system", "live=") == 2
    assert "'live=' lacks a source: NAME=SOURCE" in capsys.readouterr().err


class _DislikesNoise(Denoiser):
    """Fails with what is put into it before it is timed, as with anything that is no voice."""

    name = "picky"

    def denoise_blocks(self, blocks: Any, sample_rate: int) -> Any:
        (audio,) = blocks
        if abs(audio).max() > 0.21:
            raise RuntimeError("too loud")
        yield audio


def test_a_model_that_fails_before_it_is_timed_is_run_all_the_same(
    data: Path, tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    use(_DislikesNoise())
    assert evaluate(data, tmp_path / "out", "--system", "live") == 0
    assert json.loads((tmp_path / "out/summary.json").read_text())["failures"] == []

"""`benchmarks/tuning_gain.py`: two models on noises of one's own and elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.tuning_gain import main
from enhancement import registry
from enhancement.denoiser import Denoiser
from prepare_data.dataset import MANIFEST_NAME
from tests.enhancement.small_set import RATE, Knowing, noise_at, write_small_set

_RESULT = re.compile(
    r"^(.*), (\d+) clips: gain in SI-SDR (\S+) dB before, (\S+) after,\n  (\S+) \[(\S+), (\S+)\]$",
    re.MULTILINE,
)


class _Unchanging(Denoiser):
    name = "unchanging"

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        yield from blocks


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"unchanging": _Unchanging, "knowing": Knowing}
    monkeypatch.setattr(registry, "load_denoiser", lambda name: models[name]())


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Two recordings of a tone that the small set's voice has nothing of, at another rate."""
    (tmp_path / "noise").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / "noise" / f"{name}.wav", noise_at(3.0)[::2], RATE // 2)
    return tmp_path / "noise"


def _run(data: Path, noise: Path, *more: str) -> int:
    models = ["--before", "unchanging", "--after", "knowing"]
    return main(["--data", str(data), "--split", "test", "--noise", str(noise), *models, *more])


def test_gains_are_of_either_place_and_the_difference_has_an_interval(
    tmp_path: Path, noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(write_small_set(tmp_path / "set"), noise) == 0
    mine, elsewhere = _RESULT.findall(capsys.readouterr().out)
    assert mine[:2] == (f"{noise}, 0 dB", "3") and elsewhere[:2] == ("elsewhere", "3")
    for numbers in (mine[2:], elsewhere[2:]):
        assert [float(each) for each in numbers] == pytest.approx([0, 20, 20, 20, 20], abs=0.02)


def test_clips_with_categories_that_are_named_are_left_out_elsewhere(
    tmp_path: Path, noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_small_set(tmp_path / "set")
    lines = [json.loads(line) for line in (data / MANIFEST_NAME).read_text().splitlines()]
    lines[1]["noises"].append({"source": "another", "category": "siren"})
    (data / MANIFEST_NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert _run(data, noise, "--without", "siren") == 0
    assert [found[1] for found in _RESULT.findall(capsys.readouterr().out)] == ["3", "2"]


@pytest.mark.parametrize(
    ("noise_name", "more", "message"),
    [("none", (), "none is not there"), ("noise", ("--split", "val"), "no such clip")],
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path,
    noise: Path,
    noise_name: str,
    more: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(write_small_set(tmp_path / "set"), noise.with_name(noise_name), *more) == 2
    assert message in capsys.readouterr().err

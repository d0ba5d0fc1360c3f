"""`benchmarks/tuning_gain.py`: two models on noises of one's own and elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.tuning_gain import main, with_recordings
from enhancement import registry
from enhancement.denoiser import Denoiser
from prepare_data.dataset import MANIFEST_NAME, DataSet
from prepare_data.mixing import power_db
from prepare_data.speech_level import active_speech_level
from tests.enhancement.small_set import RATE, VOICE, Knowing, noise_at, write_small_set

_RESULT = re.compile(
    r"^(.*), (\d+) clips: gain in SI-SDR (\S+) dB before, (\S+) after,\n  (\S+) \[(\S+), (\S+)\]$",
    re.MULTILINE,
)


class _Loud(Denoiser):
    """Turns the noise up by 6 dB, knowing the voice."""

    name = "loud"

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        noisy = np.concatenate(list(blocks))[:, 0]
        yield (VOICE + 10**0.3 * (noisy - VOICE))[:, None].astype(np.float32)


class _Deaf(Knowing):
    """Turns the noise down by 20 dB, but not every second time."""

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        (result,) = super().denoise_blocks(blocks, sample_rate)
        far = len(self.rates) % 2
        yield result if far else (VOICE + 10 * (result[:, 0] - VOICE))[:, None].astype(np.float32)


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {"loud": _Loud, "knowing": Knowing, "deaf": _Deaf}
    monkeypatch.setattr(registry, "load_denoiser", lambda name: models[name]())


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """Two recordings of a tone that the small set's voice has nothing of, at another rate."""
    (tmp_path / "noise").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / "noise" / f"{name}.wav", noise_at(3.0)[::2], RATE // 2)
    return tmp_path / "noise"


def _run(data: Path, noise: Path, *more: str, after: str = "knowing") -> int:
    models = ["--before", "loud", "--after", after]
    return main(["--data", str(data), "--split", "test", "--noise", str(noise), *models, *more])


def test_gains_are_of_either_place_and_the_difference_has_an_interval(
    tmp_path: Path, noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(write_small_set(tmp_path / "set"), noise) == 0
    mine, elsewhere = _RESULT.findall(capsys.readouterr().out)
    assert mine[:2] == (f"{noise}, 0 dB", "3") and elsewhere[:2] == ("elsewhere", "3")
    for numbers in (mine[2:], elsewhere[2:]):
        assert [float(each) for each in numbers] == pytest.approx([-6, 20, 26, 26, 26], abs=0.02)


def test_an_interval_is_about_the_mean_where_clips_differ(
    tmp_path: Path, noise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(write_small_set(tmp_path / "set", [0.0] * 12), noise, after="deaf") == 0
    _, elsewhere = _RESULT.findall(capsys.readouterr().out)
    before, after, difference, low, high = map(float, elsewhere[2:])
    assert (before, after, difference) == pytest.approx((-6, 10, 16), abs=0.02)
    assert low < 15 and high > 17


def test_recordings_go_round_at_0_db_and_are_drawn_one_by_one(tmp_path: Path) -> None:
    data = DataSet(write_small_set(tmp_path / "set", [0.0] * 12))
    half, ramp = np.zeros(60 * RATE), np.linspace(0.1, 1, RATE // 4)
    half[: RATE // 2] = 0.1
    clips = list(with_recordings(data, "test", {"half": half, "ramp": ramp}))
    assert {name for clip in clips for name in clip.noises} == {"half", "ramp"}
    for clip in clips:
        noise = clip.noisy - clip.voice
        ratio = active_speech_level(clip.voice, RATE)[0] - power_db(noise)
        assert ratio == pytest.approx(0, abs=0.01)
    ramps = [clip.noisy - clip.voice for clip in clips if clip.noises == ["ramp"]]
    for noise in ramps:
        np.testing.assert_allclose(noise[: -RATE // 4], noise[RATE // 4 :], atol=1e-9)
    assert len({int(np.argmax(noise[: RATE // 4])) for noise in ramps}) > 1


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
    [
        ("none", (), "none is not there"),
        ("nested", (), "nested holds no recording, or silent ones; folders in it do not count"),
        ("noise", ("--split", "val"), "no such clip"),
        ("noise", ("--limit", "0"), "--limit is 0"),
        ("noise", ("--without", "sirens"), "no corpus and no category of noise named sirens"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    tmp_path: Path,
    noise: Path,
    noise_name: str,
    more: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nested = tmp_path / "nested"
    nested.mkdir()
    soundfile.write(nested / "silence.wav", np.zeros(RATE), RATE)
    assert _run(write_small_set(tmp_path / "set"), noise.with_name(noise_name), *more) == 2
    assert message in capsys.readouterr().err

"""RNNoise, noisereduce and the oracle, as systems beside others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.evaluation.baselines import load_baseline
from enhancement.evaluation.clips import clips_of_data_set, clips_of_folders
from enhancement.evaluation.systems import baseline_systems, named_systems, untouched
from enhancement.metrics import si_sdr
from prepare_data.errors import UserError
from tests.enhancement import small_set
from tests.enhancement.evaluations import evaluate, write_pairs

RATE = 16_000
BOTH = ["pyrnnoise", "noisereduce"]


@pytest.fixture(scope="module")
def voice(demo_speech: Path) -> np.ndarray:
    """Some seconds of a synthetic voice."""
    audio, _ = soundfile.read(sorted(demo_speech.rglob("*.wav"))[0], dtype="float32")
    return audio


def _installed(name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed (the extra bench)")


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_rnnoise_is_aligned_with_its_input(voice: np.ndarray, rate: int) -> None:
    _installed("pyrnnoise")
    import soxr

    audio = soxr.resample(voice, RATE, rate)
    found = load_baseline("pyrnnoise").denoise(audio, rate)
    assert found.shape == audio.shape and found.dtype == np.float32
    lags = range(-rate // 500, rate // 500 + 1)
    likeness = {lag: float(audio[2000:-2000] @ np.roll(found, -lag)[2000:-2000]) for lag in lags}
    best: int = max(lags, key=lambda lag: likeness[lag])
    assert abs(best) <= rate / 8000


@pytest.mark.parametrize("name", BOTH)
def test_a_baseline_takes_noise_away(voice: np.ndarray, name: str) -> None:
    _installed(name)
    noise = np.random.default_rng(0).standard_normal(len(voice))
    noisy = (voice + np.sqrt(np.mean(voice**2)) * noise).astype(np.float32)
    denoiser = load_baseline(name)
    found = denoiser.denoise(noisy, RATE)
    assert si_sdr(voice, found) > si_sdr(voice, noisy) + 1
    again = denoiser.denoise(noisy, RATE)
    np.testing.assert_allclose(again, found, atol=1e-6)  # nothing is remembered
    both = denoiser.denoise(np.stack([noisy, 0 * noisy], axis=1), RATE)
    np.testing.assert_allclose(both[:, 0], found, atol=1e-6)


def test_loud_input_does_not_wrap_around(voice: np.ndarray) -> None:
    _installed("pyrnnoise")
    loud = 3 * voice / np.abs(voice).max()
    assert si_sdr(loud, load_baseline("pyrnnoise").denoise(loud, RATE)) > 5


def test_baselines_run_beside_the_oracle(tmp_path: Path) -> None:
    for name in BOTH:
        _installed(name)
    data = small_set.write_small_set(tmp_path / "set")
    out = tmp_path / "out"
    assert evaluate(data, out, "--baselines", "--metrics", "snr") == 0
    summary = json.loads((out / "summary.json").read_text())
    kinds = {system["name"]: system["kind"] for system in summary["systems"]}
    assert kinds == {
        "noisy": "untouched",
        "pyrnnoise": "baseline",
        "noisereduce": "baseline",
        "oracle": "oracle",
    }
    assert all(system["real_time_factor"] for system in summary["systems"][1:])
    assert summary["failures"] == []
    gains = {r["system"]: r["metrics"]["snr"]["gain"] for r in summary["rows"] if r["by"] == "all"}
    assert gains["oracle"] > 15  # it is told the noise
    assert len(list((out / "audio/oracle").glob("*.wav"))) == 3


def test_what_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from enhancement.evaluation import baselines

    monkeypatch.setattr(baselines, "find_spec", lambda name: None)
    clips = clips_of_data_set(small_set.write_small_set(tmp_path), "test")
    systems, (note,) = baseline_systems(clips, [untouched()])
    assert [system.name for system in systems] == ["oracle"]
    assert "pyrnnoise, noisereduce" in note and "voice-from-noise[bench]" in note


def test_the_oracle_needs_a_data_set(tmp_path: Path) -> None:
    clips = clips_of_folders(*write_pairs(tmp_path))
    _, notes = baseline_systems(clips, [untouched()])
    assert any("the oracle, which needs the noise" in note for note in notes)
    with pytest.raises(UserError, match="only a data set"):
        named_systems(["best=spectrogram-oracle"], clips)

"""The denoise command: help, files of any kind, published files, segments, one-sentence errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.waveform_unet_lru import small_waveform_network as small
from waveform_unet_lru.__main__ import main
from waveform_unet_lru.denoise import load
from waveform_unet_lru.segments import Segments

RATE = small.RATE


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose result is quieter than full scale, so that nothing is turned down."""
    network = small.network()
    network.final.weight.data *= 0.1
    network.final.bias.data.zero_()
    return small.save_checkpoint(tmp_path_factory.mktemp("run") / "best.safetensors", network)


def _denoise(*arguments: object) -> int:
    return main(["denoise", *map(str, arguments)])


def _write(path: Path, audio: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


def _read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize("command", [[], ["denoise"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    program = (
        "import sys\n"
        "from waveform_unet_lru.__main__ import main\n"
        "try:\n    main(sys.argv[1:] + ['--help'])\n"
        "finally:\n"
        "    heavy = {'torch', 'lightning', 'matplotlib', 'numpy', 'scipy'}\n"
        "    print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
    )
    assert "usage:" in done.stdout and "HEAVY []" in done.stdout


def test_folder_of_any_rates_and_channels(checkpoint: Path, tmp_path: Path) -> None:
    sounds = tmp_path / "in"
    _write(sounds / "mono.wav", small.sound(12_345))
    _write(sounds / "deep" / "stereo.flac", small.sound(44_117, channels=2), 44_100)
    _write(sounds / "short.wav", small.sound(1))
    out = tmp_path / "out"
    assert _denoise(sounds, "--model", checkpoint, "--out", out) == 0
    expected = load(checkpoint).denoise(_read(sounds / "mono.wav"), RATE)
    np.testing.assert_allclose(_read(out / "mono.wav"), expected, atol=1e-5)
    info = soundfile.info(out / "deep" / "stereo.flac")
    assert (info.frames, info.samplerate, info.channels) == (44_117, 44_100, 2)
    stereo = load(checkpoint).denoise(_read(sounds / "deep" / "stereo.flac"), 44_100)
    np.testing.assert_allclose(_read(out / "deep" / "stereo.flac"), stereo, atol=1e-4)
    assert soundfile.info(out / "short.wav").frames == 1


def test_run_folder_and_recipe(checkpoint: Path, tmp_path: Path) -> None:
    noisy = _write(tmp_path / "a.wav", 0.1 * small.sound(5000))
    recipe = ["--segment-seconds", "0.1", "--overlap-seconds", "0.02", "--normalize-segments"]
    common = ("--model", checkpoint.parent, "--out")
    assert _denoise(noisy, *common, tmp_path / "one") == 0
    assert _denoise(noisy, *common, tmp_path / "two", *recipe) == 0
    one, two = (_read(tmp_path / name / "a.wav") for name in ("one", "two"))
    assert one.shape == two.shape and np.abs(one - two).max() > 1e-4
    denoiser = load(checkpoint, segments=Segments(0.1, 0.02, normalize=True))
    np.testing.assert_allclose(two, denoiser.denoise(_read(noisy), RATE), atol=1e-5)


def test_recipe_with_highpass_and_level(checkpoint: Path, tmp_path: Path) -> None:
    noisy = _write(tmp_path / "a.wav", small.sound(RATE))
    after = ["--segment-seconds", "0.5", "--highpass", "80", "--normalize-dbfs", "-30"]
    assert _denoise(noisy, "--model", checkpoint, "--out", tmp_path / "out", *after) == 0
    rms = np.sqrt(np.mean(_read(tmp_path / "out" / "a.wav") ** 2))
    assert 20 * np.log10(rms) == pytest.approx(-30, abs=0.5)


def test_published_network_at_its_own_rate(checkpoint: Path, tmp_path: Path) -> None:
    published = small.save_published(tmp_path / "final.pt", load(checkpoint).network, wrapped=True)
    noisy = _write(tmp_path / "a.wav", small.sound(4000), 8000)
    common = (noisy, "--model", published, "--sample-rate", 8000, "--out", tmp_path / "out")
    assert _denoise(*common) == 0
    expected = small.whole(load(checkpoint).network, _read(noisy))
    np.testing.assert_allclose(_read(tmp_path / "out" / "a.wav"), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--overlap-seconds 0", "--overlap-seconds"),
        ("--normalize-segments", "--normalize-segments"),
        ("--segment-seconds 0", "--segment-seconds"),
        ("--segment-seconds 1 --overlap-seconds 1", "--overlap-seconds"),
        ("--sample-rate 16000", "best.safetensors"),
    ],
)
def test_options_that_do_not_fit_are_named(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: str, said: str
) -> None:
    noisy = _write(tmp_path / "a.wav", small.sound(100))
    arguments = (noisy, "--model", checkpoint, "--out", tmp_path / "out", *options.split())
    assert _denoise(*arguments) == 2
    message = capsys.readouterr().err
    assert said in message and len(message.splitlines()) == 1

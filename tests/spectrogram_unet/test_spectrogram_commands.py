"""The command line: quick help, training, denoising, drawing, measuring."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.checkpoints import read_header
from prepare_data.building import build
from prepare_data.collection import collect
from prepare_data.settings import Settings
from spectrogram_unet.__main__ import main
from tests.spectrogram_unet import mixtures

RATE = mixtures.RATE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two epochs of four samples."""
    folder = tmp_path_factory.mktemp("training")
    for split, names in (("train", ["000000", "000001"]), ("val", ["000002"])):
        mixtures.write_pictures(folder / split / "spectrogram", names)
    options = "--epochs 2 --samples-per-epoch 4 --base-channels 2 --crop-frames 16 --workers 0"
    arguments = ["train", "--data", str(folder), "--out", str(folder / "run"), "--quiet"]
    assert main([*arguments, *options.split()]) == 0
    return folder / "run"


@pytest.mark.parametrize("command", [[], ["train"], ["denoise"], ["show"], ["evaluate"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    program = (
        "import sys\n"
        "from spectrogram_unet.__main__ import main\n"
        "try:\n    main(sys.argv[1:] + ['--help'])\n"
        "finally:\n"
        "    heavy = {'torch', 'torchvision', 'lightning', 'matplotlib', 'numpy'}\n"
        "    print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, check=True
    )
    assert "usage:" in done.stdout and "HEAVY []" in done.stdout


def test_training_leaves_a_checkpoint_that_says_what_its_pictures_are(run: Path) -> None:
    header = read_header(run / "best.safetensors")
    assert header.model == "spectrogram-unet" and header.sample_rate == RATE
    expected = {"base_channels": 2, "n_fft": 1024, "hop_length": 160, "frames": 512}
    assert expected.items() <= header.config.items()
    assert header.config["picture_scale"] == "shared"
    assert (run / "samples.png").is_file() and (run / "history.csv").is_file()


def test_denoise_takes_a_run_and_an_options_of_the_rule(run: Path, tmp_path: Path) -> None:
    noisy = mixtures.voice_and_noise(2.0).sum(axis=0)
    soundfile.write(tmp_path / "a.wav", noisy, RATE)
    common = ["denoise", str(tmp_path / "a.wav"), "--model", str(run), "--out"]
    assert main([*common, str(tmp_path / "one"), "--floor-db", "0"]) == 0
    assert main([*common, str(tmp_path / "two"), "--beta", "5", "--floor-db", "-40"]) == 0
    untouched, denoised = (soundfile.read(tmp_path / d / "a.wav")[0] for d in ("one", "two"))
    np.testing.assert_allclose(untouched, noisy, atol=1e-4)
    assert np.mean(denoised**2) < 0.9 * np.mean(noisy**2)


def test_denoise_takes_a_published_network(tmp_path: Path) -> None:
    path = mixtures.save_published(tmp_path / "unet.pt", mixtures.small_network())
    soundfile.write(tmp_path / "a.wav", mixtures.voice_and_noise(1.0).sum(axis=0), RATE)
    arguments = f"denoise {tmp_path}/a.wav --model {path} --out {tmp_path}/out --hop-length 256"
    assert main(arguments.split()) == 0
    assert soundfile.info(tmp_path / "out" / "a.wav").frames == RATE


def test_denoise_says_that_the_level_of_own_scale_is_a_guess(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["denoise", "--help"])
    assert "level is then a guess" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("start", ["0", "4.5"])
def test_show_draws_a_figure(run: Path, tmp_path: Path, start: str) -> None:
    soundfile.write(tmp_path / "a.wav", mixtures.voice_and_noise(6.0).T, RATE)
    target = tmp_path / "a.png"
    arguments = f"show {tmp_path}/a.wav --model {run} --out {target} --start {start}"
    assert main(arguments.split()) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_show_past_the_end_names_the_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "a.wav", np.ones(RATE) / 2, RATE)
    assert main(f"show {tmp_path}/a.wav --model {run} --start 9".split()) == 2
    assert "a.wav" in capsys.readouterr().err


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, demo_speech: Path, demo_noise: Path) -> Path:
    """A data set of the built-in sounds with four samples in test."""
    folder = tmp_path_factory.mktemp("evaluated") / "data"
    settings = Settings(samples=(1, 1, 4), spectrograms=False, eval_snr_db=(0.0, 10.0))
    build(collect([demo_speech], [demo_noise], settings), settings, folder, jobs=1, quiet=True)
    return folder


def test_evaluate_writes_gains_by_snr(run: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "gains.json"
    arguments = f"evaluate --data {data} --split test --model {run} --out {out}"
    assert main(arguments.split()) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [(row["snr_db"], row["clips"]) for row in rows] == [(0.0, 2), (10.0, 2), (None, 4)]
    for row in rows:
        low, high = row["gain_db_interval"]
        assert low <= row["gain_db"] <= high
        assert row["oracle_gain_db"] > max(5, row["gain_db"])


def test_sweep_lists_rules_with_the_best_first(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = f"evaluate --data {data} --split test --model {run} --sweep --limit 1"
    assert main(arguments.split()) == 0
    means = [float(line.split()[3]) for line in capsys.readouterr().out.splitlines()[1:]]
    assert len(means) > 10 and means == sorted(means, reverse=True)

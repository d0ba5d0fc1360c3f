"""Noises of one's own beside those of a pack, and training that starts from trained weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from enhancement.checkpoints import read_header
from enhancement.registry import checkpoint_path
from prepare_data.errors import UserError
from tests.waveform_unet_lru.live_cores import spectra
from tests.waveform_unet_lru.live_sounds import RATE, demo_pack
from waveform_unet_lru.__main__ import main
from waveform_unet_lru.live.checkpoint import load_network, read_config
from waveform_unet_lru.live.data import PackMixtures
from waveform_unet_lru.live.draws import PLAIN, Ranges, more_recorded
from waveform_unet_lru.live.own_noises import OWN_SHARE, read_noises

_SMALL = """train --segment-seconds 0.25 --last-segment-seconds 0.5 --batch-size 2
    --samples-per-epoch 4 --workers 0 --quiet --precision 32-true --epochs 1"""
_HERTZ = 1000


def _whistles(folder: Path, count: int, *, rate: int = 48_000, seconds: float = 2.0) -> Path:
    """Write stereo recordings of one tone each, which no other noise of these tests has."""
    folder.mkdir()
    time = np.arange(round(seconds * rate)) / rate
    for number in range(count):
        tone = (0.2 + 0.1 * number) * np.sin(2 * np.pi * _HERTZ * time)
        soundfile.write(folder / f"{number}.flac", np.stack([tone, tone], axis=1), rate)
    return folder


def _is_whistle(noise: np.ndarray) -> bool:
    power = np.abs(np.fft.rfft(noise * np.hanning(len(noise)))) ** 2
    centre = round(_HERTZ * len(noise) / RATE)
    return power[centre - 4 : centre + 5].sum() > 0.9 * power.sum()


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("pack") / "demo.pack")


def test_noises_come_at_the_rate_asked_for_with_every_fifth_source_kept(tmp_path: Path) -> None:
    train, val = read_noises([_whistles(tmp_path / "a", 6)], RATE)
    assert (len(train), len(val)) == (4, 2)
    for takes in (*train, *val):
        assert [len(take.audio) for take in takes] == [2 * RATE]
        assert _is_whistle(takes[0].audio.astype(np.float32))
    levels = sorted(takes[0].loudest_dbfs for takes in (*train, *val))
    expected = [20 * np.log10((0.2 + 0.1 * number) / np.sqrt(2)) for number in range(6)]
    np.testing.assert_allclose(levels, expected, atol=0.1)


def test_of_few_recordings_the_ends_are_kept(tmp_path: Path) -> None:
    train, val = read_noises([_whistles(tmp_path / "a", 2)], RATE)
    assert [[len(take.audio) for take in takes] for takes in train] == 2 * [[round(1.6 * RATE)]]
    assert [[len(take.audio) for take in takes] for takes in val] == 2 * [[round(0.4 * RATE)]]


def test_what_is_of_no_use_is_left_out_or_said(tmp_path: Path) -> None:
    folder = _whistles(tmp_path / "a", 1)
    (folder / "damaged.wav").write_bytes(b"RIFF")
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "short.wav", np.ones(100), RATE)
    assert [len(part) for part in read_noises([folder], RATE)] == [1, 1]
    (folder / "0.flac").unlink()
    with pytest.raises(UserError, match=r"--noise .*a holds nothing to use: .*(silent|short)\.wav"):
        read_noises([folder], RATE)
    with pytest.raises(UserError, match="nowhere does not exist"):
        read_noises([tmp_path / "nowhere"], RATE)


def test_own_noises_are_as_many_of_the_recorded_as_they_should(tmp_path: Path, pack: Path) -> None:
    train, _ = read_noises([_whistles(tmp_path / "a", 5)], RATE)
    only_recorded = {"coloured": 0.0, "babble": 0.0, "second_noise": 0.0, "noise_filter": 0.0}
    ranges = Ranges(**{**vars(PLAIN), **only_recorded})
    mixtures = PackMixtures(pack, "train", size=300, seconds=0.5, ranges=ranges, noises=train)
    noises = [item["noise"].numpy() for item in map(mixtures.__getitem__, range(300))]
    heard = [_is_whistle(noise) for noise in noises if noise.any()]
    assert abs(np.mean(heard) - OWN_SHARE) < 4 * np.sqrt(OWN_SHARE * (1 - OWN_SHARE) / 300)


def test_half_of_what_is_made_up_gives_way(pack: Path) -> None:
    ranges = more_recorded(Ranges())
    assert (ranges.coloured, ranges.babble) == (Ranges().coloured / 2, Ranges().babble / 2)
    assert (ranges.tonal, ranges.clicks) == (Ranges().tonal / 2, Ranges().clicks / 2)
    assert ranges.rooms == Ranges().rooms


def test_tuning_starts_from_the_weights_and_has_their_size(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "first"
    options = (*_SMALL.split(), "--pack", str(pack))
    sizes = ("channels=4", "width=8", "blocks=1")
    assert main([*options, "--model", "tiny", "--set", *sizes, "--out", str(first)]) == 0
    folder = str(_whistles(tmp_path / "a", 5))
    tuned = tmp_path / "tuned"
    more = ("--init", str(first), "--noise", folder, "--ema-decay", "0", "--lr", "1e-12")
    assert main([*options, *more, "--out", str(tuned)]) == 0
    from safetensors.torch import load_file

    before, after = (load_file(run / "best.safetensors") for run in (first, tuned))
    learned = [name for name in before if "running" not in name and "num_batches" not in name]
    assert all(abs(after[name] - before[name]).max() < 1e-6 for name in learned)
    header = read_header(tuned / "best.safetensors")
    assert header.config == read_header(first / "best.safetensors").config
    assert header.config["channels"] == 4
    assert header.training["noise"] == ["a"]
    assert main([*options, *more[:4], "--out", str(tmp_path / "default")]) == 0
    settings = json.loads((tmp_path / "default" / "config.json").read_text())["training"]
    assert settings["lr"] == 5e-4
    # What was stopped goes on by the same command with --resume.
    assert main([*options, *more, "--out", str(tuned), "--resume", "--epochs", "2"]) == 0


def test_shipped_weights_can_be_tuned_by_name(tmp_path: Path, pack: Path) -> None:
    options = [*_SMALL.split(), "--pack", str(pack), "--init", "small"]
    assert main([*options, "--out", str(tmp_path / "run")]) == 0
    header = read_header(tmp_path / "run" / "best.safetensors")
    assert header.config == read_config(checkpoint_path("small")).plain()


def test_a_full_band_is_added_to_weights_without_changing_what_they_do(
    tmp_path: Path, pack: Path
) -> None:
    options = (*_SMALL.split(), "--pack", str(pack), "--seed", "3")
    sizes = ("channels=4", "width=8", "blocks=2")
    first, second = tmp_path / "first", tmp_path / "second"
    assert (
        main([*options, "--model", "tiny", "--set", *sizes, "full_band=0", "--out", str(first)])
        == 0
    )
    more = ("--init", str(first), "--set", "full_band=3", "--ema-decay", "0", "--lr", "1e-12")
    assert main([*options, *more, "--out", str(second)]) == 0
    before, after = (load_network(run / "best.safetensors")[1].eval() for run in (first, second))
    assert after.full_band is not None
    # Only what a step of training does to the statistics of the normalisations.
    statistics = {name: each for name, each in before.state_dict().items() if "running" in name}
    after.load_state_dict(statistics, strict=False)
    with torch.no_grad():
        masks = [network(spectra(1, 20))[0] for network in (before, after)]
    torch.testing.assert_close(*masks, rtol=0, atol=1e-5)


def test_a_size_that_the_weights_do_not_have_is_a_sentence(
    tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*_SMALL.split(), "--pack", str(pack), "--init", "small", "--model", "tiny"]
    assert main([*options, "--out", str(tmp_path / "run")]) == 2
    assert "small.safetensors" in capsys.readouterr().err
    assert main([*_SMALL.split(), "--init", str(tmp_path / "none"), "--pack", str(pack)]) == 2
    assert "none is neither a file nor a known model" in capsys.readouterr().err

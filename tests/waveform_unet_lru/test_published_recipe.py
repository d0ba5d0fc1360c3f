"""The published project's data set, synthetic data and training, and the files they write."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader

from enhancement.checkpoints import load_published, load_strictly
from prepare_data.errors import UserError
from prepare_data.speech_level import active_speech_level
from waveform_unet_lru import (
    AudioDenoisingDataset,
    UNetLRUAudio,
    create_synthetic_training_data,
    published_data,
    train_audio_unet_lru,
)

_RATE = 16_000


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Twelve pairs of the synthetic data."""
    return create_synthetic_training_data(str(tmp_path_factory.mktemp("synthetic")), 12)


def _write(path: Path, audio: np.ndarray, rate: int = _RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate, subtype="FLOAT")


def _write_pair(root: Path, name: str, noisy: np.ndarray, clean: np.ndarray) -> None:
    _write(root / "noisy" / f"noisy_{name}.wav", noisy)
    _write(root / "clean" / f"clean_{name}.wav", clean)


def _dataset(root: Path, **options: int) -> AudioDenoisingDataset:
    return AudioDenoisingDataset(root / "noisy", root / "clean", **options)


def test_files_are_paired_by_place_and_short_ones_end_in_zeros(tmp_path: Path) -> None:
    for number in (2, 1):
        audio = np.full(100, number / 10)
        _write_pair(tmp_path, f"{number:03d}", audio, -audio[:60])
    (tmp_path / "noisy" / "._noisy_001.wav").write_bytes(b"left by another system")
    dataset = _dataset(tmp_path)
    assert len(dataset) == 2
    noisy, clean = dataset[1]
    assert noisy.shape == clean.shape == (16_000,)
    assert noisy.dtype == clean.dtype == torch.float32
    torch.testing.assert_close(noisy[:100], torch.full((100,), 0.2))
    torch.testing.assert_close(clean[:60], torch.full((60,), -0.2))
    assert not noisy[100:].any()
    assert not clean[60:].any()


def test_crops_are_at_one_place_in_both_and_reach_both_ends(tmp_path: Path) -> None:
    ramp = np.arange(24) / 32
    _write_pair(tmp_path, "0", ramp, -ramp)
    dataset = _dataset(tmp_path, max_length=20)
    starts = set()
    for _ in range(100):
        noisy, clean = dataset[0]
        assert torch.equal(clean, -noisy)
        starts.add(round(float(noisy[0]) * 32))
        assert torch.equal(noisy, noisy[0] + torch.arange(20) / 32)
    assert starts == {0, 1, 2, 3, 4}


def test_torch_governs_the_crops(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 5000)
    _write_pair(tmp_path, "0", noise, noise)
    dataset = _dataset(tmp_path, max_length=50)
    torch.manual_seed(3)
    first, other = dataset[0][0], dataset[0][0]
    torch.manual_seed(3)
    assert torch.equal(dataset[0][0], first)
    assert not torch.equal(first, other)


def test_other_rates_are_resampled_and_channels_averaged(tmp_path: Path) -> None:
    seconds = np.arange(44_100) / 44_100
    tone = 0.3 * np.sin(2 * np.pi * 1000 * seconds)
    stereo = np.stack([tone + 0.1, tone - 0.1], axis=1)
    _write(tmp_path / "noisy" / "a.wav", stereo, 44_100)
    _write(tmp_path / "clean" / "b.wav", tone[:24_000], 24_000)
    noisy, clean = _dataset(tmp_path, sample_rate=8000, max_length=8000)[0]
    at = np.arange(8000) / 8000
    inside = slice(200, 7800)  # a resampler rings where a sound is cut off
    expected = 0.3 * np.sin(2 * np.pi * 1000 * at)
    np.testing.assert_allclose(noisy[inside], expected[inside], atol=1e-3)
    expected = 0.3 * np.sin(2 * np.pi * 1000 * at * 24_000 / 44_100)
    np.testing.assert_allclose(clean[inside], expected[inside], atol=1e-3)


def test_unequal_counts_are_refused(tmp_path: Path) -> None:
    _write_pair(tmp_path, "0", np.zeros(10), np.zeros(10))
    _write(tmp_path / "noisy" / "noisy_1.wav", np.zeros(10))
    with pytest.raises(UserError, match=r"2 WAV files and .*clean 1"):
        _dataset(tmp_path)


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="noisy is not there"):
        _dataset(tmp_path)
    for name in ("noisy", "clean"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="noisy holds no WAV files"):
        _dataset(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no sound at all", "truncated"])
def test_damaged_recordings_are_named(tmp_path: Path, content: bytes | str) -> None:
    _write_pair(tmp_path, "0", np.zeros(1000), np.zeros(1000))
    path = tmp_path / "clean" / "clean_0.wav"
    path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"clean_0\.wav "):
        _dataset(tmp_path)[0]


def test_synthetic_pairs_are_speech_and_speech_in_noise(synthetic: tuple[str, str]) -> None:
    noisy_dir, clean_dir = synthetic
    assert isinstance(noisy_dir, str)
    assert Path(noisy_dir).parent == Path(clean_dir).parent
    for folder, name in ((noisy_dir, "noisy"), (clean_dir, "clean")):
        found = sorted(path.name for path in Path(folder).iterdir())
        assert found == [f"{name}_{number:04d}.wav" for number in range(12)]
    ratios = []
    for number in range(12):
        noisy_path = Path(noisy_dir) / f"noisy_{number:04d}.wav"
        info = soundfile.info(noisy_path)
        assert (info.samplerate, info.subtype, info.channels) == (_RATE, "PCM_16", 1)
        noisy, _ = soundfile.read(noisy_path)
        clean, _ = soundfile.read(Path(clean_dir) / f"clean_{number:04d}.wav")
        assert len(noisy) == len(clean) == _RATE
        level, activity = active_speech_level(clean, _RATE)
        assert activity > 0.35
        assert level > -50
        ratios.append(level - 10 * np.log10(np.mean((noisy - clean) ** 2)))
    assert min(ratios) > -5.2
    assert max(ratios) < 15.2
    assert np.std(ratios) > 2


def test_synthetic_data_are_the_same_bytes_wherever_and_however_often(
    synthetic: tuple[str, str],
    tmp_path: Path,
    demo_speech: Path,
    demo_noise: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The same corpora, made once for all tests: that they are deterministic is tested elsewhere.
    corpora = {"speech": demo_speech, "noise": demo_noise}
    monkeypatch.setattr(published_data, "demo_corpus", lambda kind, _: corpora[kind])
    create_synthetic_training_data(tmp_path, 3)
    (tmp_path / "noisy" / ".noisy_0003.wav.4711.partial").write_bytes(b"a run was stopped here")
    folders = create_synthetic_training_data(tmp_path, 14)
    for folder, before in zip(folders, synthetic, strict=True):
        assert len(list(Path(folder).iterdir())) == 14
        for path in Path(before).iterdir():
            assert (Path(folder) / path.name).read_bytes() == path.read_bytes()


def test_no_synthetic_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="num_samples is 0"):
        create_synthetic_training_data(tmp_path / "none", num_samples=0)
    assert not (tmp_path / "none").exists()


def test_training_is_adam_on_the_squared_error_and_its_files_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten epochs of one batch, against the same ten steps written out."""
    generator = np.random.default_rng(0)
    for name in "01":
        clean = 0.3 * np.sin(np.arange(1000) * generator.uniform(0.01, 0.2))
        _write_pair(tmp_path, name, clean + generator.normal(0, 0.1, 1000), clean)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(5)
    trained = train_audio_unet_lru(noisy_dir="noisy", clean_dir="clean", epochs=10, batch_size=2)

    torch.manual_seed(5)
    network = UNetLRUAudio()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    noisy, clean = next(iter(DataLoader(_dataset(tmp_path), 2)))
    for _ in range(10):
        optimiser.zero_grad()
        loss = mse_loss(network(noisy[:, None])[:, 0], clean)
        loss.backward()
        optimiser.step()

    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"audio_unet_lru_epoch_10.pt", "audio_unet_lru_final.pt"}
    checkpoint = torch.load("audio_unet_lru_epoch_10.pt", weights_only=True)
    assert set(checkpoint) == {"epoch", "model_state_dict", "optimizer_state_dict", "loss"}
    assert checkpoint["epoch"] == 10
    assert checkpoint["loss"] == pytest.approx(loss.item(), rel=1e-3)
    # Half the rate from here on, so that a training that goes on from the file goes on rightly.
    optimiser.load_state_dict(checkpoint["optimizer_state_dict"])
    assert optimiser.param_groups[0]["lr"] == pytest.approx(5e-4)
    for name in ("audio_unet_lru_epoch_10.pt", "audio_unet_lru_final.pt"):
        load_strictly(network, load_published(Path(name)), name)
        for parameter, expected in zip(network.parameters(), trained.parameters(), strict=True):
            assert torch.equal(parameter, expected)


def test_printed_loss_is_the_mean_over_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A last batch of one sample must not count as much as a batch of two."""
    generator = np.random.default_rng(0)
    for number, level in enumerate((0.01, 0.1, 0.8)):
        audio = level * generator.standard_normal(500)
        _write_pair(tmp_path, str(number), audio, audio)
    network = train_audio_unet_lru(
        tmp_path / "noisy",
        tmp_path / "clean",
        epochs=1,
        batch_size=2,
        learning_rate=0.0,
        out_dir=tmp_path / "out",
    )
    noisy, clean = next(iter(DataLoader(_dataset(tmp_path), 3)))
    with torch.no_grad():
        expected = mse_loss(network(noisy[:, None])[:, 0], clean).item()
    printed = re.search(r"epoch 1/1 .* loss (\S+)", capsys.readouterr().out)
    assert printed is not None
    assert float(printed[1]) == pytest.approx(expected, rel=1e-4)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["audio_unet_lru_final.pt"]


def test_recordings_that_are_not_numbers_stop_the_training(tmp_path: Path) -> None:
    _write_pair(tmp_path, "0", np.full(100, np.nan), np.zeros(100))
    with pytest.raises(UserError, match="the loss of epoch 1/2 is not finite"):
        train_audio_unet_lru(
            tmp_path / "noisy", tmp_path / "clean", epochs=2, batch_size=1, out_dir=tmp_path / "out"
        )
    assert not list((tmp_path / "out").iterdir())

"""The waveform denoiser: lengths, channels, rates, segments, checkpoints, published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from enhancement.checkpoints import Header, save_weights
from enhancement.registry import load_denoiser
from prepare_data.errors import UserError
from tests.waveform_unet_lru import small_waveform_network as small
from waveform_unet_lru import UNetLRUDenoiser, load_pretrained
from waveform_unet_lru.denoise import load
from waveform_unet_lru.segments import Segments

RATE = small.RATE


def _passing() -> UNetLRUDenoiser:
    """Return a denoiser that gives back its input, through the topmost level's skip."""
    network = small.network()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        # Two channels carry the positive and the negative part through the rectifiers.
        both_signs = torch.tensor([1.0, -1.0])
        network.down_blocks[0][0].weight[:2, 0, 1] = both_signs
        for layer in (network.down_blocks[0][2], *network.up_blocks[-1][::2]):
            layer.weight[:2, :2, 1] = torch.eye(2)
        network.final.weight[0, :2, 0] = both_signs
    return UNetLRUDenoiser(network, RATE)


@pytest.mark.parametrize("samples", [0, 1, 15, 16, 17, 12_345])
def test_every_length_comes_back(samples: int) -> None:
    audio = small.sound(samples)[:, 0]
    denoiser = UNetLRUDenoiser(small.network(), RATE)
    result = denoiser.denoise(audio, RATE)
    assert result.shape == audio.shape and result.dtype == np.float32
    if samples:
        expected = small.whole(small.network(), audio[:, None])[:, 0]
        np.testing.assert_allclose(result, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_other_rates_keep_length_and_alignment(rate: int) -> None:
    time = np.arange(rate + 17) / rate
    audio = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    result = _passing().denoise(audio, rate)
    assert result.shape == audio.shape
    assert np.abs(result - audio)[rate // 20 : -rate // 20].max() < 5e-3


def test_channels_are_denoised_each_by_itself() -> None:
    audio = small.sound(5000, channels=2) * np.array([1, 1e-3], dtype=np.float32)
    denoiser = UNetLRUDenoiser(small.network(), RATE)
    both = denoiser.denoise(audio, RATE)
    for channel in (0, 1):
        alone = denoiser.denoise(audio[:, channel], RATE)
        np.testing.assert_allclose(both[:, channel], alone, atol=1e-5 * np.abs(alone).max())


def test_segments_start_from_rest() -> None:
    audio = small.sound(3 * 1600)
    segments = Segments(0.1, overlap_seconds=0)
    denoiser = UNetLRUDenoiser(small.network(), RATE, segments=segments)
    expected = [small.whole(denoiser.network, part) for part in np.split(audio, 3)]
    result = denoiser.denoise(audio, RATE)
    tolerance = 1e-5 * np.abs(result).max()
    np.testing.assert_allclose(result, np.concatenate(expected), atol=tolerance)


def test_normalised_segments_take_any_level() -> None:
    segments = Segments(0.1, normalize=True)
    network = small.network()
    with torch.no_grad():
        network.final.bias.fill_(0.1)
    denoiser = UNetLRUDenoiser(network, RATE, segments=segments)
    audio = small.sound(5000)
    loud, quiet = denoiser.denoise(audio, RATE), denoiser.denoise(audio / 1000, RATE)
    np.testing.assert_allclose(1000 * quiet, loud, atol=1e-4 * np.abs(loud).max())


def test_checkpoint_brings_network_and_sample_rate(tmp_path: Path) -> None:
    path = small.save_checkpoint(tmp_path / "best.safetensors", small.network((3, 5, 7)))
    for loaded in (load(path), load_pretrained(tmp_path), load_denoiser(path)):
        assert isinstance(loaded, UNetLRUDenoiser)
        assert loaded.name == "unet-lru" and loaded.lag_seconds is None
        assert loaded.sample_rate == RATE and loaded.network.features == (3, 5, 7)
        audio = small.sound(1000)
        expected = small.whole(small.network((3, 5, 7)), audio)
        np.testing.assert_allclose(loaded.denoise(audio, RATE), expected, atol=1e-5)


def test_weights_that_ship_with_the_package_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = small.save_checkpoint(tmp_path / "a.safetensors", small.network((3, 5)))
    asked = []

    def shipped(name: str) -> Path:
        asked.append(name)
        return path

    monkeypatch.setattr("enhancement.registry.shipped_weights", shipped)
    assert load(None).network.features == (3, 5)
    assert asked == ["unet-lru"]


def test_half_precision_weights_run_in_single_precision(tmp_path: Path) -> None:
    network = small.network().half()
    denoiser = load(small.save_checkpoint(tmp_path / "a.safetensors", network))
    assert {parameter.dtype for parameter in denoiser.network.parameters()} == {torch.float32}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("features", [(4, 8), (2, 3, 4, 5)])
def test_published_files_of_any_width_load(
    tmp_path: Path, wrapped: bool, features: tuple[int, ...]
) -> None:
    network = small.network(features)
    denoiser = load(small.save_published(tmp_path / "a.pt", network, wrapped=wrapped))
    assert denoiser.network.features == features and denoiser.sample_rate == 16_000
    for name, weight in network.state_dict().items():
        assert torch.equal(denoiser.network.state_dict()[name], weight), name


def test_published_file_may_have_another_rate(tmp_path: Path) -> None:
    path = small.save_published(tmp_path / "a.pt", small.network())
    loaded = load_pretrained(path, sample_rate=8000)
    assert isinstance(loaded, UNetLRUDenoiser) and loaded.sample_rate == 8000
    with pytest.raises(UserError, match="--sample-rate"):
        load(path, sample_rate=0)


def test_sample_rate_that_a_checkpoint_brings_is_not_asked_for(tmp_path: Path) -> None:
    path = small.save_checkpoint(tmp_path / "a.safetensors", small.network())
    with pytest.raises(UserError, match=r"a\.safetensors .* --sample-rate"):
        load(path, sample_rate=16_000)


def test_pt_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"other\.pt holds no waveform U-Net"):
        load(tmp_path / "other.pt")


def test_pt_file_that_lacks_a_layer_is_refused(tmp_path: Path) -> None:
    weights = small.network().state_dict()
    del weights["lru.nu_log"]
    torch.save(weights, tmp_path / "part.pt")
    with pytest.raises(UserError, match=r"part\.pt .*missing: lru\.nu_log"):
        load(tmp_path / "part.pt")


def test_network_of_several_channels_is_refused(tmp_path: Path) -> None:
    network = small.network(channels=(2, 1))
    published = small.save_published(tmp_path / "two.pt", network)
    own = small.save_checkpoint(tmp_path / "two.safetensors", network, in_channels=2)
    for path in (published, own):
        with pytest.raises(UserError, match=r"two\..* from 2 to 1 channels"):
            load(path)


@pytest.mark.parametrize("features", ["wide", [4, -8], 3])
def test_checkpoint_with_impossible_numbers_is_named(tmp_path: Path, features: object) -> None:
    path = small.save_checkpoint(tmp_path / "a.safetensors", small.network(), features=features)
    with pytest.raises(UserError, match=r"a\.safetensors"):
        load(path)


def test_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    header = Header("spectrogram-unet", {}, RATE, {})
    save_weights(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, header)
    with pytest.raises(UserError, match="not a unet-lru model"):
        load(tmp_path / "a.safetensors")

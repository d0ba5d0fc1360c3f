"""The denoiser: lengths, channels, rates, windows, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from enhancement.checkpoints import Header, save_weights
from prepare_data.errors import UserError
from spectrogram_unet import GainRule, Geometry, SpectrogramDenoiser, load_pretrained
from spectrogram_unet.masking import look_at
from tests.spectrogram_unet import mixtures

RATE = mixtures.RATE
SMALL = Geometry(sample_rate=RATE, n_fft=256, hop_length=80, frames=64)


def _no_noise(greys: np.ndarray) -> np.ndarray:
    return np.ones(greys.shape, dtype=np.float32)


def _half_as_much(greys: np.ndarray) -> np.ndarray:
    """Predict noise 3 dB below the noisy voice, in every bin."""
    return np.minimum(greys.astype(np.float32) / 255 + np.float32(3 / 80), 1)


def _passing(geometry: Geometry = SMALL) -> SpectrogramDenoiser:
    return SpectrogramDenoiser(_no_noise, geometry, GainRule())


@pytest.mark.parametrize("samples", [0, 1, 79, 80, 5119, 5120, 5121, 20_000, 33_333])
def test_every_length_comes_back_untouched_where_there_is_no_noise(samples: int) -> None:
    audio = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    result = _passing().denoise(audio, RATE)
    assert result.shape == audio.shape and result.dtype == np.float32
    # White still stands for noise 80 dB below the loudest bin.
    np.testing.assert_allclose(result, audio, atol=2e-4)


def test_gain_of_one_reconstructs_to_a_millionth() -> None:
    audio = mixtures.voice_and_noise().sum(axis=0)
    window = look_at(audio, Geometry())
    back = window.filtered(np.ones((512, 512)))
    np.testing.assert_allclose(back, audio, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_other_rates_keep_length_and_alignment(rate: int) -> None:
    time = np.arange(rate + 17) / rate
    audio = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    result = _passing().denoise(audio, rate)
    assert result.shape == audio.shape
    assert np.abs(result - audio)[rate // 20 : -rate // 20].max() < 5e-3


def test_channels_are_denoised_each_by_itself() -> None:
    loud, quiet = mixtures.voice_and_noise(1.0)
    both = np.stack([loud, 1e-3 * quiet], axis=1)
    denoiser = SpectrogramDenoiser(_half_as_much, SMALL, GainRule())
    result = denoiser.denoise(both, RATE)
    for channel in (0, 1):
        alone = denoiser.denoise(both[:, channel], RATE)
        np.testing.assert_array_equal(result[:, channel], alone)


def test_silence_in_is_silence_out() -> None:
    audio = np.zeros((12_345, 2), dtype=np.float32)
    audio[:, 1] = np.random.default_rng(0).uniform(-1, 1, len(audio))
    result = SpectrogramDenoiser(_half_as_much, SMALL, GainRule()).denoise(audio, RATE)
    assert not result[:, 0].any() and result[:, 1].any()


def test_level_does_not_matter() -> None:
    """Pictures are scaled by their own reference."""
    audio = mixtures.voice_and_noise(1.0).sum(axis=0)
    denoiser = SpectrogramDenoiser(_half_as_much, SMALL, GainRule())
    quiet = 1000 * denoiser.denoise(audio / 1000, RATE)
    assert np.abs(quiet - denoiser.denoise(audio, RATE)).max() < 1e-2 * np.abs(audio).max()


def test_noise_of_half_the_power_is_halved_by_the_wiener_rule() -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 81_920).astype(np.float32)
    rule = GainRule("wiener", beta=1.0)
    result = SpectrogramDenoiser(_half_as_much, Geometry(), rule).denoise(audio, RATE)
    assert np.sqrt(np.mean(result**2) / np.mean(audio**2)) == pytest.approx(0.5, abs=0.01)


def test_blocks_are_read_as_the_result_is_taken() -> None:
    """A recording of any length needs the memory of a window."""
    read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        generator = np.random.default_rng(0)
        while True:
            read += RATE
            yield generator.uniform(-1, 1, (RATE, 1)).astype(np.float32)

    given = 0
    stream = _passing().denoise_blocks(endless(), RATE)
    for _ in range(60):
        given += len(next(stream))
    assert read - given <= SMALL.window_samples + RATE


def test_where_the_windows_lie_is_not_heard() -> None:
    """The shipped model, its grid moved by 1.28 s: borders change hardly more than the rest."""
    voice, noise = mixtures.voice_and_noise(18.0, snr_db=5.0)
    noisy = voice + noise
    shipped = load_pretrained()
    assert _border_ratio(shipped, noisy) <= 1.5


def _border_ratio(denoiser: SpectrogramDenoiser, noisy: np.ndarray) -> float:
    geometry = denoiser.geometry
    moved = SpectrogramDenoiser(denoiser.predict, geometry, denoiser.rule, grid_shift_seconds=1.28)
    change = moved.denoise(noisy, RATE) - denoiser.denoise(noisy, RATE)
    stride = geometry.window_samples // 2
    starts = [
        *range(0, len(noisy), stride),
        *range(stride - round(1.28 * RATE), len(noisy), stride),
    ]
    borders = {start + end for start in starts for end in (0, geometry.window_samples)}
    near = np.zeros(len(noisy), dtype=bool)
    for border in borders:
        near[max(0, border - RATE // 20) : border + RATE // 20] = True
    both = slice(stride, len(noisy) - stride)  # where both grids have begun and neither ends
    near, change = near[both], change[both]
    return float(np.sqrt(np.mean(change[near] ** 2) / np.mean(change[~near] ** 2)))


def _checkpoint(path: Path, **changes: object) -> Path:
    config = {"in_channels": 1, "num_classes": 1, "base_channels": 2, **SMALL.plain()}
    config["gain"] = GainRule("subtraction", 1.5, -12.0).plain()
    header = Header("spectrogram-unet", {**config, **changes}, RATE, {})
    weights = {name: w.half() for name, w in mixtures.small_network().state_dict().items()}
    save_weights(path, weights, header)
    return path


def test_checkpoint_brings_network_geometry_and_rule(tmp_path: Path) -> None:
    denoiser = load_pretrained(_checkpoint(tmp_path / "a.safetensors"))
    assert denoiser.geometry == SMALL
    assert denoiser.rule == GainRule("subtraction", 1.5, -12.0)
    greys = np.random.default_rng(0).integers(256, size=(512, 512), dtype=np.uint8)
    network = mixtures.small_network().half().float()
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.from_numpy(greys)[None, None] / 255))[0, 0]
    np.testing.assert_allclose(denoiser.predict(greys), expected.numpy(), atol=2 / 255)


def test_rule_of_a_checkpoint_can_be_overruled(tmp_path: Path) -> None:
    denoiser = load_pretrained(_checkpoint(tmp_path / "a.safetensors"), beta=3.0)
    assert denoiser.rule == GainRule("subtraction", 3.0, -12.0)


def test_numbers_that_a_checkpoint_brings_are_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--n-fft"):
        load_pretrained(_checkpoint(tmp_path / "a.safetensors"), n_fft=512)


def test_checkpoint_without_its_numbers_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.safetensors"):
        load_pretrained(_checkpoint(tmp_path / "a.safetensors", gain={"strength": 2}))


@pytest.mark.parametrize("wrapped", [False, True])
def test_published_network_denoises_by_the_published_numbers(tmp_path: Path, wrapped: bool) -> None:
    path = mixtures.save_published(tmp_path / "u.pt", mixtures.small_network(), wrapped=wrapped)
    denoiser = load_pretrained(path)
    assert denoiser.geometry == Geometry(8000, 1024, 512, frames=80, picture_scale="own")
    audio = mixtures.voice_and_noise(2.0).sum(axis=0)
    result = denoiser.denoise(audio, RATE)
    assert result.shape == audio.shape and np.isfinite(result).all()


def test_numbers_of_a_published_network_can_be_given(tmp_path: Path) -> None:
    path = mixtures.save_published(tmp_path / "u.pt", mixtures.small_network())
    denoiser = load_pretrained(
        path, sample_rate=16_000, n_fft=512, hop_length=128, picture_scale="shared", seconds=2.0
    )
    assert denoiser.geometry == Geometry(16_000, 512, 128, frames=250, picture_scale="shared")


def test_own_scale_reads_the_prediction_on_the_noisy_pictures_range() -> None:
    audio = mixtures.voice_and_noise(1.0).sum(axis=0)[: 64 * 80]
    geometry = Geometry(RATE, 256, 80, 64, picture_scale="own")
    window = look_at(audio, geometry)
    assert window.scale.scale == "own"
    above = window.noise_to_noisy_db(window.picture().astype(np.float32) / 255)
    # The noisy picture as the noise: the same level, but for resizing there and back.
    assert abs(float(np.median(above))) < 0.1 * window.scale.range_db


def test_pt_file_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"other\.pt holds no spectrogram U-Net"):
        load_pretrained(tmp_path / "other.pt")

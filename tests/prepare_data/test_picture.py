"""Spectrogram pictures: their geometry, their scale, and the way back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prepare_data import (
    UserError,
    decode_picture,
    encode_picture,
    own_scale,
    read_picture,
    shared_scale,
    stft,
    write_picture,
)
from prepare_data.picture import Scale, hann
from prepare_data.settings import Settings


def noise_audio(length: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(length)).astype(np.float32)


@pytest.mark.parametrize("sample_rate", [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
def test_five_seconds_and_twelve_hundredths_fill_the_picture_at_every_rate(
    sample_rate: int,
) -> None:
    settings = Settings(sample_rate=sample_rate)
    audio = noise_audio(settings.segment_samples)
    spectrum = stft(audio, n_fft=1024, hop_length=settings.picture_hop)
    assert spectrum.shape == (513, 512)
    assert len(audio) / sample_rate == pytest.approx(5.12, abs=0.03)


@pytest.mark.parametrize(("n_fft", "hop_length"), [(1024, 160), (1024, 441), (64, 64), (100, 7)])
def test_stft_frames_are_windowed_transforms_around_their_hops(n_fft: int, hop_length: int) -> None:
    audio = noise_audio(20 * hop_length + n_fft)
    spectrum = stft(audio, n_fft=n_fft, hop_length=hop_length)
    frames = len(audio) // hop_length
    assert spectrum.shape == (n_fft // 2 + 1, frames)
    middle = frames // 2
    start = middle * hop_length - (n_fft - hop_length) // 2
    by_hand = np.fft.rfft(audio[start : start + n_fft] * hann(n_fft))
    assert spectrum[:, middle] == pytest.approx(by_hand, abs=1e-4)


def test_magnitudes_come_back_to_half_a_grey_from_the_file_alone(tmp_path: Path) -> None:
    noisy = stft(noise_audio(81_920), n_fft=1024, hop_length=160)
    scale = shared_scale(noisy, 16_000, n_fft=1024, hop_length=160)
    write_picture(tmp_path / "0.png", encode_picture(noisy, scale), scale)
    picture, read_scale = read_picture(tmp_path / "0.png")
    magnitude = np.abs(noisy[:512])
    decoded = decode_picture(picture, read_scale)
    inside = magnitude > scale.reference * 10 ** (-79 / 20)
    error_db = 20 * np.abs(np.log10(decoded[inside] / magnitude[inside]))
    assert error_db.max() <= 80 / 255 / 2 + 1e-3


def test_picture_is_dark_where_loud_and_low_at_the_bottom() -> None:
    time = np.arange(81_920) / 16_000
    tone = np.sin(2 * np.pi * 500 * time)
    spectrum = stft(tone, n_fft=1024, hop_length=160)
    picture = encode_picture(spectrum, shared_scale(spectrum, 16_000, n_fft=1024, hop_length=160))
    row, _ = np.unravel_index(picture.argmin(), picture.shape)
    assert row == 511 - 500 * 1024 // 16_000
    assert picture.min() == 0
    assert picture[0, 4:-4].min() == 255  # the mirrored ends bend the tone


def test_png_says_what_its_greys_mean(tmp_path: Path) -> None:
    spectrum = stft(noise_audio(81_920), n_fft=1024, hop_length=160)
    scale = shared_scale(spectrum, 16_000, n_fft=1024, hop_length=160)
    write_picture(tmp_path / "0.png", encode_picture(spectrum, scale), scale)
    with Image.open(tmp_path / "0.png") as image:
        assert (image.size, image.mode) == ((512, 512), "L")
        assert image.text == {
            "sample_rate": "16000",
            "n_fft": "1024",
            "hop_length": "160",
            "reference": repr(scale.reference),
            "range_db": "80.0",
            "scale": "shared",
            "resized": "no",
        }


def test_other_geometry_is_resized_and_decoding_says_so(tmp_path: Path) -> None:
    spectrum = stft(noise_audio(40_000), n_fft=2048, hop_length=512)
    scale = shared_scale(spectrum, 8000, n_fft=2048, hop_length=512)
    write_picture(tmp_path / "0.png", encode_picture(spectrum, scale), scale)
    picture, read_scale = read_picture(tmp_path / "0.png")
    assert picture.shape == (512, 512)
    with pytest.warns(UserWarning, match="approximate"):
        decoded = decode_picture(picture, read_scale)
    assert decoded.shape == (1024, 78)
    loudness = 20 * np.log10(np.median(decoded) / np.median(np.abs(spectrum)))
    assert abs(loudness) < 2


def test_own_scale_runs_from_a_pictures_quietest_to_its_loudest_bin() -> None:
    spectrum = stft(noise_audio(81_920), n_fft=1024, hop_length=160)
    quieter = spectrum * 0.01
    scales = [own_scale(s, 16_000, n_fft=1024, hop_length=160) for s in (spectrum, quieter)]
    pictures = [encode_picture(s, c) for s, c in zip((spectrum, quieter), scales, strict=True)]
    assert pictures[0].min() == 0
    assert pictures[0].max() == 255
    # The level is lost, which is what the shared scale is for.
    assert np.abs(pictures[0].astype(int) - pictures[1].astype(int)).max() <= 1


def test_shared_scale_keeps_the_level_of_a_quiet_picture() -> None:
    spectrum = stft(noise_audio(81_920), n_fft=1024, hop_length=160)
    scale = shared_scale(spectrum, 16_000, n_fft=1024, hop_length=160)
    loud, quiet = encode_picture(spectrum, scale), encode_picture(spectrum * 0.1, scale)
    inside = quiet < 255
    darker = quiet[inside].astype(int) - loud[inside].astype(int)
    assert np.abs(darker - 20 * 255 / 80).max() <= 1.01


def test_silence_is_white_and_comes_back_as_silence() -> None:
    spectrum = stft(np.zeros(81_920, np.float32), n_fft=1024, hop_length=160)
    scale = shared_scale(spectrum, 16_000, n_fft=1024, hop_length=160)
    picture = encode_picture(spectrum, scale)
    assert picture.min() == 255
    assert decode_picture(picture, scale).max() == 0


def test_pictures_of_others_are_refused_in_a_sentence(tmp_path: Path) -> None:
    Image.new("L", (512, 512)).save(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(UserError, match=r"plain\.png does not say"):
        read_picture(tmp_path / "plain.png")
    with pytest.raises(UserError, match=r"text\.png cannot be read"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(UserError, match=r"missing\.png cannot be read"):
        read_picture(tmp_path / "missing.png")


def test_audio_shorter_than_a_hop_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no frame"):
        stft(np.zeros(10, np.float32), n_fft=1024, hop_length=160)


def test_scale_leaves_out_the_nyquist_bin() -> None:
    assert Scale(16_000, 1024, 160, 1.0).bins == 512

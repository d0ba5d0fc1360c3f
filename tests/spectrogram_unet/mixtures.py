"""Voices, noises and networks that several tests of the spectrogram method share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from prepare_data.picture import encode_picture, shared_scale, stft, write_picture
from spectrogram_unet.network import UNet

RATE = 16_000


def voice_and_noise(seconds: float = 5.12, *, snr_db: float = 0.0, seed: int = 0) -> np.ndarray:
    """Bursts of a gliding buzz and coloured noise at this SNR: float32 of shape (2, samples)."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 30 * np.sin(2 * np.pi * 0.8 * time)) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 20))
    voice = 0.1 * buzz * (np.sin(2 * np.pi * 0.9 * time) > -0.3)
    noise = np.convolve(generator.standard_normal(len(time) + 3), [1, 0.8, 0.5, 0.2], "valid")
    noise *= np.sqrt(np.mean(voice**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return np.stack([voice, noise]).astype(np.float32)


def small_network(seed: int = 0) -> UNet:
    """Return an untrained network of width 2."""
    torch.manual_seed(seed)
    return UNet(1, 1, base_channels=2)


def save_published(path: Path, network: nn.Module, *, wrapped: bool = False) -> Path:
    """Save a network as the published project does."""
    weights = network.state_dict()
    torch.save({"epoch": 3, "model_state_dict": weights} if wrapped else weights, path)
    return path


def write_pictures(root: Path, names: list[str], *, seconds: float = 5.12) -> None:
    """Write pairs of pictures into root/noisy_voice and root/noise."""
    for seed, name in enumerate(names):
        voice, noise = voice_and_noise(seconds, snr_db=5.0, seed=seed)
        sizes = {"n_fft": 1024, "hop_length": 160}
        noisy = stft(voice + noise, **sizes)
        scale = shared_scale(noisy, RATE, **sizes)
        for kind, spectrum in (("noisy_voice", noisy), ("noise", stft(noise, **sizes))):
            folder = root / kind
            folder.mkdir(parents=True, exist_ok=True)
            write_picture(folder / f"{name}.png", encode_picture(spectrum, scale), scale)


def real_mixtures(speech_data: Path, count: int, *, snr_db: float) -> list[np.ndarray]:
    """Blend real recordings: `count` arrays of voice and noise, shape (2, 81920)."""
    from prepare_data.audio_io import read_segment, to_mono
    from prepare_data.mixing import mix

    voices = sorted((speech_data / "speech" / "LibriSpeech").rglob("*.flac"))[: 7 * count : 7]
    noises = sorted((speech_data / "noise" / "ESC-10").rglob("*.ogg"))[: 23 * count : 23]
    blends = []
    for voice_path, noise_path in zip(voices, noises, strict=True):
        parts = [
            _sixteen_khz(*read_segment(p, start_frame=0, frames=480_000))
            for p in (voice_path, noise_path)
        ]
        voice, noise = (np.resize(to_mono(part), 81_920) for part in parts)
        blend = mix(voice, noise, sample_rate=RATE, snr_db=snr_db)
        blends.append(np.stack([blend.voice, blend.noise]).astype(np.float32))
    return blends


def _sixteen_khz(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    import soxr

    return soxr.resample(audio, sample_rate, RATE)

"""Small recordings in every format, made for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile


def speech_like(seconds: float, sample_rate: int, seed: int = 0) -> np.ndarray:
    """Bursts of a buzz with pauses, over a faint background: enough for what finds speech."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * sample_rate)
    time = np.arange(samples) / sample_rate
    pitch = 100 + 100 * rng.random()
    buzz = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8))
    sounding = np.sin(2 * np.pi * 0.7 * time + rng.random() * 6) > -0.5
    sound = 0.1 * buzz * sounding * (1 + 0.5 * np.sin(2 * np.pi * 4 * time))
    return (sound + 1e-4 * rng.standard_normal(samples)).astype(np.float32)


def write_sound(path: Path, seconds: float = 3.0, sample_rate: int = 16_000, seed: int = 0) -> Path:
    """Write a speech-like recording in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speech_like(seconds, sample_rate, seed), sample_rate)
    return path


def encode_with_ffmpeg(path: Path, codec: str, audio: np.ndarray, sample_rate: int) -> None:
    """Write mono audio with one of FFmpeg's encoders, such as AMR in a 3GP file."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate)
        stream.layout = "mono"
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(audio[None, :], format="fltp", layout="mono")
        frame.rate = sample_rate
        resampler = av.AudioResampler(stream.codec_context.format, "mono", sample_rate)
        fifo = av.AudioFifo()
        for part in resampler.resample(frame):
            fifo.write(part)
        size = stream.codec_context.frame_size or 1024
        while (part := fifo.read(size, partial=True)) is not None:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))

"""`python -m spectrogram_unet show FILE`: what the network sees, says and does, in one figure."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.errors import UserError
from spectrogram_unet.command_line import add_model_arguments, model_options

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spectrogram_unet.denoise import SpectrogramDenoiser

SUMMARY = "draw a recording: noisy, predicted noise, gain, result"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `show`."""
    parser.description = "Draw a window of a recording: noisy, predicted noise, gain, result."
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="a recording; its channels are averaged")
    add("--start", type=float, default=0.0, metavar="S", help="first second (default: 0)")
    add("--model", metavar="NAME|PATH", help="checkpoint or run (default: the shipped weights)")
    add("--out", type=Path, metavar="PNG", help="(default: FILE.png in the working folder)")
    add_model_arguments(parser)


def command(namespace: argparse.Namespace) -> int:
    """Run `show`.

    Raises:
        UserError: if the recording or the model cannot be used.
    """
    from enhancement.registry import checkpoint_path
    from prepare_data.files import write_whole
    from spectrogram_unet.denoise import load

    path = checkpoint_path(namespace.model) if namespace.model else None
    denoiser = load(path, **model_options(namespace))
    audio = _read(namespace.file, namespace.start, denoiser.geometry)
    figure = draw(audio, denoiser, start_seconds=namespace.start)
    figure.suptitle(namespace.file.name)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    target = namespace.out or Path(f"{namespace.file.stem}.png")
    write_whole(target, content.getvalue())
    print(f"Look at {target}.")
    return 0


def draw(audio: np.ndarray, denoiser: SpectrogramDenoiser, *, start_seconds: float = 0.0) -> Figure:
    """Draw one window.

    Args:
        audio: shape (samples,), a window or less at the model's own rate; what is missing of a
            window is mirrored for the network and not drawn.
        denoiser: of the spectrogram kind.
        start_seconds: where the window begins in its recording, for the axis.

    Returns:
        A figure of four panels over seconds and kilohertz.
    """
    from matplotlib.figure import Figure

    panels = _panels(audio, denoiser)
    figure = Figure(figsize=(12, 7), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    geometry = denoiser.geometry
    seconds = len(audio) / geometry.sample_rate
    extent = (start_seconds, start_seconds + seconds, 0, geometry.sample_rate / 2000)
    for axis, (title, levels, lowest) in zip(axes.flat, panels, strict=True):
        _panel(figure, axis, levels, title, lowest=lowest, extent=extent)
    for axis in axes[1]:
        axis.set_xlabel("seconds")
    for axis in axes[:, 0]:
        axis.set_ylabel("kHz")
    return figure


def _panels(
    audio: np.ndarray, denoiser: SpectrogramDenoiser
) -> list[tuple[str, np.ndarray, float]]:
    """Return title, decibels of shape (bins, frames) and the lowest of the colours."""
    import numpy as np

    from spectrogram_unet.masking import look_at

    geometry = denoiser.geometry
    missing = geometry.window_samples - len(audio)
    window = look_at(np.pad(audio, (0, missing), mode="reflect"), geometry)
    if window.silent:
        raise UserError("this part of the recording is silent; there is nothing to draw.")
    above = window.noise_to_noisy_db(denoiser.predict(window.picture()))
    bins = window.scale.bins
    relative = np.abs(window.spectrum[:bins]) / window.scale.reference
    noisy_db = 20 * np.log10(np.maximum(relative, 10 ** (-window.scale.range_db / 20)))
    gain_db = 20 * np.log10(np.maximum(denoiser.rule.gains(above), 1e-6))
    lowest = -window.scale.range_db
    frames = max(1, len(audio) // geometry.hop_length)
    return [
        ("noisy voice, dB", noisy_db[:, :frames], lowest),
        ("predicted noise, dB", (noisy_db + above)[:, :frames], lowest),
        ("gain, dB", gain_db[:, :frames], max(denoiser.rule.floor_db, lowest)),
        ("result, dB", (noisy_db + gain_db)[:, :frames], lowest),
    ]


def _panel(
    figure: Figure, axis: Axes, levels: np.ndarray, title: str, *, lowest: float, extent: Any
) -> None:
    image = axis.imshow(
        levels,
        origin="lower",
        cmap="gray_r",
        vmin=lowest,
        vmax=0,
        aspect="auto",
        extent=extent,
        interpolation="nearest",
    )
    axis.set_title(title)
    figure.colorbar(image, ax=axis)


def _read(path: Path, start_seconds: float, geometry: Any) -> np.ndarray:
    """Read a window of a recording as one channel at the model's rate; less at its end."""
    import soxr

    from prepare_data.audio_io import read_info, read_segment, to_mono
    from prepare_data.errors import AudioError

    try:
        rate = read_info(path).sample_rate
        wanted = round(geometry.window_samples / geometry.sample_rate * rate)
        audio, rate = read_segment(path, start_frame=round(start_seconds * rate), frames=wanted)
    except AudioError as error:
        raise UserError(f"{path}: {error}.") from error
    resampled = soxr.resample(to_mono(audio), rate, geometry.sample_rate)
    if len(resampled) < geometry.hop_length:
        raise UserError(f"{path} has nothing to draw from {start_seconds:g} s on.")
    return resampled[: geometry.window_samples]

"""Spectrograms as grey pictures that carry their own scale, and the way back to magnitudes.

Low frequencies are at the bottom and loud is dark. A picture of 5.12 s at the default settings has
one pixel for each bin and frame, so nothing but the rounding to 8 bits is lost.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from prepare_data.errors import UserError
from prepare_data.png import png_bytes
from prepare_data.settings import PICTURE_SIZE

RANGE_DB = 80.0
_LIKE_A_FILE = str | Path | io.BufferedIOBase


@dataclass(frozen=True)
class Scale:
    """What a picture's greys mean, and where it comes from.

    Attributes:
        sample_rate: of the audio, in hertz.
        n_fft: window of the STFT, in samples.
        hop_length: its hop, in samples.
        reference: magnitude of the darkest grey.
        range_db: decibels from the darkest grey to white.
        scale: "shared" if the reference is the noisy voice's, "own" if it is the picture's.
        frames: STFT frames in the picture; None where they are its own pixels.
    """

    sample_rate: int
    n_fft: int
    hop_length: int
    reference: float
    range_db: float = RANGE_DB
    scale: str = "shared"
    frames: int | None = None

    @property
    def bins(self) -> int:
        """Frequencies in the picture: all of the STFT's but the Nyquist bin."""
        return self.n_fft // 2


def stft(audio: np.ndarray, *, n_fft: int, hop_length: int) -> np.ndarray:
    """Short-time Fourier transform with a periodic Hann window and one frame a hop.

    The signal is mirrored by (n_fft - hop_length) / 2 samples at each end, so that T samples give
    exactly T // hop_length frames, each centred on its hop.

    Args:
        audio: shape (samples,).
        n_fft: window length in samples.
        hop_length: samples from frame to frame, at most n_fft.

    Returns:
        Complex array of shape (n_fft // 2 + 1, frames), not scaled; complex64 for float32 audio.

    Raises:
        ValueError: if the audio is shorter than one hop or not one-dimensional.
    """
    if audio.ndim != 1 or len(audio) < hop_length:
        raise ValueError(f"audio of shape {audio.shape} holds no frame of {hop_length} samples")
    from scipy.fft import rfft

    # scipy and not librosa, whose first call compiles for ten seconds in every worker process;
    # nor numpy, which takes five times as long for float32.
    frames = np.lib.stride_tricks.sliding_window_view(_mirrored(audio, n_fft, hop_length), n_fft)
    windowed = frames[::hop_length] * hann(n_fft).astype(audio.dtype)
    return rfft(windowed, axis=-1).T


def hann(length: int) -> np.ndarray:
    """Return the periodic Hann window, float64."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def encode_picture(spectrum: np.ndarray, scale: Scale) -> np.ndarray:
    """Turn an STFT into greys.

    Args:
        spectrum: complex or magnitude, shape (bins or bins + 1, frames); the Nyquist bin is left
            out.
        scale: see `shared_scale` and `own_scale`.

    Returns:
        uint8 array of shape (bins, frames), low frequencies in the last row, 0 loudest.
    """
    magnitude = np.abs(spectrum[: scale.bins])
    if scale.reference <= 0:
        return np.full(magnitude.shape, 255, dtype=np.uint8)
    darkness = magnitude / scale.reference
    # In place, because fresh memory for each step takes longer than the step.
    np.maximum(darkness, 10 ** (-scale.range_db / 20), out=darkness)
    np.log10(darkness, out=darkness)
    darkness *= -255 * 20 / scale.range_db
    np.clip(darkness, 0, 255, out=darkness)
    np.rint(darkness, out=darkness)
    return darkness.astype(np.uint8)[::-1]


def decode_picture(picture: np.ndarray, scale: Scale) -> np.ndarray:
    """Turn greys back into magnitudes; white, the lower end of the range, becomes 0.

    Args:
        picture: uint8, shape (bins, frames), or of another size where it was resized.
        scale: as it was encoded with.

    Returns:
        float32 array of shape (bins, frames), low frequencies first.

    Warns:
        UserWarning: where the picture was resized, because the way back is then approximate.
    """
    shape = (scale.bins, scale.frames or picture.shape[1])
    if picture.shape != shape:
        warnings.warn(
            f"the picture was resized from {shape[0]}x{shape[1]}; its magnitudes are approximate",
            stacklevel=2,
        )
        picture = _resized(picture, shape)
    darkness = 1 - picture[::-1].astype(np.float32) / 255
    magnitude = scale.reference * 10 ** ((darkness - 1) * np.float32(scale.range_db / 20))
    return np.where(darkness > 0, magnitude, 0).astype(np.float32)


def shared_scale(noisy: np.ndarray, sample_rate: int, *, n_fft: int, hop_length: int) -> Scale:
    """Return the scale of a sample's three pictures: the loudest bin of the noisy voice's STFT."""
    reference = float(np.abs(noisy[: n_fft // 2]).max())
    return Scale(sample_rate, n_fft, hop_length, reference, frames=noisy.shape[1])


def own_scale(spectrum: np.ndarray, sample_rate: int, *, n_fft: int, hop_length: int) -> Scale:
    """Return the scale of older recipes: from a picture's own quietest bin to its loudest."""
    magnitude = np.abs(spectrum[: n_fft // 2])
    loudest, quietest = float(magnitude.max()), float(magnitude.min())
    range_db = RANGE_DB
    if loudest > 0 and quietest > 0:
        range_db = min(RANGE_DB, max(20 * math.log10(loudest / quietest), 1e-3))
    frames = spectrum.shape[1]
    return Scale(sample_rate, n_fft, hop_length, loudest, range_db, "own", frames)


def write_picture(target: _LIKE_A_FILE, picture: np.ndarray, scale: Scale) -> None:
    """Write greys as a 512x512 PNG, resized where they have another size, with the scale in it."""
    resized = picture.shape != (PICTURE_SIZE, PICTURE_SIZE)
    text = {
        "sample_rate": str(scale.sample_rate),
        "n_fft": str(scale.n_fft),
        "hop_length": str(scale.hop_length),
        "reference": repr(scale.reference),
        "range_db": repr(scale.range_db),
        "scale": scale.scale,
        "resized": f"{picture.shape[0]}x{picture.shape[1]}" if resized else "no",
    }
    pixels = _resized(picture, (PICTURE_SIZE, PICTURE_SIZE)) if resized else picture
    data = png_bytes(pixels, text)
    if isinstance(target, str | Path):
        Path(target).write_bytes(data)
    else:
        target.write(data)


def read_picture(path: _LIKE_A_FILE) -> tuple[np.ndarray, Scale]:
    """Read a picture and its scale.

    Returns:
        The greys, uint8 of shape (512, 512), and the scale for `decode_picture`.

    Raises:
        UserError: if it is no picture or does not carry its scale.
    """
    try:
        with Image.open(path) as image:
            text = dict(getattr(image, "text", {}))
            picture = np.asarray(image.convert("L"))
    except OSError as error:
        raise UserError(f"{path} cannot be read as a picture: {error}.") from error
    try:
        resized = text["resized"]
        frames = None if resized == "no" else int(resized.split("x")[1])
        scale = Scale(
            sample_rate=int(text["sample_rate"]),
            n_fft=int(text["n_fft"]),
            hop_length=int(text["hop_length"]),
            reference=float(text["reference"]),
            range_db=float(text["range_db"]),
            scale=text["scale"],
            frames=frames,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(
            f"{path} does not say what its greys mean ({error}); another program wrote it."
        ) from error
    return picture, scale


def _mirrored(audio: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Mirror both ends, and cut what does not fill a hop."""
    whole = len(audio) // hop_length * hop_length
    before = (n_fft - hop_length) // 2
    after = n_fft - hop_length - before
    return np.pad(audio[:whole], (before, after), mode="reflect")


def _resized(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(picture).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)

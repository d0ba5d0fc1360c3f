"""The spectrogram denoiser: windows of sound to pictures, through the network, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.resampling import at_rate
from enhancement.windows import overlapped
from prepare_data.errors import UserError
from spectrogram_unet.gain import GainRule
from spectrogram_unet.geometry import Geometry
from spectrogram_unet.masking import Predictor, denoised_window

if TYPE_CHECKING:
    from spectrogram_unet.network import UNet

MODEL_NAME = "spectrogram-unet"
WEIGHTS_NAME = "spectrogram-unet.safetensors"

# Published networks come without the numbers of their pictures; these are that project's.
_PUBLISHED = {
    "sample_rate": 8000,
    "n_fft": 1024,
    "hop_length": 512,
    "picture_scale": "own",
    "seconds": 5.12,
}


class SpectrogramDenoiser(Denoiser):
    """Denoises by a picture model, at the rate the model was trained at.

    Args:
        predict: the noise picture of a noisy picture.
        geometry: of the pictures.
        rule: from predicted noise to gains.
        overlap: how much of a window is shared with the next, more than 0 and less than 1.
        grid_shift_seconds: how much earlier all windows but the first lie, less than the way from
            one to the next; where they lie should not matter.
    """

    name = MODEL_NAME
    lag_seconds = None

    def __init__(
        self,
        predict: Predictor,
        geometry: Geometry,
        rule: GainRule,
        *,
        overlap: float = 0.5,
        grid_shift_seconds: float = 0.0,
    ) -> None:
        if not 0 < overlap < 1:
            raise ValueError(f"overlap is {overlap}; it must be between 0 and 1")
        self.predict = predict
        self.geometry = geometry
        self.rule = rule
        self.overlap = overlap
        self.grid_shift_seconds = grid_shift_seconds

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording in constant memory; see `Denoiser`."""
        return at_rate(self._at_own_rate, blocks, sample_rate, self.geometry.sample_rate)

    def _at_own_rate(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        size = self.geometry.window_samples
        hops = max(1, round(self.geometry.frames * (1 - self.overlap)))
        stride = hops * self.geometry.hop_length
        shift = round(self.grid_shift_seconds * self.geometry.sample_rate)
        return overlapped(
            blocks, self._window, window=size, stride=stride, first_stride=stride - shift
        )

    def _window(self, audio: np.ndarray) -> np.ndarray:
        channels = [
            denoised_window(np.ascontiguousarray(channel), self.geometry, self.predict, self.rule)
            for channel in audio.T
        ]
        return np.stack(channels, axis=1)


def load_pretrained(
    path: Path | None = None,
    *,
    sample_rate: int | None = None,
    n_fft: int | None = None,
    hop_length: int | None = None,
    picture_scale: str | None = None,
    seconds: float | None = None,
    rule: str | None = None,
    beta: float | None = None,
    floor_db: float | None = None,
) -> SpectrogramDenoiser:
    """Load a spectrogram denoiser.

    Args:
        path: a checkpoint, or a published network's `.pt`; None for the weights that ship with
            this package.
        sample_rate: of the sound that a published network was trained on, in hertz.
        n_fft: window of its STFT in samples, 1024 by default.
        hop_length: its hop in samples, 512 by default.
        picture_scale: "own" (default) or "shared"; see `Geometry`.
        seconds: of sound in one of its pictures, 5.12 by default.
        rule: from predicted noise to gain, instead of the checkpoint's; see `GainRule`.
        beta: the same.
        floor_db: the same.

    Returns:
        The denoiser.

    Raises:
        UserError: if the file cannot be used or an option does not fit it.
    """
    numbers = {
        "sample_rate": sample_rate,
        "n_fft": n_fft,
        "hop_length": hop_length,
        "picture_scale": picture_scale,
        "seconds": seconds,
    }
    given = {name: value for name, value in numbers.items() if value is not None}
    if path is not None and path.suffix == ".pt":
        network, geometry = _published(path, given)
        chosen = GainRule()
    else:
        file = path or Path(str(files("spectrogram_unet") / "weights" / WEIGHTS_NAME))
        if given:
            option = "--" + next(iter(given)).replace("_", "-")
            raise UserError(f"{file} brings its own numbers; leave out {option}.")
        network, geometry, chosen = _checkpoint(file)
    asked: dict[str, Any] = {"rule": rule, "beta": beta, "floor_db": floor_db}
    chosen = replace(chosen, **{name: value for name, value in asked.items() if value is not None})
    return SpectrogramDenoiser(predictor(network), geometry, chosen)


load = load_pretrained
"""The name that the entry point expects."""


def predictor(network: UNet, *, bfloat16: bool | None = None) -> Predictor:
    """Return a function from a noisy picture's greys to the noise picture's.

    Args:
        network: moves to the accelerator, if there is one.
        bfloat16: whether to compute in it; None for where the machine does so itself, which is
            faster and moves a grey by half a step of its 8 bits on average.
    """
    import torch

    from enhancement.precision import has_bfloat16

    if bfloat16 is None:
        bfloat16 = has_bfloat16()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device, memory_format=torch.channels_last).eval()

    def predict(greys: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            picture = torch.tensor(greys, device=device)
            logits = network(picture[None, None].to(torch.float32) / 255)
            return torch.sigmoid(logits.float())[0, 0].cpu().numpy()

    return predict


def _checkpoint(path: Path) -> tuple[UNet, Geometry, GainRule]:
    from enhancement.checkpoints import check_model, load_strictly, load_weights
    from spectrogram_unet.network import UNet

    header, weights = load_weights(path)
    check_model(path, header, MODEL_NAME)
    config = header.config
    try:
        network = UNet(*(config[name] for name in ("in_channels", "num_classes", "base_channels")))
        names = ("n_fft", "hop_length", "frames", "picture_scale", "range_db")
        geometry = Geometry(header.sample_rate, **{name: config[name] for name in names})
        rule = GainRule(**config.get("gain", {}))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not say how its network is built: {error}.") from error
    load_strictly(network, {name: tensor.float() for name, tensor in weights.items()}, path)
    return network, geometry, rule


def _published(path: Path, given: dict[str, Any]) -> tuple[UNet, Geometry]:
    from enhancement.checkpoints import load_published, load_strictly
    from spectrogram_unet.network import UNet

    weights = load_published(path)
    try:
        base_channels, in_channels = weights["downconv1.double_conv.double_conv.0.weight"].shape[:2]
        num_classes = weights["out.weight"].shape[0]
    except KeyError as error:
        raise UserError(f"{path} holds no spectrogram U-Net: it has no {error}.") from error
    if (in_channels, num_classes) != (1, 1):
        raise UserError(
            f"{path} is a network from {in_channels} to {num_classes} channels; one grey picture "
            "to another is wanted."
        )
    network = UNet(in_channels, num_classes, base_channels)
    load_strictly(network, weights, path)
    numbers = {**_PUBLISHED, **given}
    seconds = numbers.pop("seconds")
    frames = round(seconds * numbers["sample_rate"] / numbers["hop_length"])
    return network, Geometry(frames=frames, **numbers)

"""The live denoiser: recordings of any length, and streams, at their own sample rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from enhancement.denoiser import Denoiser, Part, Recording
from prepare_data.errors import UserError
from waveform_unet_lru.live.core import Core, TorchCore
from waveform_unet_lru.live.side_by_side import denoised_side_by_side
from waveform_unet_lru.live.stream import Stream

MODEL_NAME = "live"
DEFAULT_WEIGHTS = "small"
Backend = Literal["onnx", "torch"]
_EXPORT = ".onnx"

# Saves a quarter of the time on onnxruntime and a tenth on PyTorch; eight would save 30 %. Each
# takes up to 30 MB, ten seconds of sound and its result (`benchmarks/bench_side_by_side.py`).
_AT_ONCE = 4


class LiveDenoiser(Denoiser):
    """Denoises recordings as it does live streams, frame by frame, with its state carried through.

    Args:
        core: the network.
    """

    name = MODEL_NAME

    def __init__(self, core: Core) -> None:
        self.core = core
        self.lag_seconds = 2 / core.config.frames_per_second

    def stream(self, sample_rate: int, channels: int = 1, *, whole_hops: bool = False) -> Stream:
        """Return a stream at rest; see `Stream`."""
        return Stream(self.core, sample_rate, channels, whole_hops=whole_hops)

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        """Denoise a recording in constant memory; see `Denoiser`.

        Raises:
            UserError: for sample rates out of 8000 to 48000 Hz.
        """
        stream: Stream | None = None
        early = 0
        for block in blocks:
            if stream is None:
                stream = self.stream(sample_rate, block.shape[1])
                early = stream.lag_samples
            denoised = stream.process(block)[early:]
            early -= min(early, len(block))
            yield denoised
        if stream is not None:
            yield stream.flush().reshape(-1, stream.channels)[early:]

    def denoise_several(self, recordings: Iterable[Recording]) -> Iterator[Part]:
        """Denoise several recordings at once; see `Denoiser`.

        The result of each is the one that `denoise_blocks` gives, but for the last bit at most.
        """
        return denoised_side_by_side(self.core, recordings, _AT_ONCE)


def load_pretrained(
    name_or_path: str | Path | None = None, *, backend: Backend | None = None
) -> LiveDenoiser:
    """Load a live denoiser.

    Args:
        name_or_path: the name of weights that ship with this package, a checkpoint, an ONNX file
            that was exported from one, or a training run's folder (its best checkpoint); None for
            "small".
        backend: "onnx" or "torch"; what the file is for if None, and "onnx" for shipped weights
            that are there in both forms.

    Returns:
        The denoiser.

    Raises:
        UserError: if there is no such file, it cannot be used, or the backend does not fit it.
    """
    from enhancement.registry import weights_path

    if name_or_path in (None, MODEL_NAME):
        name_or_path = DEFAULT_WEIGHTS
    return load(weights_path(name_or_path, exported=backend != "torch"), backend=backend)


def load(path: Path | None, *, backend: Backend | None = None) -> LiveDenoiser:
    """Load a denoiser for `enhancement.registry`; see `load_pretrained`."""
    if path is None:
        return load_pretrained(backend=backend)
    if path.suffix == _EXPORT:
        if backend == "torch":
            raise UserError(f"{path} runs on onnxruntime; name its checkpoint for --backend torch.")
        from waveform_unet_lru.live.onnx_core import OnnxCore

        return LiveDenoiser(OnnxCore(path))
    if backend == "onnx":
        raise UserError(
            f"{path} runs on PyTorch; make an .onnx file of it first: "
            f"python -m waveform_unet_lru export {path} --out FILE{_EXPORT}"
        )
    from waveform_unet_lru.live.checkpoint import load_network

    return LiveDenoiser(TorchCore(load_network(path)[1]))

"""Export of a live model as ONNX: the graph, what it says about itself, the proof that it is right.

The file is one frame's network with its states as inputs and outputs. The transform before and
after it, which is a few lines in any language, is described in the metadata.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from enhancement.checkpoints import Header
from enhancement.onnx_files import SUFFIX, header_metadata
from prepare_data.errors import UserError
from prepare_data.files import explained, write_whole
from waveform_unet_lru.live.config import BINS, FRAME_SECONDS, LiveConfig
from waveform_unet_lru.live.core import Core, State, TorchCore
from waveform_unet_lru.live.onnx_core import OnnxCore

if TYPE_CHECKING:
    from onnx import ModelProto

_CHECKED_SECONDS = 20
_LARGEST_DIFFERENCE = 1e-4
_LEVEL_SECONDS = 0.25
_LEVELS = (-6.0, -1.0)  # of a bin, as powers of 10


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        nodes: operators in the graph.
        size: of the file in bytes.
        difference: from PyTorch, the largest of all masks and of the last states, relative to the
            largest number there if that is above 1.
    """

    nodes: int
    size: int
    difference: float


def export(source: Path, out: Path) -> Exported:
    """Write a checkpoint's network as ONNX, whole or not at all.

    Args:
        source: a `.safetensors` checkpoint of a live model.
        out: where to write, `*.onnx`; its folder is made if need be.

    Raises:
        UserError: if the checkpoint cannot be used, the package onnx is missing, the graph computes
            something else than PyTorch, or the file cannot be written.
    """
    if out.suffix != SUFFIX:
        raise UserError(f"--out {out} must end in {SUFFIX}.")
    _require_onnx()
    from waveform_unet_lru.live.checkpoint import load_network
    from waveform_unet_lru.live.onnx_graph import live_graph

    header, network = load_network(source)
    expected = TorchCore(network)
    model = live_graph(network)
    _describe(model, header, network.config)
    content = model.SerializeToString()
    opened = _opened(content)
    difference = compare(expected, opened)
    if not difference <= _LARGEST_DIFFERENCE:
        # A long stretch at once rounds otherwise than frame after frame, which is what a stream is.
        difference = compare(expected, opened, frame_by_frame=True)
    if not difference <= _LARGEST_DIFFERENCE:
        raise UserError(
            f"{out} was not written: the ONNX form of {source} differs from PyTorch by "
            f"{difference:.1e}, more than {_LARGEST_DIFFERENCE:.0e}; are its weights sound?"
        )
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, content)
    return Exported(len(model.graph.node), len(content), difference)


def compare(
    expected: Core,
    given: Core,
    *,
    seconds: float = _CHECKED_SECONDS,
    frame_by_frame: bool = False,
) -> float:
    """Return by how much two cores differ over sounds of many levels, see `Exported`.

    Args:
        expected: the one that is right.
        given: the other one.
        seconds: of sound.
        frame_by_frame: whether `expected` is to take single frames, which takes it longer.
    """
    frames = round(seconds * expected.config.frames_per_second)
    spectrum = _sounds(frames, round(_LEVEL_SECONDS * expected.config.frames_per_second))
    mask, state = _answer(expected, spectrum, at_once=1 if frame_by_frame else frames)
    other_mask, other_state = given(spectrum, given.initial_state(1))
    pairs = zip((mask, *state), (other_mask, *other_state), strict=True)
    return max(_difference(*pair) for pair in pairs)


def _answer(core: Core, spectrum: np.ndarray, *, at_once: int) -> tuple[np.ndarray, State]:
    state, masks = core.initial_state(1), []
    for start in range(0, spectrum.shape[1], at_once):
        mask, state = core(spectrum[:, start : start + at_once], state)
        masks.append(mask)
    return np.concatenate(masks, axis=1), state


def _difference(expected: np.ndarray, given: np.ndarray) -> float:
    return float(np.abs(given - expected).max() / max(1.0, np.abs(expected).max()))


def _sounds(frames: int, frames_per_level: int) -> np.ndarray:
    """Return spectra of noise, at rest first, whose bins each change their level now and then."""
    random = np.random.default_rng(0)
    count = -(-frames // frames_per_level)
    levels = 10 ** random.uniform(*_LEVELS, (count, BINS, 1))
    levels[0] = 0
    noise = random.standard_normal((frames, BINS, 2))
    return (np.repeat(levels, frames_per_level, axis=0)[:frames] * noise).astype(np.float32)[None]


def _opened(content: bytes) -> OnnxCore:
    """Open a model as its users do, from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"exported{SUFFIX}"
        path.write_bytes(content)
        return OnnxCore(path)


def _describe(model: ModelProto, header: Header, config: LiveConfig) -> None:
    """Say in the metadata what the model is, and what spectrum it wants at any sample rate."""
    from onnx import helper

    front_end: dict[str, Any] = {
        "frame_seconds": FRAME_SECONDS,
        "hop_seconds": 1 / config.frames_per_second,
        "bins": BINS,
        "scale": "1 / n_fft",
        "analysis": "square root of a Hann window, periodic",
        "synthesis": "the same",
    }
    if config.window == "16ms":
        front_end["analysis"] = "sine over all but the last hop, cosine over that"
        front_end["synthesis"] = "of two hops: Hann window, divided by the analysis window"
    metadata = {**header_metadata(header), "front_end": json.dumps(front_end)}
    helper.set_model_props(model, metadata)


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401 (only asked for)
    except ImportError as error:
        raise UserError(
            "export needs the package onnx, which is not installed: "
            "pip install 'voice-from-noise[export]'."
        ) from error

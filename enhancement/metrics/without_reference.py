"""DNSMOS P.835: a network's guess at what listeners would say, without the clean voice."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from enhancement.metrics.pairs import at_rate, checked

_RATE = 16_000
_WINDOW = int(9.01 * _RATE)
_HOP = _RATE
_TO_SCALE = {  # the network's outputs in their order, and polynomials from them to the scale
    "dnsmos_sig": (-0.08397278, 1.22083953, 0.0052439),
    "dnsmos_bak": (-0.13166888, 1.60915514, -0.39604546),
    "dnsmos_ovrl": (-0.06766283, 1.11546468, 0.04602535),
}


def dnsmos(estimate: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Predict the ratings of ITU-T P.835 (DNSMOS P.835, Reddy et al. 2022).

    The network listens to 9.01 s at a time, a second apart; shorter recordings are repeated until
    they are as long. It comes with the package speechmos; onnxruntime runs it on one thread.

    Args:
        estimate: shape (samples,), full scale at 1; what lies beyond is cut, as in a 16-bit file.
        sample_rate: in hertz; from any other than 16000 it is resampled by soxr.

    Returns:
        "dnsmos_sig" (the voice), "dnsmos_bak" (the background) and "dnsmos_ovrl" (the whole), from
        about 1 to 5.

    Raises:
        ValueError: if the shape is not (samples,), a sample is no finite number, or it is silent.
    """
    audio = checked(estimate, "the estimate")
    if not audio.any():
        raise ValueError("the estimate is silent")
    audio = np.clip(at_rate(audio, sample_rate, _RATE), -1, 1).astype(np.float32)
    while len(audio) < _WINDOW:
        audio = np.tile(audio, 2)
    starts = range(0, len(audio) - _WINDOW + 1, _HOP)
    windows = (audio[start : start + _WINDOW] for start in starts)
    outputs = np.stack([_session().run(None, {"input_1": one[None]})[0][0] for one in windows])
    return {
        name: float(np.mean(np.polyval(polynomial, outputs[:, index])))
        for index, (name, polynomial) in enumerate(_TO_SCALE.items())
    }


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(model_path()), options, providers=["CPUExecutionProvider"]
    )


def model_path() -> Path:
    """Return the network's file in the package speechmos, which importing would load librosa.

    Raises:
        ModuleNotFoundError: if the package is not installed.
    """
    package = find_spec("speechmos")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package speechmos is not installed", name="speechmos")
    return Path(package.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"

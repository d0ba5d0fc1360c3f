"""`python -m spectrogram_unet evaluate`: SI-SDR gains on a split, beside the oracle's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from enhancement.evaluation.cli import SUMMARY as SUMMARY
from enhancement.evaluation.cli import add_evaluation_arguments, chosen_samples, evaluate

if TYPE_CHECKING:
    import numpy as np

    from prepare_data.dataset import Sample
    from spectrogram_unet.denoise import SpectrogramDenoiser
    from spectrogram_unet.gain import GainRule
    from spectrogram_unet.geometry import Geometry
    from spectrogram_unet.masking import Predictor

_BETAS = (1.0, 1.5, 2.0, 3.0)
_FLOORS_DB = (-15.0, -20.0, -30.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    add_evaluation_arguments(parser)
    add = parser.add_argument
    add("--sweep", action="store_true", help="compare gain rules instead (on val)")
    for name, kind in (("rule", str), ("beta", float), ("floor-db", float)):
        add(f"--{name}", type=kind, help="instead of the checkpoint's")


def command(namespace: argparse.Namespace) -> int:
    """Run `evaluate`.

    Raises:
        UserError: if the data set or the model cannot be used.
    """
    from enhancement.registry import checkpoint_path
    from spectrogram_unet.denoise import load

    path = checkpoint_path(namespace.model) if namespace.model else None
    denoiser = load(path, rule=namespace.rule, beta=namespace.beta, floor_db=namespace.floor_db)
    if namespace.sweep:
        print(_sweep_text(sweep(denoiser, chosen_samples(namespace))))
        return 0
    return evaluate(
        namespace,
        denoiser,
        ceiling=lambda sample: best_possible(sample, denoiser.geometry),
        about={"rule": denoiser.rule.plain()},
    )


def best_possible(sample: Sample, geometry: Geometry) -> np.ndarray:
    """Denoise a sample with its true noise picture: float32 of shape (samples,)."""
    from enhancement.evaluation.gains import noisy_and_voice
    from spectrogram_unet.known_noise import oracle

    noisy, _, rate = noisy_and_voice(sample)
    return oracle(noisy, sample.audio("noise"), rate, geometry=geometry)


def sweep(
    denoiser: SpectrogramDenoiser, samples: Sequence[Sample]
) -> dict[GainRule, dict[float, list[float]]]:
    """Return for each gain rule the gains in SI-SDR by input SNR; the network runs once."""
    from itertools import product

    from tqdm import tqdm

    from enhancement.evaluation.gains import gains, noisy_and_voice
    from spectrogram_unet.denoise import SpectrogramDenoiser
    from spectrogram_unet.gain import RULES, GainRule

    rules = [GainRule(*each) for each in product(RULES, _BETAS, _FLOORS_DB)]
    found: dict[GainRule, dict[float, list[float]]] = {rule: {} for rule in rules}
    remembering = _Remembering(denoiser.predict)
    for sample in tqdm(samples, "denoising", disable=None):
        noisy, voice, rate = noisy_and_voice(sample)
        remembering.forget()
        for rule in rules:
            other = SpectrogramDenoiser(remembering, denoiser.geometry, rule)
            gain = gains(voice, noisy, other.denoise(noisy, rate), rate)["gain_db"]
            found[rule].setdefault(sample.line["snr_db"], []).append(gain)
    return found


class _Remembering:
    """A predictor that runs once for each picture of a recording."""

    def __init__(self, predict: Predictor) -> None:
        self._predict = predict
        self._known: dict[bytes, np.ndarray] = {}

    def __call__(self, greys: np.ndarray) -> np.ndarray:
        key = greys.tobytes()
        if key not in self._known:
            self._known[key] = self._predict(greys)
        return self._known[key]

    def forget(self) -> None:
        """Make room for another recording."""
        self._known.clear()


def _sweep_text(found: dict[GainRule, dict[float, list[float]]]) -> str:
    """Return a table, the best mean gain first."""
    import numpy as np

    snrs = sorted(next(iter(found.values())))
    lines = ["rule         beta  floor   mean" + "".join(f"{snr:8g}" for snr in snrs)]
    means = {rule: [float(np.mean(by_snr[snr])) for snr in snrs] for rule, by_snr in found.items()}
    for rule, gains in sorted(means.items(), key=lambda item: -sum(item[1])):
        cells = "".join(f"{gain:8.2f}" for gain in gains)
        mean = sum(gains) / len(gains)
        lines.append(f"{rule.rule:<12}{rule.beta:5g}{rule.floor_db:7g}{mean:7.2f}{cells}")
    return "\n".join(lines)

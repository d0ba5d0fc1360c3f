"""`python -m spectrogram_unet evaluate`: SI-SDR gains on a split, beside the oracle's."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from prepare_data.dataset import Sample
    from spectrogram_unet.denoise import SpectrogramDenoiser
    from spectrogram_unet.gain import GainRule
    from spectrogram_unet.masking import Predictor

SUMMARY = "measure the gain in SI-SDR on a data set"
_BETAS = (1.0, 1.5, 2.0, 3.0)
_FLOORS_DB = (-15.0, -20.0, -30.0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    parser.description = (
        "Measure how much the denoiser raises SI-SDR, by input SNR, over whole clips and over "
        "active speech alone, with 95 % intervals that resample speakers and noise sources."
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="data set of prepare_data")
    add("--split", choices=("train", "val", "test"), default="val", help="(default: %(default)s)")
    add("--model", metavar="PATH", help="checkpoint or run (default: the shipped weights)")
    add("--limit", type=int, metavar="N", help="the first N samples only")
    add("--out", type=Path, metavar="JSON", help="write the numbers there too")
    add("--sweep", action="store_true", help="compare gain rules instead (on val)")
    for name, kind in (("rule", str), ("beta", float), ("floor-db", float)):
        add(f"--{name}", type=kind, help="instead of the checkpoint's")


def command(namespace: argparse.Namespace) -> int:
    """Run `evaluate`.

    Raises:
        UserError: if the data set or the model cannot be used.
    """
    from itertools import islice

    from enhancement.registry import checkpoint_path
    from prepare_data.dataset import DataSet
    from prepare_data.files import write_json
    from spectrogram_unet.denoise import load
    from spectrogram_unet.intervals import table, text

    path = checkpoint_path(namespace.model) if namespace.model else None
    denoiser = load(path, rule=namespace.rule, beta=namespace.beta, floor_db=namespace.floor_db)
    samples = list(islice(DataSet(namespace.data).samples(namespace.split), namespace.limit))
    if not samples:
        raise UserError(f"{namespace.data} has no samples in {namespace.split}.")
    if namespace.sweep:
        print(_sweep_text(sweep(denoiser, samples)))
        return 0
    result = table(list(measured(denoiser, samples)))
    print(text(result))
    if namespace.out:
        write_json(namespace.out, {"rule": denoiser.rule.plain(), "rows": result})
    return 0


def measured(denoiser: SpectrogramDenoiser, samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    """Denoise samples and yield, for each, its SNR, sources and gains in decibels."""
    from tqdm import tqdm

    from spectrogram_unet.known_noise import oracle

    for sample in tqdm(samples, "denoising", disable=None):
        noisy, voice = sample.audio("noisy_voice"), sample.audio("voice")
        rate = _sample_rate(sample)
        best = oracle(noisy, sample.audio("noise"), rate, geometry=denoiser.geometry)
        gains = _gains(voice, noisy, denoiser.denoise(noisy, rate), rate)
        ceilings = _gains(voice, noisy, best, rate)
        yield {
            "id": sample.id,
            "snr_db": sample.line["snr_db"],
            "speaker": sample.line["voice"][0]["source"],
            "noises": sorted({entry["source"] for entry in sample.line["noises"]}),
            **gains,
            "oracle_gain_db": ceilings["gain_db"],
            "oracle_active_gain_db": ceilings["active_gain_db"],
        }


def sweep(
    denoiser: SpectrogramDenoiser, samples: Sequence[Sample]
) -> dict[GainRule, dict[float, list[float]]]:
    """Return for each gain rule the gains in SI-SDR by input SNR; the network runs once."""
    from itertools import product

    from tqdm import tqdm

    from spectrogram_unet.denoise import SpectrogramDenoiser
    from spectrogram_unet.gain import RULES, GainRule

    rules = [GainRule(*each) for each in product(RULES, _BETAS, _FLOORS_DB)]
    found: dict[GainRule, dict[float, list[float]]] = {rule: {} for rule in rules}
    remembering = _Remembering(denoiser.predict)
    for sample in tqdm(samples, "denoising", disable=None):
        noisy, voice = sample.audio("noisy_voice"), sample.audio("voice")
        rate = _sample_rate(sample)
        remembering.forget()
        for rule in rules:
            other = SpectrogramDenoiser(remembering, denoiser.geometry, rule)
            gain = _gains(voice, noisy, other.denoise(noisy, rate), rate)["gain_db"]
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


def _gains(
    voice: np.ndarray, noisy: np.ndarray, estimate: np.ndarray, rate: int
) -> dict[str, float]:
    from enhancement.metrics import active_si_sdr, si_sdr

    noisy_db = si_sdr(voice, noisy)
    active_db = active_si_sdr(voice, noisy, rate)
    return {
        "noisy_db": noisy_db,
        "gain_db": si_sdr(voice, estimate) - noisy_db,
        "active_gain_db": active_si_sdr(voice, estimate, rate) - active_db,
    }


def _sample_rate(sample: Sample) -> int:
    import soundfile

    return int(soundfile.info(sample.audio_path("noisy_voice")).samplerate)


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

"""A data set of tones whose gains can be worked out by hand, and a denoiser that knows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from enhancement.denoiser import Denoiser
from prepare_data.dataset import DESCRIPTION_NAME, MANIFEST_NAME
from prepare_data.settings import FORMAT_VERSION, Settings

RATE = 16_000
_TIME = np.arange(RATE) / RATE
VOICE = 0.1 * np.sin(2 * np.pi * 400 * _TIME)
"""A second at full level; active all the time."""


def noise_at(snr_db: float) -> np.ndarray:
    """A tone at right angles to the voice: SNR and SI-SDR are the same."""
    return 0.1 * 10 ** (-snr_db / 20) * np.sin(2 * np.pi * 1000 * _TIME)


def write_small_set(folder: Path, snrs_db: Sequence[float] = (0.0, 0.0, 10.0)) -> Path:
    """Write a data set with one test sample at each of these SNRs."""
    manifest = []
    for index, snr_db in enumerate(snrs_db):
        line = {
            "id": f"{index:06d}",
            "split": "test",
            "snr_db": snr_db,
            "voice": [{"source": f"speaker {index % 2}"}],
            "noises": [{"source": f"noise {index}"}],
        }
        manifest.append(json.dumps(line) + "\n")
        noise = noise_at(snr_db)
        for kind, audio in (("voice", VOICE), ("noise", noise), ("noisy_voice", VOICE + noise)):
            path = folder / "test" / "audio" / kind / f"{index:06d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, audio, RATE, subtype="FLOAT")
    description = {
        "format_version": FORMAT_VERSION,
        "complete": True,
        "settings": Settings(spectrograms=False).to_json(),
        "counts": {"all": len(snrs_db)},
    }
    (folder / DESCRIPTION_NAME).write_text(json.dumps(description))
    (folder / MANIFEST_NAME).write_text("".join(manifest))
    return folder


class Knowing(Denoiser):
    """Turns the noise down by 20 dB, because it knows the voice; mutes the recordings in `muted`.

    Attributes:
        rates: that it was called with.
    """

    name = "knowing"

    def __init__(self, muted: Iterable[int] = ()) -> None:
        self.rates: list[int] = []
        self._muted = set(muted)

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        noisy = np.concatenate(list(blocks))[:, 0]
        kept = 0.0 if len(self.rates) in self._muted else 1.0
        self.rates.append(sample_rate)
        yield (kept * (VOICE + 0.1 * (noisy - VOICE)))[:, None].astype(np.float32)

"""The composite measures of Hu and Loizou: what listeners would say, from four other measures."""

from __future__ import annotations

import numpy as np

from enhancement.metrics.llr import log_likelihood_ratio
from enhancement.metrics.pairs import at_rate, heard_pair
from enhancement.metrics.perceptual import wb_pesq
from enhancement.metrics.segmental import segmental_snr
from enhancement.metrics.wss import weighted_spectral_slope

_RATE = 16_000


def composite(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Predict ratings of signal distortion, background intrusion and overall quality.

    The regressions of Hu and Loizou (2008) on PESQ, log likelihood ratio, weighted spectral slope
    and segmental SNR, held between 1 and 5. They were fitted with narrowband PESQ; here it is the
    wideband one at 16 kHz, as in nearly all papers that report them on VoiceBank+DEMAND.

    Args:
        clean: the clean voice, shape (samples,), full scale at 1.
        estimate: the same shape.
        sample_rate: in hertz; from any other than 16000 both are resampled by soxr.

    Returns:
        "csig", "cbak" and "covl", from 1 to 5, and "wb_pesq", which they are made of.

    Raises:
        ValueError: see `wb_pesq`.
    """
    clean, estimate = (at_rate(audio, sample_rate, _RATE) for audio in heard_pair(clean, estimate))
    pesq = wb_pesq(clean, estimate, _RATE)
    llr = log_likelihood_ratio(clean, estimate, _RATE)
    wss = weighted_spectral_slope(clean, estimate, _RATE)
    snr_db = segmental_snr(clean, estimate, _RATE)
    ratings = {
        "csig": 3.093 - 1.029 * llr + 0.603 * pesq - 0.009 * wss,
        "cbak": 1.634 + 0.478 * pesq - 0.007 * wss + 0.063 * snr_db,
        "covl": 1.594 + 0.805 * pesq - 0.512 * llr - 0.007 * wss,
    }
    held = {name: float(np.clip(rating, 1, 5)) for name, rating in ratings.items()}
    return {**held, "wb_pesq": pesq}

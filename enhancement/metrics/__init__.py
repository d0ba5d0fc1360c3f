"""How good an estimate of a clean voice is.

- `ratios`: SI-SDR and SNR, in decibels, over everything or over active speech.
- `frames`, `segmental`, `llr`, `wss`: segmental SNR and the two spectral distances of the
  composite measures, frame by frame.
- `perceptual`: PESQ and STOI, from the packages of the extra `eval`.
- `ratings`: CSIG, CBAK and COVL.
- `without_reference`: DNSMOS P.835, which needs no clean voice.
- `catalog`: all of them under their names.
"""

from enhancement.metrics.catalog import METRICS, Metric, chosen_metrics, measure
from enhancement.metrics.llr import log_likelihood_ratio
from enhancement.metrics.perceptual import estoi, nb_pesq, stoi, wb_pesq
from enhancement.metrics.ratings import composite
from enhancement.metrics.ratios import (
    active_samples,
    active_si_sdr,
    calculate_snr,
    si_sdr,
    snr,
)
from enhancement.metrics.segmental import segmental_snr
from enhancement.metrics.without_reference import dnsmos
from enhancement.metrics.wss import weighted_spectral_slope

__all__ = [
    "METRICS",
    "Metric",
    "active_samples",
    "active_si_sdr",
    "calculate_snr",
    "chosen_metrics",
    "composite",
    "dnsmos",
    "estoi",
    "log_likelihood_ratio",
    "measure",
    "nb_pesq",
    "segmental_snr",
    "si_sdr",
    "snr",
    "stoi",
    "wb_pesq",
    "weighted_spectral_slope",
]

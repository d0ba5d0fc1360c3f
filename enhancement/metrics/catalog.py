"""All metrics under their names, for commands and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from enhancement.metrics import ratios
from enhancement.metrics.perceptual import estoi, nb_pesq, stoi, wb_pesq
from enhancement.metrics.ratings import composite
from enhancement.metrics.segmental import segmental_snr
from enhancement.metrics.without_reference import dnsmos
from prepare_data.errors import UserError

Function = Callable[[np.ndarray, np.ndarray, int], float | dict[str, float]]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: in options, tables and files.
        label: for people.
        unit: such as "dB"; empty where there is none.
        digits: after the point that are worth showing.
        function: of the clean voice and the estimate, both of shape (samples,), and the sample
            rate; gives the value, or several metrics' values by name. The clean voice may be None
            where none is needed. Raises ValueError where the metric has no answer.
        needs_reference: whether the clean voice is needed.
        better: "higher" or "lower".
        packages: that measure it, beyond the base installation.
    """

    name: str
    label: str
    unit: str
    digits: int
    function: Function
    needs_reference: bool = True
    better: str = "higher"
    packages: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


def _si_sdr(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    return ratios.si_sdr(clean, estimate)


def _snr(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> float:
    return ratios.snr(clean, estimate)


def _dnsmos(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> dict[str, float]:
    return dnsmos(estimate, sample_rate)


_ALL = (
    Metric("si_sdr", "SI-SDR", "dB", 2, _si_sdr),
    Metric("active_si_sdr", "SI-SDR, active speech", "dB", 2, ratios.active_si_sdr),
    Metric("snr", "SNR", "dB", 2, _snr),
    Metric("seg_snr", "segmental SNR", "dB", 2, segmental_snr),
    Metric("wb_pesq", "WB-PESQ", "", 2, wb_pesq, packages=("pesq",)),
    Metric("nb_pesq", "NB-PESQ", "", 2, nb_pesq, packages=("pesq",)),
    Metric("stoi", "STOI", "", 3, stoi, packages=("pystoi",)),
    Metric("estoi", "ESTOI", "", 3, estoi, packages=("pystoi",)),
    Metric("csig", "CSIG", "", 2, composite, packages=("pesq",)),
    Metric("cbak", "CBAK", "", 2, composite, packages=("pesq",)),
    Metric("covl", "COVL", "", 2, composite, packages=("pesq",)),
    Metric("dnsmos_sig", "DNSMOS SIG", "", 2, _dnsmos, False, packages=("speechmos",)),
    Metric("dnsmos_bak", "DNSMOS BAK", "", 2, _dnsmos, False, packages=("speechmos",)),
    Metric("dnsmos_ovrl", "DNSMOS OVRL", "", 2, _dnsmos, False, packages=("speechmos",)),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""All metrics by name, in the order of tables."""


def chosen_metrics(names: Iterable[str]) -> list[Metric]:
    """Return metrics by name, each once, in the order of `METRICS`.

    Raises:
        UserError: if a name is not known, or a metric's package is not installed.
    """
    wanted = set(names)
    if unknown := sorted(wanted - METRICS.keys()):
        raise UserError(f"{unknown[0]} is not a known metric ({', '.join(METRICS)}).")
    chosen = [metric for metric in METRICS.values() if metric.name in wanted]
    if lacking := [metric for metric in chosen if metric.missing]:
        packages = dict.fromkeys(package for metric in lacking for package in metric.missing)
        there = [metric.name for metric in METRICS.values() if not metric.missing]
        raise UserError(
            f"{', '.join(metric.name for metric in lacking)} cannot be measured, because "
            f"{', '.join(packages)} is not installed: pip install 'voice-from-noise[eval]'; "
            f"without it there are {', '.join(there)}."
        )
    return chosen


def measure(
    metrics: Sequence[Metric],
    clean: np.ndarray | None,
    estimate: np.ndarray,
    sample_rate: int,
) -> tuple[dict[str, float], dict[str, str]]:
    """Measure an estimate by several metrics, what they share only once.

    Args:
        metrics: to measure by.
        clean: the clean voice, shape (samples,); None where there is none.
        estimate: shape (samples,).
        sample_rate: in hertz.

    Returns:
        The finite values by name, and for each other metric the reason why it has no value.
    """
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    results: dict[Function, dict[str, float] | str] = {}
    # Several values at once first: they may hold what another metric asks for.
    for metric in sorted(metrics, key=lambda each: each.function is not composite):
        if metric.name in values:
            continue
        if metric.function not in results:
            results[metric.function] = _result(metric, clean, estimate, sample_rate)
        result = results[metric.function]
        if isinstance(result, str):
            reasons[metric.name] = result
            continue
        values |= result
    wanted = [metric.name for metric in metrics]
    for name, value in values.items():
        if name in wanted and not np.isfinite(value):
            reasons[name] = f"it is {value}: one of the two is silent, or they are the same"
    return {name: values[name] for name in wanted if name not in reasons}, reasons


def _result(
    metric: Metric, clean: np.ndarray | None, estimate: np.ndarray, sample_rate: int
) -> dict[str, float] | str:
    """Return the values by name, or why there are none."""
    if metric.needs_reference and clean is None:
        return "it needs the clean voice"
    try:
        found = metric.function(clean, estimate, sample_rate)  # type: ignore[arg-type]
    except ValueError as error:
        return str(error)
    except Exception as error:  # a package's own fault is the clip's, not the run's
        return f"{type(error).__name__}: {error}"
    return found if isinstance(found, dict) else {metric.name: found}

"""Metrics by name: which there are, what is missing, and why one has no value."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from enhancement.evaluation import compare
from enhancement.metrics import METRICS, Metric, catalog, chosen_metrics, measure, si_sdr
from prepare_data.errors import UserError

RATE = 16_000
VOICE = np.random.default_rng(0).standard_normal(RATE) / 10
NOISY = VOICE + np.random.default_rng(1).standard_normal(RATE) / 100
FREE = ("si_sdr", "active_si_sdr", "snr", "seg_snr")


def test_the_command_lists_every_metric() -> None:
    assert compare.NAMES.split() == list(METRICS)
    for names in (compare.DEFAULT_METRICS, compare.VOICEBANK_METRICS, compare.BLIND_METRICS):
        assert set(names) <= METRICS.keys()
    assert not any(METRICS[name].needs_reference for name in compare.BLIND_METRICS)


def test_metrics_come_in_the_order_of_tables_each_once() -> None:
    assert [metric.name for metric in chosen_metrics(["snr", "si_sdr", "snr"])] == ["si_sdr", "snr"]
    with pytest.raises(UserError, match=r"psnr is not a known metric \(si_sdr"):
        chosen_metrics(["psnr", "snr"])


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = ("pesq", "speechmos", "pystoi")
    monkeypatch.setattr(catalog, "find_spec", lambda name: None if name in hidden else object())
    with pytest.raises(UserError) as caught:
        chosen_metrics(["si_sdr", "wb_pesq", "csig", "stoi"])
    assert str(caught.value) == (
        "wb_pesq, stoi, csig cannot be measured, because pesq, pystoi is not installed: "
        "pip install 'voice-from-noise[eval]'; without it there are "
        "si_sdr, active_si_sdr, snr, seg_snr."
    )
    assert len(chosen_metrics(FREE)) == 4


def test_values_and_reasons() -> None:
    metrics = chosen_metrics(FREE)
    values, reasons = measure(metrics, VOICE, NOISY, RATE)
    assert list(values) == list(FREE) and not reasons
    assert values["si_sdr"] == pytest.approx(si_sdr(VOICE, NOISY))
    values, reasons = measure(metrics, VOICE, VOICE, RATE)
    assert list(values) == ["seg_snr"] and reasons["si_sdr"].startswith("it is inf")
    values, reasons = measure(metrics, VOICE, np.zeros(RATE), RATE)
    assert list(values) == ["snr", "seg_snr"] and set(reasons) == {"si_sdr", "active_si_sdr"}
    values, reasons = measure(metrics, VOICE, np.full(RATE, np.nan), RATE)
    assert not values and all("not numbers" in reason for reason in reasons.values())
    values, reasons = measure(metrics, VOICE, VOICE[1:], RATE)
    assert not values and all("as many samples" in reason for reason in reasons.values())
    values, reasons = measure(metrics, None, NOISY, RATE)
    assert not values and set(reasons.values()) == {"it needs the clean voice"}


def test_a_function_of_several_metrics_runs_once_and_its_fault_is_told_for_each() -> None:
    calls = []

    def both(clean: np.ndarray, estimate: np.ndarray, sample_rate: int) -> dict[str, float]:
        calls.append(sample_rate)
        if not estimate.any():
            raise ZeroDivisionError("by silence")
        return {"one": 1.0, "two": 2.0, "three": 3.0}

    metrics = [Metric(name, name, "", 2, both) for name in ("one", "two")]
    assert measure(metrics, VOICE, NOISY, RATE) == ({"one": 1.0, "two": 2.0}, {})
    assert calls == [RATE]
    _, reasons = measure(metrics, VOICE, np.zeros(RATE), RATE)
    assert reasons == dict.fromkeys(("one", "two"), "ZeroDivisionError: by silence")


def test_pesq_is_measured_once_for_all_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pesq = pytest.importorskip("pesq", reason="pesq is not installed (the extra eval)")
    calls = []

    def counted(*arguments: object) -> float:
        calls.append(arguments)
        return 2.5

    monkeypatch.setattr(pesq, "pesq", counted)
    values, _ = measure(chosen_metrics(["wb_pesq", "csig", "covl"]), VOICE, NOISY, RATE)
    assert values["wb_pesq"] == 2.5 and len(calls) == 1


def test_importing_the_metrics_imports_no_package_that_measures() -> None:
    check = (
        "import sys, enhancement.metrics; "
        "sys.exit(any(name in sys.modules for name in "
        "('pesq', 'pystoi', 'speechmos', 'torch', 'librosa', 'scipy.signal')))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

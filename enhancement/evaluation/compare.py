"""`python -m enhancement evaluate`: systems side by side on the same clips, by many metrics.

Nothing heavy is imported here.
"""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from enhancement.evaluation.clips import ClipSet
    from enhancement.evaluation.systems import System

SUMMARY = "compare models, folders of results and baselines by many metrics"

DEFAULT_METRICS = ("si_sdr", "active_si_sdr", "snr", "seg_snr", "wb_pesq", "stoi", "estoi")
VOICEBANK_METRICS = ("wb_pesq", "csig", "cbak", "covl", "stoi", "si_sdr")
BLIND_METRICS = ("dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl")
NAMES = (
    "si_sdr active_si_sdr snr seg_snr wb_pesq nb_pesq stoi estoi csig cbak covl "
    "dnsmos_sig dnsmos_bak dnsmos_ovrl"
)

_DESCRIPTION = """\
Run systems over the same noisy recordings and measure what comes out, beside the untouched input:
means with 95 % intervals that resample speakers and noise sources, gains, and times. Of several
channels the mean is measured. Each process computes on one thread, and the real-time factors are
of the processor's time; where they matter little else should run (--jobs 1). A run that was stopped
goes on where it was."""

_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    parser.description = _DESCRIPTION
    data = parser.add_argument_group("what to measure on")
    data.add_argument("--data", type=Path, metavar="DIR", help="data set of prepare_data")
    data.add_argument(
        "--split", choices=("train", "val", "test"), default="test", help="(default: %(default)s)"
    )
    data.add_argument("--noisy", type=Path, metavar="DIR", help="or: folder of noisy recordings")
    data.add_argument(
        "--clean",
        type=Path,
        metavar="DIR",
        help="folder of the clean voices, called as the noisy ones; without it, only DNSMOS",
    )
    data.add_argument(
        "--preset",
        choices=("voicebank",),
        help="with --clean and --noisy of VoiceBank+DEMAND's test set: the published protocol "
        f"(824 clips at 16 kHz; {' '.join(VOICEBANK_METRICS)})",
    )
    data.add_argument("--limit", type=int, metavar="N", help="only N clips, spread evenly")
    what = parser.add_argument_group("what to measure")
    what.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="NAME=SOURCE",
        help="an installed model, a checkpoint (a published .pt file as MODEL:FILE), a training "
        "run's folder, or a folder of results called as the clips are; may be repeated",
    )
    what.add_argument(
        "--baselines",
        action="store_true",
        help="add RNNoise and noisereduce where installed, and the oracle of the spectrograms",
    )
    what.add_argument(
        "--metrics",
        nargs="+",
        metavar="NAME",
        help=f"all, or some of {NAMES} (default: {' '.join(DEFAULT_METRICS)})",
    )
    what.add_argument("--reference", metavar="NAME", help="set the others against this system too")
    where = parser.add_argument_group("where and how")
    where.add_argument(
        "--out", type=Path, default=Path("runs/evaluation"), metavar="DIR", help="%(default)s"
    )
    where.add_argument("--jobs", type=int, metavar="N", help="processes (default: one a core)")
    where.add_argument("--report", action="store_true", help="write the listening report too")


def command(namespace: argparse.Namespace) -> int:
    """Run `evaluate`.

    Returns:
        0, also where some clips failed: they are listed.

    Raises:
        UserError: for options, data or systems that cannot be used.
    """
    # Before anything imports numpy; worker processes inherit it.
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in _THREADS})
    _check(namespace)

    from enhancement.evaluation.run import Evaluation, evaluate
    from enhancement.evaluation.screen import text_of
    from enhancement.metrics.catalog import chosen_metrics
    from prepare_data.workers import usable_cpus

    clips = _clips(namespace)
    systems, notes = _systems(namespace, clips)
    metrics = chosen_metrics(_metric_names(namespace, clips))
    _check_metrics([metric.name for metric in metrics if metric.needs_reference], clips)
    for note in (*clips.notes, *notes):
        print(note)
    results = evaluate(
        Evaluation(
            clips,
            systems,
            metrics,
            namespace.out,
            namespace.jobs if namespace.jobs is not None else usable_cpus(),
            namespace.reference,
            _command_line(namespace),
        )
    )
    print(text_of(results))
    if any(row["by"] in ("category", "corpus") for row in results.rows):
        print(f"by noise category and corpus: {namespace.out}/summary.json")
    if namespace.report:
        from enhancement.report import build

        print(f"Open {build(namespace.out)} in a browser.")
    else:
        print(f"to see and hear it: python -m enhancement report {shlex.quote(str(namespace.out))}")
    return 0


def _check(namespace: argparse.Namespace) -> None:
    if (namespace.data is None) == (namespace.noisy is None):
        raise UserError("name either a data set (--data) or a folder of recordings (--noisy).")
    if namespace.clean is not None and namespace.noisy is None:
        raise UserError("--clean goes with --noisy; a data set has its own clean voices.")
    if namespace.preset and namespace.clean is None:
        raise UserError(f"--preset {namespace.preset} needs --clean and --noisy.")
    if namespace.limit is not None and namespace.limit < 1:
        raise UserError(f"--limit is {namespace.limit}; it must be 1 or more.")
    if namespace.jobs is not None and namespace.jobs < 0:
        raise UserError(f"--jobs is {namespace.jobs}; it must be 0 or more.")
    if namespace.out.exists() and not namespace.out.is_dir():
        raise UserError(f"--out {namespace.out} is a file; name a folder.")


def _clips(namespace: argparse.Namespace) -> ClipSet:
    from enhancement.evaluation.clips import clips_of_data_set, clips_of_folders

    if namespace.data is not None:
        return clips_of_data_set(namespace.data, namespace.split, namespace.limit)
    return clips_of_folders(
        namespace.noisy,
        namespace.clean,
        namespace.limit,
        voicebank=namespace.preset == "voicebank",
    )


def _systems(namespace: argparse.Namespace, clips: ClipSet) -> tuple[list[System], list[str]]:
    from enhancement.evaluation.systems import baseline_systems, named_systems, untouched

    systems = [untouched(), *named_systems(namespace.system, clips)]
    notes: list[str] = []
    if namespace.baselines:
        more, notes = baseline_systems(clips, systems)
        systems += more
    names = [system.name for system in systems]
    if namespace.reference is not None and namespace.reference not in names:
        raise UserError(
            f"--reference {namespace.reference} is none of the systems ({', '.join(names)})."
        )
    return systems, notes


def _metric_names(namespace: argparse.Namespace, clips: ClipSet) -> list[str]:
    if namespace.metrics is None:
        if namespace.preset:
            return list(VOICEBANK_METRICS)
        return list(DEFAULT_METRICS if clips.has_clean else BLIND_METRICS)
    if "all" in namespace.metrics:
        return NAMES.split() if clips.has_clean else list(BLIND_METRICS)
    return list(namespace.metrics)


def _check_metrics(with_reference: list[str], clips: ClipSet) -> None:
    if with_reference and not clips.has_clean:
        raise UserError(
            f"{', '.join(with_reference)} needs the clean voices: name their folder (--clean), or "
            f"choose from {', '.join(BLIND_METRICS)}."
        )


def _command_line(namespace: argparse.Namespace) -> str:
    """Return the command as it could be typed again."""
    words = ["python", "-m", "enhancement", "evaluate"]
    for name in ("data", "split", "noisy", "clean", "preset", "limit", "reference", "out", "jobs"):
        value = getattr(namespace, name)
        if value is not None and (name != "split" or namespace.data is not None):
            words += [f"--{name}", str(value)]
    for system in namespace.system:
        words += ["--system", system]
    words += ["--baselines"] if namespace.baselines else []
    words += ["--metrics", *namespace.metrics] if namespace.metrics else []
    return shlex.join(words)

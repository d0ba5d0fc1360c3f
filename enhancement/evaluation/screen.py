"""An evaluation's results as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from enhancement.evaluation.results import Results

_LISTED = 20


def text_of(results: Results) -> str:
    """Return tables of the results: systems, then each metric, and what failed."""
    blocks = [_systems(results)]
    blocks += [_metric(results, metric) for metric in results.metrics]
    return "\n\n".join([*blocks, *_failures(results)])


def _systems(results: Results) -> str:
    lines = [["system", "real-time factor", "source"]]
    for system in results.systems:
        factor = system["real_time_factor"]
        lines.append([system["name"], "" if factor is None else f"{factor:.3g}", system["source"]])
    return "\n".join(_aligned(lines, left=(0, 2)))


def _metric(results: Results, metric: Mapping[str, Any]) -> str:
    """Return a metric's table: over all clips with intervals, then means by input SNR."""
    name, digits = metric["name"], metric["digits"]
    of_all = {row["system"]: row for row in results.rows if row["by"] == "all"}
    by_snr = {(row["system"], row["value"]): row for row in results.rows if row["by"] == "snr_db"}
    snrs = sorted({value for _, value in by_snr})
    snrs = snrs if len(snrs) > 1 else []
    against = any("against" in row for row in of_all.values())
    unit = f", {metric['unit']}" if metric["unit"] else ""
    heads = [f"{metric['label']}{unit}", "mean [95 %]", "gain [95 %]"]
    if against:
        reference = next(row["against"]["system"] for row in of_all.values() if "against" in row)
        heads.append(f"over {reference} [95 %]")
    lines = [[*heads, *(f"{snr:g} dB" for snr in snrs)]]
    for system, row in of_all.items():
        entry = row["metrics"][name]
        cells = [system, _cell(entry, digits), ""]
        if entry["gain"] is not None:
            gain = {"mean": entry["gain"], "low": entry["gain_low"], "high": entry["gain_high"]}
            cells[2] = _cell(gain, digits, sign="+")
        if against:
            other = row.get("against")
            cells.append(_cell(other["metrics"][name], digits, sign="+") if other else "")
        for snr in snrs:
            cells.append(f"{by_snr[system, snr]['metrics'][name]['mean']:.{digits}f}")
        lines.append(cells)
    return "\n".join(_aligned(lines, left=(0,)))


def _cell(entry: Mapping[str, float], digits: int, *, sign: str = "") -> str:
    low, high = (f"{entry[end]:{sign}.{digits}f}" for end in ("low", "high"))
    return f"{entry['mean']:{sign}.{digits}f} [{low}, {high}]"


def _failures(results: Results) -> list[str]:
    counted = next((row["clips"] for row in results.rows if row["by"] == "all"), 0)
    total = len(results.clips)
    if not results.failures:
        return [f"means over {total} {'clip' if total == 1 else 'clips'}"]
    lines = [
        f"{total - counted} of {total} clips failed; the means are over the {counted} that every "
        "system and metric has:"
    ]
    for failure in results.failures[:_LISTED]:
        metric = f" {failure['metric']}:" if failure["metric"] else ""
        lines.append(f"  {failure['clip']} {failure['system']}:{metric} {failure['reason']}")
    rest = len(results.failures) - _LISTED
    if rest > 0:
        lines.append(f"  and {rest} more, all in summary.json")
    return ["\n".join(lines)]


def _aligned(lines: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Return lines of cells as columns, those in `left` aligned there and the others right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]

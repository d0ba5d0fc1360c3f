"""Mean gains by input SNR, with intervals that resample speakers and noise sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_DRAWS = 2000
_SEED = 0


def table(clips: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarise clips by input SNR.

    Args:
        clips: each with "snr_db", "speaker", "noises" (sources), "noisy_db" and the gains, as
            `evaluation.measured` yields them.

    Returns:
        A row for each SNR: means, 95 % intervals as (low, high), and the share of the oracle's
        gain in per cent.
    """
    rows = []
    for snr_db in sorted({clip["snr_db"] for clip in clips}):
        here = [clip for clip in clips if clip["snr_db"] == snr_db]
        row: dict[str, Any] = {"snr_db": snr_db, "clips": len(here)}
        for name in ("noisy_db", "gain_db", "active_gain_db", "oracle_gain_db"):
            row[name] = float(np.mean([clip[name] for clip in here]))
        for name in ("gain_db", "active_gain_db"):
            row[f"{name}_interval"] = interval(here, name)
        row["share_of_oracle"] = 100 * row["gain_db"] / row["oracle_gain_db"]
        rows.append(row)
    return rows


def interval(clips: Sequence[dict[str, Any]], name: str) -> tuple[float, float]:
    """Return the 95 % interval of a mean by a bootstrap over speakers and noise sources.

    Both are drawn with replacement, each by itself (the pigeonhole bootstrap, Owen 2007); a clip
    counts as often as its speaker was drawn times, on average, its noise sources were.
    """
    generator = np.random.default_rng(_SEED)
    values = np.array([clip[name] for clip in clips])
    speakers = _membership([[clip["speaker"]] for clip in clips])
    noises = _membership([clip["noises"] for clip in clips])
    means = []
    for _ in range(_DRAWS):
        weights = (speakers @ _drawn(generator, speakers)) * (noises @ _drawn(generator, noises))
        if weights.sum() > 0:
            means.append(float(weights @ values / weights.sum()))
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def text(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table for people."""
    lines = ["SNR in  clips  noisy   SI-SDR gain [95 %]    active frames [95 %]   oracle  share"]
    for row in rows:
        cells = []
        for name in ("gain_db", "active_gain_db"):
            low, high = row[f"{name}_interval"]
            cells.append(f"{row[name]:6.2f} [{low:5.2f}, {high:5.2f}]")
        lines.append(
            f"{row['snr_db']:6g}{row['clips']:7d}{row['noisy_db']:7.2f}   "
            f"{'    '.join(cells)}{row['oracle_gain_db']:9.2f}{row['share_of_oracle']:6.0f}%"
        )
    return "\n".join(lines)


def _membership(sources: Sequence[Sequence[str]]) -> np.ndarray:
    """Return a matrix (clips, sources) whose rows add up to 1."""
    names = sorted({name for each in sources for name in each})
    matrix = np.zeros((len(sources), len(names)))
    for row, each in enumerate(sources):
        for name in each:
            matrix[row, names.index(name)] += 1 / len(each)
    return matrix


def _drawn(generator: np.random.Generator, membership: np.ndarray) -> np.ndarray:
    """Return how often each source was drawn, drawing as many as there are."""
    count = membership.shape[1]
    return generator.multinomial(count, np.full(count, 1 / count)).astype(np.float64)

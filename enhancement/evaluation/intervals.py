"""Mean gains by input SNR, with intervals that resample speakers and noise sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_DRAWS = 2000
_SEED = 0
_GAINS = ("gain_db", "active_gain_db")
_ORACLE = "oracle_gain_db"


def table(clips: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarise clips by input SNR.

    Args:
        clips: each with "snr_db", "speaker", "noises" (sources), "noisy_db", "gain_db",
            "active_gain_db" and perhaps "oracle_gain_db", as `gains.measured` yields them.

    Returns:
        A row for each SNR, and last one for all of them with None as "snr_db": means, 95 %
        intervals as (low, high), and the share of the oracle's gain in per cent where that is
        known.
    """
    values = sorted({clip["snr_db"] for clip in clips})
    rows = [_row(snr_db, [c for c in clips if c["snr_db"] == snr_db]) for snr_db in values]
    return [*rows, _row(None, clips)]


def _row(snr_db: float | None, clips: Sequence[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"snr_db": snr_db, "clips": len(clips)}
    for name in ("noisy_db", *_GAINS, *_of_oracle(clips[0])):
        row[name] = float(np.mean([clip[name] for clip in clips]))
    for name in _GAINS:
        row[f"{name}_interval"] = interval(clips, name)
    if _ORACLE in row:
        row["share_of_oracle"] = 100 * row["gain_db"] / row[_ORACLE]
    return row


def _of_oracle(row: dict[str, Any]) -> list[str]:
    return [_ORACLE] if _ORACLE in row else []


def interval(clips: Sequence[dict[str, Any]], name: str) -> tuple[float, float]:
    """Return the 95 % interval of a mean by a bootstrap over speakers and noise sources.

    Both are drawn with replacement, each by itself (the pigeonhole bootstrap, Owen 2007); a clip
    counts as often as its speaker was drawn times, on average, its noise sources were.
    """
    weights = bootstrap_weights(
        [clip["speaker"] for clip in clips], [clip["noises"] for clip in clips]
    )
    values = np.array([[clip[name]] for clip in clips])
    low, high = bootstrap_intervals(weights, values)
    return float(low[0]), float(high[0])


def bootstrap_weights(
    speakers: Sequence[str | None], noises: Sequence[Sequence[str]]
) -> np.ndarray:
    """Draw how often each clip counts in each repetition of the bootstrap.

    Args:
        speakers: of each clip; None where that is not known.
        noises: the noise sources of each clip; none where they are not known.

    Returns:
        Shape (draws, clips). A clip whose speaker (or noise) is not known stands for one of its
        own; where nothing is known of any clip, the clips themselves are drawn.
    """
    generator = np.random.default_rng(_SEED)
    by_clip = [[f"clip {index}"] for index in range(len(speakers))]
    of_speakers = [
        [f"known {speaker}"] if speaker is not None else own
        for speaker, own in zip(speakers, by_clip, strict=True)
    ]
    of_noises = [
        [f"known {noise}" for noise in each] or own
        for each, own in zip(noises, by_clip, strict=True)
    ]
    factors = [each for each in (of_speakers, of_noises) if each != by_clip] or [by_clip]
    matrices = [_membership(factor) for factor in factors]
    drawn = [[_drawn(generator, matrix) for matrix in matrices] for _ in range(_DRAWS)]
    weights = np.ones((_DRAWS, len(speakers)))
    for index, matrix in enumerate(matrices):
        weights *= np.stack([each[index] for each in drawn]) @ matrix.T
    return weights


def bootstrap_intervals(weights: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % intervals of means, each a column.

    Args:
        weights: from `bootstrap_weights`, shape (draws, clips).
        values: shape (clips, columns).

    Returns:
        The lower and the upper ends, each of shape (columns,).
    """
    sums = weights.sum(axis=1)
    drawn = sums > 0
    means = weights[drawn] @ values / sums[drawn, None]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high


def text(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a table for people."""
    head = "SNR in  clips  noisy   SI-SDR gain [95 %]    active frames [95 %]"
    if _ORACLE in rows[0]:
        head += "   oracle  share"
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: dict[str, Any]) -> str:
    cells = []
    for name in _GAINS:
        low, high = row[f"{name}_interval"]
        cells.append(f"{row[name]:6.2f} [{low:5.2f}, {high:5.2f}]")
    snr = "   all" if row["snr_db"] is None else f"{row['snr_db']:6g}"
    line = f"{snr}{row['clips']:7d}{row['noisy_db']:7.2f}   {'    '.join(cells)}"
    if _ORACLE in row:
        line += f"{row[_ORACLE]:9.2f}{row['share_of_oracle']:6.0f}%"
    return line


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

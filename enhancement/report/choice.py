"""Which clips of a large evaluation the report shows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORST_SHARE = 4  # one place in four goes to the lowest gains

Group = tuple[Hashable, Hashable]


@dataclass(frozen=True)
class Choice:
    """Positions of the clips to show, in order, and how many of them the lowest gains brought in.

    Attributes:
        shown: positions in the list of clips, ascending.
        worst: how many of them are there because of a low gain; 0 where all clips are shown.
    """

    shown: tuple[int, ...]
    worst: int = 0


def choose_clips(
    clips: Sequence[Mapping[str, Any]], gains: Mapping[Hashable, Mapping[int, float]], places: int
) -> Choice:
    """Choose clips: the lowest gains, and others spread evenly over SNR and category.

    Args:
        clips: with "snr_db" and "category".
        gains: for each system and metric, by position of the clip, what it gained over the noisy
            clip; higher is better.
        places: how many to choose at most.

    Returns:
        The same choice for the same arguments; all clips where there are places enough.
    """
    if len(clips) <= places:
        return Choice(tuple(range(len(clips))))
    worst: set[int] = set()
    for position in _lowest(gains):
        if len(worst) >= places // _WORST_SHARE:
            break
        worst.add(position)
    shown = set(worst)
    for position in _spread(clips):
        if len(shown) >= places:
            break
        shown.add(position)
    return Choice(tuple(sorted(shown)), len(worst))


def _lowest(gains: Mapping[Hashable, Mapping[int, float]]) -> Iterator[int]:
    """Yield the clip with the lowest gain of each system and metric, the second lowest, etc."""
    orders = [
        deque(sorted(by_clip, key=lambda position: (by_clip[position], position)))
        for by_clip in ({p: g for p, g in of.items() if math.isfinite(g)} for of in gains.values())
    ]
    while any(orders):
        for order in filter(None, orders):
            yield order.popleft()


def _spread(clips: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    """Yield all clips, so that any number of the first ones is even over SNR and category."""
    waiting: dict[Group, deque[int]] = defaultdict(deque)
    for position, clip in enumerate(clips):
        waiting[clip["snr_db"], clip["category"]].append(position)
    drawn: Counter[Group] = Counter()
    by_snr: Counter[Hashable] = Counter()
    by_category: Counter[Hashable] = Counter()
    while waiting:
        group = min(waiting, key=lambda g: (drawn[g], by_snr[g[0]] + by_category[g[1]]))
        drawn[group] += 1
        by_snr[group[0]] += 1
        by_category[group[1]] += 1
        yield waiting[group].popleft()
        if not waiting[group]:
            del waiting[group]

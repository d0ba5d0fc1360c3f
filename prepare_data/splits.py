"""Give every source of a corpus to train, validation or test, and never to two of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from prepare_data.corpus import Corpus
from prepare_data.errors import UserError
from prepare_data.random_numbers import generator
from prepare_data.settings import SPLITS


def split_sources(
    corpus: Corpus,
    seconds: Mapping[str, float],
    *,
    shares: tuple[float, float, float],
    seed: int,
    folds: tuple[int, int] | None = None,
) -> dict[str, str]:
    """Return the split of every source.

    The splits are balanced in seconds within each noise category and within the corpus, and every
    category (or speech corpus) of three sources or more is in every split with a share. The result
    depends on the seed and this corpus's sources alone.

    Args:
        corpus: with the categories and folds of its recordings.
        seconds: usable sound of each source; sources that are not in it are left out.
        shares: of train, val and test, adding up to 1.
        seed: of the data set.
        folds: the folds that become val and test, where the corpus has folds; a source whose clips
            lie in several goes where most of them are.

    Raises:
        UserError: if the corpus has folds, but not these.
    """
    if corpus.train_only:
        return dict.fromkeys(seconds, SPLITS[0])
    if folds is not None:
        present = {r.fold for r in corpus.recordings if r.fold is not None}
        if present and not set(folds) <= present:
            raise UserError(
                f"--noise-folds {folds[0]} {folds[1]}: {corpus.name} has the folds "
                f"{', '.join(map(str, sorted(present)))}."
            )
        if present:
            return _by_fold(corpus, seconds, folds)
    assigned: dict[str, str] = {}
    carried = [0.0] * len(SPLITS)
    for group in _groups(corpus, seconds, smallest=sum(share > 0 for share in shares)):
        order = _seeded_order(group, seconds, seed)
        carried = _split_group(order, seconds, shares, carried, assigned)
    return assigned


def _groups(corpus: Corpus, seconds: Mapping[str, float], *, smallest: int) -> list[list[str]]:
    """Return the sources by category; categories too small to be in every split share a group."""
    category_of = {r.source: r.category for r in corpus.recordings}
    by_category: dict[str, list[str]] = defaultdict(list)
    for source in sorted(seconds):
        by_category[category_of[source]].append(source)
    groups = [by_category[category] for category in sorted(by_category)]
    large = [group for group in groups if len(group) >= smallest]
    return [*large, [source for group in groups if len(group) < smallest for source in group]]


def _seeded_order(sources: list[str], seconds: Mapping[str, float], seed: int) -> list[str]:
    """Largest first, so that the small ones even out; sources of like size in seeded order."""
    chance = {source: generator(seed, "split", source).random() for source in sources}
    return sorted(sources, key=lambda s: (-_size_class(seconds[s]), chance[s]))


def _size_class(seconds: float) -> int:
    """Sources within a factor of two are alike."""
    return math.floor(math.log2(max(seconds, 1e-3)))


def _split_group(
    sources: list[str],
    seconds: Mapping[str, float],
    shares: tuple[float, float, float],
    carried: list[float],
    assigned: dict[str, str],
) -> list[float]:
    """Give each source to the split that lacks most, and return what each still lacks."""
    total = sum(seconds[source] for source in sources)
    wanting = [s for s, share in enumerate(shares) if share > 0]
    lack = [share * total + extra for share, extra in zip(shares, carried, strict=True)]
    empty = set(wanting) if len(sources) >= len(wanting) else set()
    for position, source in enumerate(sources):
        left = len(sources) - position
        choices = sorted(empty) if 0 < len(empty) == left else wanting
        chosen = max(choices, key=lambda s: lack[s])
        lack[chosen] -= seconds[source]
        empty.discard(chosen)
        assigned[source] = SPLITS[chosen]
    return lack


def _by_fold(
    corpus: Corpus, seconds: Mapping[str, float], folds: tuple[int, int]
) -> dict[str, str]:
    counts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for recording in corpus.recordings:
        if recording.fold is not None and recording.source in seconds:
            counts[recording.source][recording.fold] += 1
    names = {folds[0]: SPLITS[1], folds[1]: SPLITS[2]}
    chosen = {}
    for source in seconds:
        of = counts.get(source, {})
        main_fold = max(of, key=lambda fold: (of[fold], -fold)) if of else -1
        chosen[source] = names.get(main_fold, SPLITS[0])
    return chosen

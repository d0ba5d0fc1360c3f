"""Sources stay in one split, balanced, whatever else is in the data set."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepare_data.corpus import Corpus, Recording
from prepare_data.errors import UserError
from prepare_data.splits import split_sources

SHARES = (0.8, 0.1, 0.1)
CORPORA = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4),
    st.tuples(st.floats(0.5, 500), st.sampled_from(["rain", "dog", "siren"])),
    min_size=1,
    max_size=60,
)


def corpus_of(sources: dict[str, tuple[float, str]]) -> Corpus:
    recordings = [Recording(f"{s}.wav", s, category) for s, (_, category) in sources.items()]
    return Corpus(Path("/x"), "x", "test", recordings)


def split(
    sources: dict[str, tuple[float, str]], seed: int = 0, shares: tuple = SHARES
) -> dict[str, str]:
    seconds = {source: length for source, (length, _) in sources.items()}
    return split_sources(corpus_of(sources), seconds, shares=shares, seed=seed)


@settings(max_examples=100, deadline=None)
@given(CORPORA, st.integers(0, 5))
def test_every_category_of_three_sources_is_in_every_split(
    sources: dict[str, tuple[float, str]], seed: int
) -> None:
    assigned = split(sources, seed)
    assert assigned.keys() == sources.keys()
    by_category = defaultdict(list)
    for source, (_, category) in sources.items():
        by_category[category].append(assigned[source])
    for splits in by_category.values():
        if len(splits) >= 3:
            assert set(splits) == {"train", "val", "test"}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 99))
def test_splits_are_balanced_in_seconds(seed: int) -> None:
    sources = {f"s{i}": (5.0 + i % 7, "rain" if i % 2 else "dog") for i in range(120)}
    assigned = split(sources, seed)
    total = sum(length for length, _ in sources.values())
    for name, share in zip(("train", "val", "test"), SHARES, strict=True):
        seconds = sum(sources[s][0] for s in sources if assigned[s] == name)
        assert abs(seconds / total - share) < 0.02


def test_many_categories_of_one_source_each_are_split_all_the_same() -> None:
    sources = {f"s{i}": (5.0, f"category {i}") for i in range(3)}
    assert set(split(sources).values()) == {"train", "val", "test"}


def test_split_depends_on_the_seed() -> None:
    sources = {f"s{i}": (5.0, "rain") for i in range(50)}
    assert split(sources, 0) == split(sources, 0)
    assert split(sources, 0) != split(sources, 1)


def test_a_share_of_nothing_gets_nothing() -> None:
    sources = {f"s{i}": (5.0, "rain") for i in range(20)}
    assert set(split(sources, shares=(1.0, 0.0, 0.0)).values()) == {"train"}
    assert set(split(sources, shares=(0.5, 0.0, 0.5)).values()) == {"train", "test"}


def test_train_only_corpora_go_into_train() -> None:
    corpus = corpus_of({f"s{i}": (5.0, "") for i in range(20)})
    corpus.train_only = True
    seconds = {f"s{i}": 5.0 for i in range(20)}
    assigned = split_sources(corpus, seconds, shares=SHARES, seed=0)
    assert set(assigned.values()) == {"train"}


def test_folds_that_a_corpus_does_not_have_are_refused() -> None:
    recordings = [Recording(f"{fold}.wav", f"s{fold}", "dog", fold) for fold in range(1, 5)]
    corpus = Corpus(Path("/x"), "ESC-10", "test", recordings)
    seconds = {recording.source: 5.0 for recording in recordings}
    with pytest.raises(UserError, match="ESC-10 has the folds 1, 2, 3, 4"):
        split_sources(corpus, seconds, shares=SHARES, seed=0, folds=(4, 5))


def test_folds_become_splits_and_a_source_in_several_folds_goes_with_most_of_its_clips() -> None:
    recordings = [
        Recording(f"{fold}-{i}.wav", f"s{fold}{i}", "dog", fold)
        for fold in range(1, 6)
        for i in range(4)
    ]
    recordings += [Recording(f"x{i}.wav", "crossing", "dog", 4 if i else 5) for i in range(3)]
    corpus = Corpus(Path("/x"), "x", "ESC-50", recordings)
    seconds = {recording.source: 5.0 for recording in recordings}
    assigned = split_sources(corpus, seconds, shares=SHARES, seed=0, folds=(4, 5))
    for recording in recordings[:20]:
        expected = {4: "val", 5: "test"}.get(recording.fold or 0, "train")
        assert assigned[recording.source] == expected
    assert assigned["crossing"] == "val"

"""Files in pairs by name: suffixes, what has no partner, what is not there."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from enhancement.pairing import paired_files
from prepare_data.errors import UserError


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()


def _names(root: Path) -> list[tuple[str, str]]:
    pairs = paired_files(root, ("a", "b"), suffixes={".wav", ".flac"}, what="recordings")
    return [(first.name, second.name) for first, second in pairs]


def test_pairs_are_sorted_by_name_and_suffixes_may_differ(tmp_path: Path) -> None:
    _touch(tmp_path, "a/2.wav", "a/1.WAV", "b/1.flac", "b/2.wav")
    assert _names(tmp_path) == [("1.WAV", "1.flac"), ("2.wav", "2.wav")]


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.wav", "b/1.wav", "a/._1.wav", "b/notes.txt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _names(tmp_path) == [("1.wav", "1.wav")]


def test_files_without_a_partner_are_named_and_long_lists_cut(tmp_path: Path) -> None:
    _touch(tmp_path, "a/x.wav", "b/x.wav", *(f"b/{number}.wav" for number in range(7)))
    with pytest.warns(UserWarning, match=r"in a: 0, 1, 2, 3, 4 and 2 more$"):
        assert _names(tmp_path) == [("x.wav", "x.wav")]


@pytest.mark.parametrize("present", [(), ("a/1.wav",), ("a/1.wav", "b/1.txt")])
def test_nothing_to_pair_is_one_sentence(tmp_path: Path, present: tuple[str, ...]) -> None:
    _touch(tmp_path, *present)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UserError, match=r"recordings"):
            _names(tmp_path)

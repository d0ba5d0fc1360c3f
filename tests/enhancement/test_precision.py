"""The precision that a run chooses, records and keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from enhancement import precision
from enhancement.precision import chosen_precision
from tests.enhancement.tiny_task import tiny_fit, tiny_options, tiny_task


@pytest.mark.parametrize(("able", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_is_what_the_machine_computes_in(
    able: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: able)
    assert chosen_precision("auto") == expected
    assert chosen_precision("auto", before="16-mixed") == "16-mixed"
    assert chosen_precision("bf16-true", before="32-true") == "bf16-true"


def _recorded(out: Path) -> str:
    return json.loads((out / "config.json").read_text())["training"]["precision"]


def test_a_run_records_what_auto_came_to_and_goes_on_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=1, precision="auto"))
    assert _recorded(tmp_path) == "bf16-mixed"
    monkeypatch.setattr(precision, "has_bfloat16", lambda: False)  # on another machine
    tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=2, precision="auto", resume=True))
    assert _recorded(tmp_path) == "bf16-mixed"
    tiny_fit(tiny_task(), tiny_options(tmp_path, epochs=3, precision="32-true", resume=True))
    assert _recorded(tmp_path) == "32-true"

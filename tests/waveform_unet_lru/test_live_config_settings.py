"""`--set FIELD=VALUE`: live models of other sizes than the presets'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from enhancement.checkpoints import read_header
from prepare_data.errors import UserError
from tests.waveform_unet_lru.live_sounds import demo_pack
from waveform_unet_lru.__main__ import main
from waveform_unet_lru.live.checkpoint import load_network
from waveform_unet_lru.live.config import PRESETS
from waveform_unet_lru.live.settings import with_settings

_SMALL = """train --model tiny --segment-seconds 0.25 --last-segment-seconds 0.25 --batch-size 2
    --samples-per-epoch 2 --epochs 1 --workers 0 --quiet --precision 32-true"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("pack") / "demo.pack")


def _train(*more: object) -> int:
    return main([*_SMALL.split(), *map(str, more)])


def test_a_network_of_other_sizes_is_trained_and_loaded_again(pack: Path, tmp_path: Path) -> None:
    sizes = ("--set", "mixing=attention", "blocks=3", "--set", "window=16ms", "bands=8")
    assert _train("--pack", pack, "--out", tmp_path / "run", *sizes) == 0
    expected = replace(PRESETS["tiny"], mixing="attention", blocks=3, window="16ms", bands=8)
    best = tmp_path / "run" / "best.safetensors"
    assert read_header(best).config == expected.plain()
    assert load_network(best)[1].config == expected


def test_states_follow_the_width_unless_something_is_said_of_them() -> None:
    small = PRESETS["small"]
    assert with_settings(small, ["width=64"]).states == 64
    assert with_settings(small, ["width=64", "states=24"]).states == 24
    assert with_settings(small, ["blocks=2"]) == replace(small, blocks=2)
    assert with_settings(replace(small, states=20), ["width=64"]).states == 20


def test_the_last_of_two_values_counts() -> None:
    assert with_settings(PRESETS["small"], ["blocks=2", "blocks=5"]).blocks == 5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("colour=3", "there is no colour; there are channels, convolutions, bands"),
        ("blocks", "FIELD=VALUE is wanted"),
        ("blocks=many", "blocks is 'many'; a whole number from 1"),
        ("blocks=2.5", "blocks is '2.5'; a whole number from 1"),
        ("blocks=0", "blocks is 0"),
        ("mixing=attention width=50", "width 50 is no multiple of heads"),
        ("mixing=none", "mixing is 'none'; one of"),
        ("mixing=", "mixing is ''"),
        ("window=32", "window is '32'"),
    ],
)
def test_wrong_settings_are_one_sentence(
    setting: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert _train("--pack", tmp_path / "no.pack", "--out", out, "--set", *setting.split()) == 2
    shown = capsys.readouterr().err
    assert message in shown and "--set" in shown and len(shown.splitlines()) == 1
    assert not out.exists()


def test_other_models_have_no_such_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--model", "unet-lru", "--set", "blocks=3"]) == 2
    assert "--set is an option of live models" in capsys.readouterr().err


def test_presets_are_left_as_they_are() -> None:
    before = PRESETS["small"]
    assert with_settings(before, []) == before
    with pytest.raises(UserError):
        with_settings(before, ["mixing=attention", "heads=7"])
    assert PRESETS["small"] is before

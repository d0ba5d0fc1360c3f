"""Checkpoints: whole, plain, told apart, and one sentence for what cannot be read."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from enhancement.checkpoints import (
    FORMAT_VERSION,
    Header,
    check_model,
    load_published,
    load_strictly,
    load_weights,
    read_header,
    save_weights,
)
from prepare_data.errors import UserError

HEADER = Header("tiny", {"widths": [8, 16]}, 16_000, {"epoch": 3, "val_loss": 0.25})


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    save_weights(path, {"weight": torch.arange(6.0).reshape(2, 3)}, HEADER)
    return path


def test_weights_and_header_come_back_as_they_went(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    tied = torch.randn(4)
    weights = {
        "float": torch.randn(3, 4).T,  # not contiguous
        "half": torch.randn(5).bfloat16(),
        "count": torch.tensor(7),
        "tied": tied,
        "tied_too": tied,
    }
    save_weights(path, weights, HEADER)
    header, loaded = load_weights(path)
    assert header == HEADER
    assert loaded.keys() == weights.keys()
    for name, tensor in weights.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_header_is_read_without_torch(checkpoint: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from enhancement.checkpoints import read_header; "
        f"print(read_header(Path({str(checkpoint)!r})).model); "
        "import enhancement.training.options; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("tiny\n", "")


def test_a_file_cut_anywhere_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    whole = checkpoint.read_bytes()
    cut = tmp_path / "cut.safetensors"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"cut\.safetensors"):
            load_weights(cut)


def test_bytes_after_the_end_are_refused(checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes() + b"more")
    with pytest.raises(UserError, match="damaged"):
        read_header(checkpoint)


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.safetensors"
    path.write_text("These are notes and no weights at all.")
    with pytest.raises(UserError, match="not a checkpoint"):
        read_header(path)
    path.write_bytes((10).to_bytes(8, "little") + b"{not json]")
    with pytest.raises(UserError, match="header cannot be read"):
        read_header(path)
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(UserError, match="another program"):
        read_header(path)


def _with_metadata(path: Path, **changes: Any) -> Path:
    plain = {**vars(HEADER), **changes}
    save_file({"weight": torch.ones(2)}, path, {"enhancement": json.dumps(plain)})
    return path


def test_a_newer_format_and_a_strange_header_are_refused(tmp_path: Path) -> None:
    newer = _with_metadata(tmp_path / "newer.safetensors", format_version=FORMAT_VERSION + 1)
    with pytest.raises(UserError, match="update the program"):
        read_header(newer)
    strange = _with_metadata(tmp_path / "strange.safetensors", colour="blue")
    with pytest.raises(UserError, match="what it says about its model"):
        read_header(strange)


def test_missing_files_and_folders_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        for read in (read_header, load_weights, load_published):
            with pytest.raises(UserError, match="is not there"):
                read(path)


def test_another_model_is_refused() -> None:
    check_model(Path("a.safetensors"), HEADER, "tiny")
    with pytest.raises(UserError, match="holds a tiny model, not a large model"):
        check_model(Path("a.safetensors"), HEADER, "large")


def test_a_full_disk_keeps_the_checkpoint_that_was_there(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="disk is full"):
        save_weights(checkpoint, {"weight": torch.zeros(9)}, HEADER)
    assert load_weights(checkpoint)[1]["weight"].shape == (2, 3)
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


@pytest.mark.parametrize("nested", [False, True])
def test_published_files_load(tmp_path: Path, nested: bool) -> None:
    weights = nn.Linear(3, 2).state_dict()
    path = tmp_path / "published.pt"
    torch.save({"epoch": 10, "model_state_dict": weights, "loss": 0.1} if nested else weights, path)
    loaded = load_published(path)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("harm",))


def test_published_files_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": _Harmful()}, tmp_path / "harmful.pt")
    with pytest.raises(UserError, match="plain tensors"):
        load_published(tmp_path / "harmful.pt")
    assert not (tmp_path / "harm").exists()


def test_damaged_and_strange_published_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(nn.Linear(30, 20).state_dict(), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"model\.pt"):
        load_published(path)
    path.write_text("text")
    with pytest.raises(UserError, match=r"model\.pt"):
        load_published(path)
    torch.save({"model_state_dict": [1, 2]}, path)
    with pytest.raises(UserError, match="holds no weights"):
        load_published(path)


def test_weights_that_do_not_fit_are_named() -> None:
    network = nn.Linear(3, 2)
    before = network.weight.detach().clone()
    weights = {"weight": torch.zeros(2, 4), "scale": torch.zeros(1)}
    with pytest.raises(UserError) as error:
        load_strictly(network, weights, "a.safetensors")
    for part in ("missing: bias", "unknown: scale", "weight is (2, 4), here (2, 3)"):
        assert part in str(error.value)
    assert torch.equal(network.weight, before)

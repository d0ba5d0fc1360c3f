"""The data sets of pictures: pairs by name, sizes, crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from prepare_data.errors import UserError
from spectrogram_unet import SpectrogramDataset
from spectrogram_unet.dataset import PicturePairs


def _write(path: Path, greys: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(greys).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two pairs of pictures of 512x512 random greys."""
    generator = np.random.default_rng(0)
    for kind in ("noisy_voice", "noise"):
        for name in ("000003", "000001"):
            greys = generator.integers(256, size=(512, 512), dtype=np.uint8)
            _write(tmp_path / kind / f"{name}.png", greys)
    return tmp_path


def test_items_are_the_greys_of_both_pictures(root: Path) -> None:
    pictures = SpectrogramDataset(root)
    assert len(pictures) == 2
    noisy, noise = pictures[1]
    for tensor, kind in ((noisy, "noisy_voice"), (noise, "noise")):
        assert tensor.shape == (1, 512, 512) and tensor.dtype == torch.float32
        greys = np.asarray(Image.open(root / kind / "000003.png"))
        np.testing.assert_array_equal(np.rint(255 * tensor[0].numpy()), greys)


def test_pictures_of_other_sizes_are_resized(root: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, 78).astype(np.uint8), (128, 1))
    for kind in ("noisy_voice", "noise"):
        _write(root / kind / "000000.png", ramp)
    noisy, _ = SpectrogramDataset(root)[0]
    assert noisy.shape == (1, 512, 512)
    assert (torch.diff(noisy[0, 256]) >= 0).all()
    assert noisy.min() == 0 and noisy.max() == 1


def test_pictures_without_a_partner_are_named(root: Path) -> None:
    (root / "noise" / "000001.png").unlink()
    with pytest.warns(UserWarning, match="000001"):
        assert SpectrogramDataset(root).names == ["000003"]


def test_no_pair_at_all_is_an_error(root: Path) -> None:
    for path in (root / "noise").iterdir():
        path.rename(path.with_name(f"other{path.name}"))
    with pytest.warns(UserWarning), pytest.raises(UserError, match="no pair"):
        SpectrogramDataset(root)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="noisy_voice"):
        SpectrogramDataset(tmp_path)


def test_damaged_picture_is_named(root: Path) -> None:
    (root / "noise" / "000001.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"000001\.png"):
        SpectrogramDataset(root)[0]


def test_crops_are_stretches_of_both_pictures_and_change_with_the_epoch(root: Path) -> None:
    pairs = PicturePairs(root, crop_frames=64, seed=1)
    whole = SpectrogramDataset(root)[0]
    starts = []
    for epoch in range(6):
        pairs.set_epoch(epoch)
        item = pairs[0]
        assert item["id"] == "000001"
        found = [
            start
            for start in range(512 - 64 + 1)
            if torch.equal(item["noisy"], whole[0][..., start : start + 64])
        ]
        assert torch.equal(item["noise"], whole[1][..., found[0] : found[0] + 64])
        starts += found
        again = PicturePairs(root, crop_frames=64, seed=1)
        again.set_epoch(epoch)
        assert torch.equal(again[0]["noisy"], item["noisy"])
    assert len(set(starts)) > 3


@pytest.mark.parametrize("frames", [0, 100, 528])
def test_crops_that_the_network_cannot_read_are_refused(root: Path, frames: int) -> None:
    with pytest.raises(UserError, match="--crop-frames"):
        PicturePairs(root, crop_frames=frames)

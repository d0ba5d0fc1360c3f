"""PNG files hold the pixels and the text that went into them, as other programs read them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from prepare_data.png import png_bytes


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    steepness=st.integers(0, 255),
    seed=st.integers(0, 2**32 - 1),
)
def test_pixels_come_back(height: int, width: int, steepness: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = rng.integers(0, steepness + 1, (height, width)).cumsum(axis=1).astype(np.uint8)
    with Image.open(io.BytesIO(png_bytes(grey, {}))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (width, height))
        assert np.array_equal(np.asarray(image), grey)


def test_pixels_may_lie_in_memory_in_any_order() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    for view in (grey[::-1], grey.T, grey[:, ::2]):
        with Image.open(io.BytesIO(png_bytes(view, {}))) as image:
            assert np.array_equal(np.asarray(image), view)


def test_text_comes_back_and_the_whole_file_is_sound() -> None:
    data = png_bytes(np.zeros((512, 512), np.uint8), {"scale": "shared", "résumé": "½"})
    with Image.open(io.BytesIO(data)) as image:
        image.verify()  # the sums of all chunks
    with Image.open(io.BytesIO(data)) as image:
        assert dict(image.text) == {"scale": "shared", "résumé": "½"}


def test_a_damaged_file_is_noticed() -> None:
    data = bytearray(png_bytes(np.arange(256, dtype=np.uint8).reshape(16, 16), {}))
    data[50] ^= 255
    with pytest.raises((SyntaxError, OSError)), Image.open(io.BytesIO(bytes(data))) as image:
        image.verify()


@pytest.mark.parametrize(
    "grey", [np.zeros((2, 2)), np.zeros((2, 2, 3), np.uint8), np.zeros((0, 2), np.uint8)]
)
def test_what_is_no_grey_picture_is_refused(grey: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no 8-bit grey picture"):
        png_bytes(grey, {})

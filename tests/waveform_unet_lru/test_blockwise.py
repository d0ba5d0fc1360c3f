"""Block by block is the whole recording at once: any lengths, state and margins carried."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.waveform_unet_lru import small_waveform_network as small
from waveform_unet_lru import blockwise
from waveform_unet_lru.blockwise import denoised, margin_samples
from waveform_unet_lru.network import UNetLRUAudio

_PUBLISHED = (16, 32, 64, 128)


def _error(network: UNetLRUAudio, audio: np.ndarray, cuts: list[int], block_samples: int) -> float:
    """Return the largest difference to the whole, relative to the largest output."""
    parts = list(denoised(network, np.split(audio, cuts), block_samples=block_samples))
    result = np.concatenate(parts)
    expected = small.whole(network, audio)
    assert result.shape == expected.shape and result.dtype == np.float32
    assert expected.any()
    return float(np.abs(result - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("features", [small.FEATURES, _PUBLISHED])
@pytest.mark.parametrize("block_samples", [16, 160, 1000, 16_000])
@pytest.mark.parametrize("samples", [1, 15, 16, 17, 3001])
def test_blocks_are_the_whole(features: tuple[int, ...], block_samples: int, samples: int) -> None:
    network = small.network(features)
    assert _error(network, small.sound(samples), [], block_samples) < 1e-5


@pytest.mark.parametrize("features", [small.FEATURES, _PUBLISHED])
def test_many_channels_and_blocks_are_the_whole(features: tuple[int, ...]) -> None:
    network = small.network(features)
    assert _error(network, small.sound(12_345, channels=3), [7, 4000], 1000) < 1e-5


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(1, 800),
    cuts=st.lists(st.integers(0, 800), max_size=6).map(sorted),
    block_samples=st.integers(1, 900),
    levels=st.integers(1, 4),
)
def test_neither_lengths_nor_blocks_nor_depth_matter(
    samples: int, cuts: list[int], block_samples: int, levels: int
) -> None:
    network = small.network((2, 3, 4, 5)[:levels])
    assert _error(network, small.sound(samples), cuts, block_samples) < 1e-5


def test_the_published_network_reaches_32_samples_each_way() -> None:
    assert margin_samples(small.network(_PUBLISHED)) == 32
    assert margin_samples(small.network(small.FEATURES)) == 8


@pytest.mark.parametrize("features", [small.FEATURES, _PUBLISHED])
def test_a_smaller_margin_would_be_heard(
    features: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the tests above would protect nothing."""
    network = small.network(features)
    margin = margin_samples(network) - network.multiple
    monkeypatch.setattr(blockwise, "margin_samples", lambda _: margin)
    assert _error(network, small.sound(3001), [], 160) > 1e-4


def test_the_end_of_a_recording_changes_with_its_beginning() -> None:
    """The recurrence's state is carried through all blocks."""
    network = small.network()
    with torch.no_grad():
        network.lru.nu_log.fill_(-9.0)
    audio = small.sound(6000)
    changed = audio.copy()
    changed[:100] = 0
    ends = [
        np.concatenate(list(denoised(network, [each], block_samples=500)))[-500:]
        for each in (audio, changed)
    ]
    assert np.abs(ends[0] - ends[1]).max() > 1e-3 * np.abs(ends[0]).max()


def test_channels_do_not_mix() -> None:
    network = small.network()
    audio = small.sound(2000, channels=2)
    both = np.concatenate(list(denoised(network, [audio], block_samples=320)))
    alone = np.concatenate(list(denoised(network, [audio[:, 1:]], block_samples=320)))
    np.testing.assert_allclose(both[:, 1:], alone, atol=1e-6 * np.abs(alone).max())


def test_nothing_comes_of_nothing() -> None:
    network = small.network()
    assert list(denoised(network, [])) == []
    assert list(denoised(network, [small.sound(0)])) == []


def test_an_array_that_is_filled_again_for_each_block_does_no_harm() -> None:
    network = small.network()
    audio = small.sound(1000)
    array = np.zeros((10, 1), dtype=np.float32)

    def refilled() -> Iterator[np.ndarray]:
        for start in range(0, 1000, 10):
            array[:] = audio[start : start + 10]
            yield array

    result = np.concatenate(list(denoised(network, refilled(), block_samples=100)))
    np.testing.assert_allclose(result, small.whole(network, audio), atol=1e-5)


def test_an_endless_stream_is_answered_as_it_is_read() -> None:
    network = small.network()
    read = given = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 100
            yield small.sound(100)

    stream = denoised(network, endless(), block_samples=160)
    for _ in range(300):
        given += len(next(stream))
        assert read - given <= 2 * 160 + 100 + 2 * margin_samples(network) + network.multiple

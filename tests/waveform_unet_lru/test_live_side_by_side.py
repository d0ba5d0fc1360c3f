"""Recordings side by side are each as if alone, whatever stands, fails or ends beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enhancement.denoiser import Denoiser, Recording
from prepare_data.errors import AudioError, UserError
from tests.waveform_unet_lru import live_cores, live_streams
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.core import State, TorchCore
from waveform_unet_lru.live.denoise import LiveDenoiser, load
from waveform_unet_lru.live.side_by_side import denoised_side_by_side

RATE = 16_000


class Watched(TorchCore):
    """Notes how many channels and frames it is given."""

    def __init__(self) -> None:
        super().__init__(live_cores.network())
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, spectrum: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        self.shapes.append(spectrum.shape[:2])
        return super().__call__(spectrum, state)


def _several(
    denoiser: Denoiser, recordings: Iterable[Recording]
) -> tuple[dict[int, list[np.ndarray]], dict[int, UserError | None]]:
    """Return all parts and ends, and see that each recording ends once, after its last part."""
    parts: dict[int, list[np.ndarray]] = {}
    ends: dict[int, UserError | None] = {}
    for index, part in denoiser.denoise_several(recordings):
        assert index not in ends
        if isinstance(part, np.ndarray):
            assert part.dtype == np.float32
            parts.setdefault(index, []).append(part)
        else:
            ends[index] = part
    return parts, ends


def _check_as_if_alone(denoiser: Denoiser, sounds: list[np.ndarray], rates: list[int]) -> None:
    given = (([sound], rate) for sound, rate in zip(sounds, rates, strict=True))
    parts, ends = _several(denoiser, given)
    assert ends == dict.fromkeys(range(len(sounds)))
    for index, (sound, rate) in enumerate(zip(sounds, rates, strict=True)):
        alone = denoiser.denoise(sound, rate)
        together = np.concatenate(parts.get(index, [sound[:0]]))
        assert together.shape == alone.shape
        np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("window", ["32ms", "16ms"])
def test_any_lengths_channels_and_rates_are_as_if_alone(window: Window) -> None:
    denoiser = LiveDenoiser(live_streams.core(window))
    kinds = [
        (40_000, 1, RATE),
        (1, 1, RATE),
        (100_000, 2, 44_100),
        (0, 1, RATE),
        (255, 3, RATE),
        (30_000, 1, 8_000),
        (32_768, 1, RATE),
        (33_000, 1, RATE),
        (150_000, 1, 48_000),
    ]
    sounds = [
        live_cores.noise(samples, channels=channels, seed=seed)
        for seed, (samples, channels, _) in enumerate(kinds)
    ]
    assert np.abs(denoiser.denoise(sounds[0], RATE) - sounds[0]).max() > 0.03
    _check_as_if_alone(denoiser, sounds, [rate for _, _, rate in kinds])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=6))
def test_any_lengths_are_as_if_alone(lengths: list[int]) -> None:
    denoiser = LiveDenoiser(live_streams.core())
    sounds = [live_cores.noise(samples, seed=samples) for samples in lengths]
    _check_as_if_alone(denoiser, sounds, [RATE] * len(sounds))


def test_an_exported_model_does_the_same(live_onnx: Path) -> None:
    sounds = [live_cores.noise(samples, seed=samples) for samples in (5000, 12_345, 700, 9000, 1)]
    _check_as_if_alone(load(live_onnx), sounds, [RATE] * len(sounds))


def test_recordings_are_a_batch_and_the_next_begins_where_one_ends() -> None:
    core = Watched()
    sounds = [live_cores.noise(RATE * seconds) for seconds in (1, 9, 9, 9, 9)]
    _several(LiveDenoiser(core), (([sound], RATE) for sound in sounds))
    assert core.shapes[0][0] == 4
    assert max(channels for channels, _ in core.shapes) == 4
    frames = sum(channels * frames for channels, frames in core.shapes)
    assert frames == sum(len(sound) // 256 + 2 for sound in sounds)
    # Nothing but the first recording's end and the last one's runs with fewer than four.
    alone = sum(frames for channels, frames in core.shapes if channels < 4)
    assert alone <= 2 * 128 + 9 * RATE // 256


def test_one_at_a_time_is_possible() -> None:
    core = Watched()
    given = (([live_cores.noise(3000)], RATE) for _ in range(3))
    assert len(list(denoised_side_by_side(core, given, 1))) == 6
    assert {channels for channels, _ in core.shapes} == {1}


def test_a_recording_that_breaks_off_does_not_disturb_the_others() -> None:
    denoiser = LiveDenoiser(live_streams.core())
    sound = live_cores.noise(60_000)

    def broken() -> Iterator[np.ndarray]:
        yield sound[:40_000]
        raise AudioError("is damaged")

    blocks: list[tuple[Iterable[np.ndarray], int]] = [
        ([sound], RATE),
        (broken(), RATE),
        ([sound], 96_000),
        ([sound], RATE),
    ]
    parts, ends = _several(denoiser, blocks)
    assert (ends[0], ends[3]) == (None, None)
    assert str(ends[1]) == "is damaged"
    assert "96000 Hz" in str(ends[2]) and 2 not in parts
    for index in (0, 3):
        alone = denoiser.denoise(sound, RATE)
        np.testing.assert_allclose(np.concatenate(parts[index]), alone, rtol=0, atol=1e-6)


def test_recordings_are_taken_up_and_read_only_when_it_is_their_turn() -> None:
    denoiser = LiveDenoiser(live_streams.core())
    taken = read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 1000
            yield live_cores.noise(1000)

    def recordings() -> Iterator[Recording]:
        nonlocal taken
        while True:
            taken += 1
            yield endless(), RATE

    answered = 0
    for _, part in denoiser.denoise_several(recordings()):
        assert isinstance(part, np.ndarray)
        answered += len(part)
        assert read - answered < 4 * (128 * 256 + 1000 + 512)
        if answered > 20 * RATE:
            break
    assert taken == 4


def test_an_array_that_is_filled_again_for_each_block_does_no_harm() -> None:
    denoiser = LiveDenoiser(live_streams.core())
    sounds = [live_cores.noise(5000, seed=seed) for seed in (0, 1)]
    array = np.zeros((100, 1), np.float32)

    def refilled(sound: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(sound), 100):
            array[:] = sound[start : start + 100]
            yield array

    parts, _ = _several(denoiser, ((refilled(sound), RATE) for sound in sounds))
    for index, sound in enumerate(sounds):
        expected = denoiser.denoise(sound, RATE)
        np.testing.assert_allclose(np.concatenate(parts[index]), expected, rtol=0, atol=1e-6)

"""The live stream: any blocks give the same, at a constant lag, from a state that can be saved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.config import Mixing, Window
from waveform_unet_lru.live.core import State, TorchCore
from waveform_unet_lru.live.stream import Stream

RATE = 16_000
WINDOWS: tuple[Window, ...] = ("32ms", "16ms")


def _pieces(audio: np.ndarray, sizes: Iterable[int]) -> Iterator[np.ndarray]:
    start = 0
    for size in sizes:
        yield audio[start : start + size]
        start += size
        if start >= len(audio):
            return


def _sizes(kind: str, hop: int) -> Iterator[int]:
    generator = np.random.default_rng(0)
    fixed = {"1 hop": hop, "7 hops": 7 * hop, "1 sample": 1, "1 second": RATE}
    while True:
        yield fixed[kind] if kind in fixed else int(generator.integers(0, 2000))


def _run(stream: Stream, blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return all that comes out, the lag's zeros left out."""
    parts = []
    for block in blocks:
        parts.append(stream.process(block))
        assert parts[-1].shape == block.shape and parts[-1].dtype == np.float32
    joined = np.concatenate([*parts, stream.flush().reshape(stream.lag_samples, -1)])
    assert (joined[: stream.lag_samples] == 0).all()
    return joined[stream.lag_samples :]


def _largest_state(stream: Stream) -> float:
    core = [array for name, array in stream.state().items() if name.startswith("core_")]
    return max(float(np.abs(array).max()) for array in core)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", ["1 hop", "7 hops", "1 sample", "1 second", "random"])
@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_blocks_of_any_size_equal_the_whole(kind: str, window: Window, rate: int) -> None:
    core = live_cores.core(window=window)
    audio = live_cores.noise(4000 if kind == "1 sample" else rate + 77)
    whole = _run(Stream(core, rate), [audio])
    stream = Stream(core, rate)
    parts = _run(stream, _pieces(audio, _sizes(kind, stream.hop_samples)))
    assert whole.shape == audio.shape
    assert np.abs(whole - audio).max() > 0.03
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-5)


def test_memory_does_not_grow_with_the_block() -> None:
    class Counting(TorchCore):
        frames: ClassVar[list[int]] = []

        def __call__(self, spectrum: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            self.frames.append(spectrum.shape[1])
            return super().__call__(spectrum, state)

    stream = Stream(Counting(live_cores.network()), RATE)
    stream.process(live_cores.noise(10 * RATE + 100))
    assert sum(Counting.frames) == 10 * RATE // stream.hop_samples
    assert 16 <= max(Counting.frames) <= 256


@pytest.mark.parametrize("mixing", ["attention", "linear"])
def test_a_long_block_is_computed_in_parts_without_a_seam(mixing: Mixing) -> None:
    core = live_cores.core(mixing=mixing)
    audio = live_cores.noise(5 * RATE)
    stream = Stream(core, RATE)
    hops = _run(stream, _pieces(audio, _sizes("1 hop", stream.hop_samples)))
    np.testing.assert_allclose(_run(Stream(core, RATE), [audio]), hops, rtol=0, atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS)
def test_whole_hops_lag_one_hop_less_and_give_the_same(window: Window) -> None:
    core = live_cores.core(window=window)
    free, whole_hops = Stream(core, RATE), Stream(core, RATE, whole_hops=True)
    hop = whole_hops.hop_samples
    assert (free.lag_samples, whole_hops.lag_samples) == (2 * hop, hop)
    audio = live_cores.noise(21 * hop)
    blocks = list(_pieces(audio, [hop, 7 * hop, 0, 13 * hop]))
    np.testing.assert_allclose(_run(whole_hops, blocks), _run(free, [audio]), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match=f"no multiple of {hop}"):
        whole_hops.process(audio[: hop + 1])


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("rate", [8_000, RATE, 44_100, 48_000])
def test_an_untrained_network_returns_the_input_at_the_stated_lag(
    window: Window, rate: int
) -> None:
    stream = Stream(live_cores.untrained(window), rate)
    audio = live_cores.noise(rate // 2 + 3, level=0.3)
    np.testing.assert_allclose(_run(stream, [audio]), audio, rtol=0, atol=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("whole_hops", [False, True])
def test_no_output_depends_on_input_later_than_the_lag(window: Window, whole_hops: bool) -> None:
    core = live_cores.core(window=window)
    stream = Stream(core, RATE, whole_hops=whole_hops)
    hop, lag = stream.hop_samples, stream.lag_samples
    audio = live_cores.noise(30 * hop)
    before = _run(stream, [audio])
    # A sample before the end of a hop is the last one that a frame can wait for; promised whole
    # hops, the stream has a block to its end.
    for changed in [10 * hop, 20 * hop] if whole_hops else [11 * hop - 1, 20 * hop - 1]:
        other = audio.copy()
        other[changed:] += live_cores.noise(len(audio) - changed, seed=1)
        after = _run(stream, [other])
        difference = np.abs(after - before).max(axis=1)
        assert difference[: changed - lag].max() <= 1e-6
        assert difference[changed:].max() > 1e-2
        assert difference[changed - lag : changed - lag + hop].max() > 1e-6


@pytest.mark.parametrize("window", WINDOWS)
def test_a_state_saved_in_mid_stream_goes_on_elsewhere(window: Window, tmp_path: Path) -> None:
    core = live_cores.core(window=window)
    audio = live_cores.noise(9000, channels=2)
    stream = Stream(core, RATE, channels=2)
    stream.process(audio[:4321])
    np.savez(tmp_path / "state.npz", **stream.state())  # type: ignore[arg-type]
    kept = stream.state()
    expected = np.concatenate([stream.process(audio[4321:]), stream.flush()])
    resumed = Stream(core, RATE, channels=2)
    resumed.process(live_cores.noise(777, channels=2, seed=3))
    with np.load(tmp_path / "state.npz") as file:
        resumed.restore(file)
    result = np.concatenate([resumed.process(audio[4321:]), resumed.flush()])
    np.testing.assert_array_equal(result, expected)
    stream.restore(kept)
    np.testing.assert_array_equal(stream.process(audio[4321:]), expected[: -stream.lag_samples])


def test_a_state_before_the_first_sample_is_a_new_stream() -> None:
    stream = Stream(live_cores.core(), RATE)
    state = stream.state()
    audio = live_cores.noise(3000)
    expected = stream.process(audio)
    stream.restore(state)
    np.testing.assert_array_equal(stream.process(audio), expected)


def test_a_state_is_a_copy() -> None:
    audio = live_cores.noise(3000)
    stream, other = (Stream(live_cores.core(), RATE) for _ in range(2))
    for each in (stream, other):
        each.process(audio)
    state = other.state()
    other.restore(state)
    for array in (*state.values(), *other.state().values()):
        array[...] = 1
    np.testing.assert_array_equal(other.process(audio), stream.process(audio))


def test_a_state_of_another_stream_is_refused() -> None:
    core = live_cores.core()
    stream = Stream(core, RATE)
    for other in (
        Stream(core, 8_000),
        Stream(core, RATE, channels=2),
        Stream(core, RATE, whole_hops=True),
        Stream(live_cores.core(window="16ms"), RATE),
    ):
        with pytest.raises(ValueError, match="another"):
            stream.restore(other.state())
    with pytest.raises(ValueError, match="core_0"):
        stream.restore({"input": np.zeros(3)})


def test_a_flushed_stream_begins_anew() -> None:
    stream = Stream(live_cores.core(), RATE)
    audio = live_cores.noise(3000)
    first = _run(stream, [audio])
    np.testing.assert_array_equal(_run(stream, [audio]), first)
    assert stream.flush().shape == (stream.lag_samples,)


def test_channels_are_denoised_each_by_itself() -> None:
    core = live_cores.core()
    audio = live_cores.noise(5000, channels=2) * np.array([1, 1e-3], np.float32)
    both = _run(Stream(core, RATE, channels=2), [audio])
    for channel in (0, 1):
        alone = _run(Stream(core, RATE), [audio[:, channel : channel + 1]])
        np.testing.assert_allclose(both[:, channel], alone[:, 0], rtol=0, atol=1e-6)
        flat = Stream(core, RATE).process(audio[:, channel])
        assert flat.shape == (5000,)
        np.testing.assert_allclose(flat[512:], alone[:-512, 0], rtol=0, atol=1e-6)


def test_what_is_no_signal_is_refused_and_changes_nothing() -> None:
    core = live_cores.core()
    audio = live_cores.noise(4000)
    expected = _run(Stream(core, RATE), [audio])
    stream = Stream(core, RATE)
    for value in (np.nan, np.inf):
        broken = audio[:700].copy()
        broken[600] = value
        with pytest.raises(ValueError, match="not numbers"):
            stream.process(broken)
    for shape in ((700, 2), (700, 1, 1), ()):
        with pytest.raises(ValueError, match="shape"):
            stream.process(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="shape"):
        Stream(core, RATE, channels=2).process(audio[:, 0])
    np.testing.assert_array_equal(_run(stream, [audio]), expected)


def test_silence_and_square_waves_stay_bounded() -> None:
    core = live_cores.core()
    silence = _run(Stream(core, RATE), [np.zeros((3 * RATE, 1), np.float32)])
    assert np.abs(silence).max() == 0
    square = np.sign(np.sin(2 * np.pi * 100 * np.arange(5 * RATE) / RATE)).astype(np.float32)
    result = _run(Stream(core, RATE), [square[:, None]])
    assert np.isfinite(result).all()
    assert np.abs(result).max() < 20


def test_ten_minutes_of_noise_leave_the_state_where_one_minute_left_it() -> None:
    rate = 8_000
    stream = Stream(live_cores.core(), rate)
    levels, states = [], []
    for minute in range(10):
        output = stream.process(live_cores.noise(60 * rate, seed=minute))
        levels.append(float(np.square(output).mean()))
        states.append(_largest_state(stream))
    assert np.isfinite(levels).all()
    assert levels[9] == pytest.approx(levels[0], rel=0.1)
    assert max(states) < 2 * states[0]

"""Raw PCM through a live stream: as many samples, in pieces of any sizes, and what goes wrong."""

from __future__ import annotations

import numpy as np
import pytest

from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_cores, live_streams
from tests.waveform_unet_lru.live_streams import HOP
from waveform_unet_lru.live import streaming
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.denoise import LiveDenoiser
from waveform_unet_lru.live.streaming import Encoding, LiveSound, Pace, denoised_pcm


def _through(
    sound: LiveSound, data: bytes, *, encoding: Encoding = "f32le", align: bool, step: int = 1000
) -> bytes:
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    return b"".join(denoised_pcm(sound, pieces, encoding, align=align))


def _heard(
    sound: LiveSound, noisy: np.ndarray, *, align: bool = True, step: int = 1000
) -> np.ndarray:
    data = _through(sound, noisy.tobytes(), align=align, step=step)
    return np.frombuffer(data, "<f4").reshape(-1, sound.channels)


@pytest.mark.parametrize("frames", [0, 1, 255, 256, 257, 5000])
@pytest.mark.parametrize("channels", [1, 2])
def test_as_many_samples_come_out_aligned_or_behind(frames: int, channels: int) -> None:
    noisy = live_cores.noise(frames, channels=channels)
    expected = LiveDenoiser(live_streams.core()).denoise(noisy, 16_000)
    aligned = _heard(live_streams.sound(channels=channels), noisy)
    np.testing.assert_allclose(aligned, expected, atol=1e-5)
    behind = _heard(live_streams.sound(channels=channels), noisy, align=False)
    shifted = np.concatenate([np.zeros((HOP, channels)), expected])[:frames]
    np.testing.assert_allclose(behind, shifted, atol=1e-5)


@pytest.mark.parametrize("window", ["32ms", "16ms"])
def test_pieces_of_any_size_make_no_difference(window: Window) -> None:
    core = live_streams.core(window)
    noisy = live_cores.noise(3000)
    expected = _heard(live_streams.sound(core), noisy, step=10**6)
    for step in (1, 1023, 4096):
        given = _heard(live_streams.sound(core), noisy, step=step)
        np.testing.assert_allclose(given, expected, atol=1e-6)


def test_16_bit_sound_comes_back_bit_for_bit_and_is_clipped() -> None:
    values = np.random.default_rng(0).integers(-32768, 32767, 3000, dtype="<i2", endpoint=True)
    sound = live_streams.sound(live_cores.untrained())
    given = _through(sound, values.tobytes(), encoding="s16le", align=True)
    np.testing.assert_array_equal(np.frombuffer(given, "<i2"), values)
    assert streaming._encoded(np.array([2.0, -2.0]), "s16le") == b"\xff\x7f\x00\x80"


def test_attenuation_limit_leaves_the_input_at_its_level() -> None:
    noisy = live_cores.noise(3000)
    full, half, none = (
        _heard(live_streams.sound(attenuation_limit_db=limit), noisy) for limit in (None, 6.0, 0.0)
    )
    np.testing.assert_allclose(none, noisy, atol=1e-6)
    kept = 10 ** (-6 / 20)
    np.testing.assert_allclose(half, kept * noisy + (1 - kept) * full, atol=1e-6)


def test_what_is_not_a_number_is_named_by_its_time() -> None:
    noisy = live_cores.noise(4000, channels=2)
    noisy[1600, 1] = np.nan
    with pytest.raises(UserError, match=r"first at 0\.100 s; is it f32le"):
        _heard(live_streams.sound(channels=2), noisy)


def test_pace_tells_when_it_falls_behind_but_not_always(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pace = Pace()
    for _ in range(100):
        pace.add(0.1, 0.09)
    assert capsys.readouterr().err == ""
    for _ in range(100):
        pace.add(0.1, 0.15)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "3.0 s of work for 2.0 s of sound" in said[0]

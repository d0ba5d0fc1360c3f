"""From microphone to speaker: block by block, faults heard of, ended by Ctrl-C."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_cores, live_streams
from tests.waveform_unet_lru.live_streams import HOP
from waveform_unet_lru.live import streaming
from waveform_unet_lru.live.denoise import LiveDenoiser
from waveform_unet_lru.live.microphone import listen
from waveform_unet_lru.live.streaming import LiveSound


class Devices(types.ModuleType):
    """In the place of sounddevice: plays blocks to the callback and then ends."""

    PortAudioError = OSError

    def __init__(self, blocks: list[np.ndarray], *, statuses: list[str] | None = None) -> None:
        super().__init__("sounddevice")
        self.blocks = blocks
        self.statuses = statuses or [""] * len(blocks)
        self.played: list[np.ndarray] = []
        self.given: dict[str, Any] = {}

    def Stream(self, **given: Any) -> Any:
        self.given = given
        return self

    def __enter__(self) -> None:
        for block, status in zip(self.blocks, self.statuses, strict=True):
            out = np.full_like(block, 9)
            self.given["callback"](block, out, len(block), None, status)
            self.played.append(out)
        self.given["finished_callback"]()

    def __exit__(self, *_: object) -> None:
        pass


def test_microphone_is_denoised_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = live_cores.noise(5 * HOP, channels=2)
    devices = Devices(np.split(noisy, 5))
    monkeypatch.setitem(sys.modules, "sounddevice", devices)
    listen(live_streams.sound(channels=2))
    expected = LiveDenoiser(live_streams.core()).denoise(noisy, 16_000)
    np.testing.assert_allclose(np.concatenate(devices.played)[HOP:], expected[:-HOP], atol=1e-5)
    given = {name: devices.given[name] for name in ("samplerate", "blocksize", "channels", "dtype")}
    assert given == {"samplerate": 16_000, "blocksize": HOP, "channels": 2, "dtype": "float32"}


def test_microphone_faults_are_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = np.full((HOP, 1), np.nan, np.float32)
    devices = Devices([bad])
    monkeypatch.setitem(sys.modules, "sounddevice", devices)
    with pytest.raises(ValueError, match="not numbers"):
        listen(live_streams.sound())
    assert not devices.played[0].any()

    def refused(**_: Any) -> Any:
        raise devices.PortAudioError("Invalid sample rate")

    monkeypatch.setattr(devices, "Stream", refused)
    with pytest.raises(UserError, match=r"16000 Hz with 1 channels \(Invalid sample rate\)"):
        listen(live_streams.sound())
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UserError, match=r"voice-from-noise\[live\]"):
        listen(live_streams.sound())


def test_ctrl_c_is_how_a_microphone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    def listen(sound: LiveSound) -> None:
        heard.append(sound.channels)
        raise KeyboardInterrupt

    monkeypatch.setattr("waveform_unet_lru.live.microphone.listen", listen)
    monkeypatch.setattr(
        streaming, "load_pretrained", lambda *_, **__: LiveDenoiser(live_streams.core())
    )
    assert streaming.run(live_streams.options(microphone=True, channels=2)) == 0
    assert heard == [2]

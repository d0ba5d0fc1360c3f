"""From the default microphone to the default output, through sounddevice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from prepare_data.errors import UserError
from waveform_unet_lru.live.streaming import say

if TYPE_CHECKING:
    from waveform_unet_lru.live.streaming import LiveSound

_REPORT_SECONDS = 2.0


def listen(sound: LiveSound) -> None:
    """Denoise the microphone until Ctrl-C or until the device ends it.

    Args:
        sound: the stream.

    Raises:
        UserError: if sounddevice is missing, or there are no devices that do this.
        KeyboardInterrupt: at Ctrl-C.
    """
    sounddevice = _sounddevice()
    dialogue = _Dialogue(sound)
    try:
        with sounddevice.Stream(
            samplerate=sound.sample_rate,
            blocksize=sound.hop_samples,
            channels=sound.channels,
            dtype="float32",
            latency="low",
            callback=dialogue.callback,
            finished_callback=dialogue.ended.set,
        ):
            dialogue.wait()
    except sounddevice.PortAudioError as error:
        raise UserError(
            f"the sound devices do not do {sound.sample_rate} Hz with {sound.channels} channels "
            f"({error}); try another --rate or --channels."
        ) from error


class _Dialogue:
    """What the device's thread and the waiting one tell each other."""

    def __init__(self, sound: LiveSound) -> None:
        self.ended = threading.Event()
        self._sound = sound
        self._late = 0
        self._error: Exception | None = None

    def callback(
        self, heard: np.ndarray, played: np.ndarray, frames: int, times: Any, status: Any
    ) -> None:
        """Answer a block; called by the device."""
        self._late += bool(status)
        try:
            played[:] = self._sound.process(heard)
        except Exception as error:  # in this thread nobody would hear of it
            played.fill(0)
            self._error = error
            self.ended.set()

    def wait(self) -> None:
        """Report what was late until the stream ends."""
        while not self.ended.wait(_REPORT_SECONDS):
            late, self._late = self._late, 0
            if late:
                say(f"falling behind: {late} blocks of sound came or went late.")
        if self._error is not None:
            raise self._error


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise UserError(
            "--mic needs sounddevice, which is not installed: pip install 'voice-from-noise[live]'."
        ) from error
    except OSError as error:
        raise UserError(
            f"--mic needs PortAudio ({error}); install it, for instance the package libportaudio2."
        ) from error
    return sounddevice

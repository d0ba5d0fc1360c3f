"""A live stream through a denoiser: raw PCM from pipe to pipe, or microphone to speaker."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from enhancement.running.effects import Effects, blend
from prepare_data.errors import UserError
from waveform_unet_lru.live.core import TorchCore
from waveform_unet_lru.live.denoise import Backend, LiveDenoiser, load_pretrained

Encoding = Literal["s16le", "f32le"]
_FULL_SCALE = 32768
_AT_ONCE = 65_536  # bytes: as many as a pipe holds
_WARM_UP_SECONDS = 0.5
_PACE_SECONDS = 2.0
_REPORT_SECONDS = 10.0
_INTERRUPTED = 130


@dataclass(frozen=True)
class StreamOptions:
    """What to stream, and how.

    Attributes:
        model: a file, a run's folder or a name; None for the weights that ship with the package.
        backend: "onnx", "torch" or what the file is for.
        encoding: of the samples in a pipe, interleaved.
        sample_rate: in hertz.
        channels: of the sound.
        attenuation_limit_db: see `enhancement.running.effects.Effects`.
        align: whether the lag is taken away, for files.
        microphone: from and to sound devices instead of pipes.

    Raises:
        UserError: for values out of range, or that do not fit each other.
    """

    model: str | None
    backend: Backend | None
    encoding: Encoding
    sample_rate: int
    channels: int
    attenuation_limit_db: float | None
    align: bool
    microphone: bool

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise UserError(f"--channels is 1 or more, not {self.channels}.")
        if self.align and self.microphone:
            raise UserError("--align is for files; a microphone's sound cannot be heard sooner.")


class LiveSound:
    """A stream with the noisy sound mixed back as far as a limit on the attenuation wants it.

    Args:
        denoiser: whose stream it is.
        options: rate, channels and limit.

    Attributes:
        sample_rate: in hertz.
        channels: of the sound.
        hop_samples: every block is a multiple of these.
        lag_samples: from a sample's coming in to its going out.
        pace: of the work.
    """

    def __init__(self, denoiser: LiveDenoiser, options: StreamOptions) -> None:
        self._stream = denoiser.stream(options.sample_rate, options.channels, whole_hops=True)
        self._wet = Effects(attenuation_limit_db=options.attenuation_limit_db).wet
        self.sample_rate = options.sample_rate
        self.channels = options.channels
        self.hop_samples = self._stream.hop_samples
        self.lag_samples = self._stream.lag_samples
        self.pace = Pace()
        self._past = np.zeros((self.lag_samples, self.channels), np.float32)

    def process(self, block: np.ndarray) -> np.ndarray:
        """Take samples of shape (samples, channels) and return as many."""
        started = time.perf_counter()
        denoised = self._stream.process(block)
        noisy = np.concatenate([self._past, block])
        self._past = noisy[len(block) :]
        result = blend(noisy[: len(block)], denoised, wet=self._wet)
        self.pace.add(len(block) / self.sample_rate, time.perf_counter() - started)
        return result

    def flush(self) -> np.ndarray:
        """Return the last samples, as many as the lag."""
        rest = self._stream.flush().reshape(-1, self.channels)
        return blend(self._past, rest, wet=self._wet)


class Pace:
    """Tells on standard error, now and then, that the work takes longer than the sound."""

    def __init__(self) -> None:
        self._sound = self._work = 0.0
        self._silent = 0.0

    def add(self, sound_seconds: float, work_seconds: float) -> None:
        """Count a block and what it took."""
        self._sound += sound_seconds
        self._work += work_seconds
        self._silent -= sound_seconds
        if self._sound < _PACE_SECONDS:
            return
        if self._work > self._sound and self._silent <= 0:
            say(
                f"falling behind: {self._work:.1f} s of work for {self._sound:.1f} s of sound; a "
                "smaller model or fewer channels are quicker."
            )
            self._silent = _REPORT_SECONDS
        self._sound = self._work = 0.0


def run(options: StreamOptions) -> int:
    """Denoise a stream until it ends.

    Returns:
        0, or 130 where Ctrl-C ended a pipe.

    Raises:
        UserError: for a model, a sample rate, an input or devices that cannot be used.
        BrokenPipeError: if the reader of the output has gone.
    """
    if not options.microphone:
        _refuse_terminal()
    denoiser = load_pretrained(options.model, backend=options.backend)
    _warm_up(denoiser, options)
    sound = LiveSound(denoiser, options)
    lag = 1000 * (sound.lag_samples + sound.hop_samples) / sound.sample_rate
    say(
        f"ready: {sound.sample_rate} Hz, channels: {sound.channels}; a listener is {lag:.0f} ms "
        "behind"
    )
    try:
        if options.microphone:
            from waveform_unet_lru.live.microphone import listen

            listen(sound)
        else:
            incoming = iter(partial(os.read, sys.stdin.fileno(), _AT_ONCE), b"")
            for data in denoised_pcm(sound, incoming, options.encoding, align=options.align):
                _write(sys.stdout.fileno(), data)
    except KeyboardInterrupt:
        return 0 if options.microphone else _INTERRUPTED
    return 0


def denoised_pcm(
    sound: LiveSound, incoming: Iterable[bytes], encoding: Encoding, *, align: bool
) -> Iterator[bytes]:
    """Denoise raw PCM as it comes in.

    Args:
        sound: the stream.
        incoming: the PCM in pieces of any sizes.
        encoding: of the samples.
        align: whether the lag's silence is left out at the start and the rest comes at the end;
            otherwise that rest is cut off. As many samples come out as went in.

    Raises:
        UserError: if a sample is not a number.
    """
    taken = written = 0
    skipped = sound.lag_samples if align else 0
    for block in _blocks(sound, incoming, encoding):
        missing = -len(block) % sound.hop_samples
        taken += len(block)
        whole = np.concatenate([block, np.zeros((missing, sound.channels), np.float32)])
        part = sound.process(whole)[skipped:][: taken - written]
        skipped -= min(skipped, len(whole))
        written += len(part)
        yield _encoded(part, encoding)
    if align:
        yield _encoded(sound.flush()[skipped:][: taken - written], encoding)


def say(message: str) -> None:
    """Tell the person at the keyboard."""
    print(f"stream: {message}", file=sys.stderr, flush=True)


def _blocks(
    sound: LiveSound, incoming: Iterable[bytes], encoding: Encoding
) -> Iterator[np.ndarray]:
    """Yield whole hops as soon as they are there, and at the end what is left, if anything."""
    frame_bytes = sound.channels * (2 if encoding == "s16le" else 4)
    hop_bytes = frame_bytes * sound.hop_samples
    waiting = b""
    frames = 0
    for data in incoming:
        waiting += data
        ready = len(waiting) - len(waiting) % hop_bytes
        if ready:
            yield _decoded(waiting[:ready], encoding, sound, frames)
            frames += ready // frame_bytes
            waiting = waiting[ready:]
    odd = len(waiting) % frame_bytes
    if odd:
        say(f"the input ended within a sample; its last {odd} bytes were left out.")
    if len(waiting) > odd:
        yield _decoded(waiting[: len(waiting) - odd], encoding, sound, frames)


def _decoded(data: bytes, encoding: Encoding, sound: LiveSound, frames: int) -> np.ndarray:
    if encoding == "s16le":
        samples = np.frombuffer(data, "<i2").astype(np.float32) / _FULL_SCALE
    else:
        samples = np.frombuffer(data, "<f4").astype(np.float32)
        if not np.isfinite(samples).all():
            first = int(np.flatnonzero(~np.isfinite(samples))[0]) // sound.channels
            raise UserError(
                "the input holds samples that are not numbers (NaN or infinite), the first at "
                f"{(frames + first) / sound.sample_rate:.3f} s; is it {encoding} at all?"
            )
    return samples.reshape(-1, sound.channels)


def _encoded(samples: np.ndarray, encoding: Encoding) -> bytes:
    if encoding == "f32le":
        return samples.astype("<f4").tobytes()
    scaled = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    return scaled.astype("<i2").tobytes()


def _write(descriptor: int, data: bytes) -> None:
    """Write at once, past all buffers: what is in one at a sudden end would be lost or complain."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _refuse_terminal() -> None:
    if sys.stdin.isatty():
        raise UserError("no sound comes in: pipe raw PCM into stream, or use --mic (see --help).")
    if sys.stdout.isatty():
        raise UserError("the sound would go to the terminal: pipe it on, or into a file.")


def _warm_up(denoiser: LiveDenoiser, options: StreamOptions) -> None:
    """Let the first blocks' allocations happen before there is something to be late for."""
    if isinstance(denoiser.core, TorchCore):
        import torch

        torch.set_num_threads(1)  # more wait for each other longer than they work
    stream = denoiser.stream(options.sample_rate, options.channels)
    stream.process(
        np.zeros((round(_WARM_UP_SECONDS * options.sample_rate), options.channels), np.float32)
    )

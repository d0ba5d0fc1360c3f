"""The stream command: it answers at once, ends cleanly, and says what is wrong in a sentence."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import types
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from enhancement.subcommands import run_subcommand
from prepare_data.errors import UserError
from tests.waveform_unet_lru import live_cores, live_streams
from tests.waveform_unet_lru.live_streams import HOP
from waveform_unet_lru import stream_command
from waveform_unet_lru.live import streaming
from waveform_unet_lru.live.denoise import load
from waveform_unet_lru.live.streaming import StreamOptions

_PROGRAM = f"""\
import sys
from enhancement.subcommands import run_subcommand
modules = {{"stream": "{stream_command.__name__}"}}
sys.exit(run_subcommand(None, package="waveform_unet_lru", description="", modules=modules))
"""


def _start(*arguments: object) -> subprocess.Popen[bytes]:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "stream", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=buffered,
    )


def test_answers_while_the_pipe_is_open_and_ends_with_it(live_onnx: Path) -> None:
    noisy = live_cores.noise(10 * HOP + 100)
    expected = load(live_onnx).denoise(noisy, 16_000)[:, 0]
    with _start("--model", live_onnx, "--format", "f32le") as process:
        assert process.stdin and process.stdout and process.stderr
        answers = []
        for start in range(0, 10 * HOP, HOP):
            process.stdin.write(noisy[start : start + HOP].tobytes())
            process.stdin.flush()
            answers.append(process.stdout.read(4 * HOP))
        process.stdin.write(noisy[10 * HOP :].tobytes() + b"odd")
        process.stdin.close()
        answers.append(process.stdout.read())
        said = process.stderr.read().decode().splitlines()
    heard = np.frombuffer(b"".join(answers), "<f4")
    assert process.returncode == 0 and len(heard) == len(noisy)
    np.testing.assert_allclose(heard[HOP:], expected[:-HOP], atol=1e-5)
    assert not heard[:HOP].any()
    assert said[0] == "stream: ready: 16000 Hz, channels: 1; a listener is 32 ms behind"
    assert len(said) == 2 and "last 3 bytes" in said[1]


def test_a_closed_pipe_ends_it_without_a_trace(live_onnx: Path) -> None:
    with _start("--model", live_onnx) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(bytes(4096))
        process.stdin.flush()
        process.stdout.read(512)
        process.stdout.close()
        with pytest.raises(BrokenPipeError):
            while True:
                process.stdin.write(bytes(65_536))
        with suppress(BrokenPipeError):  # what was not yet written
            process.stdin.close()
        said = process.stderr.read().decode().splitlines()
    assert process.returncode == 1 and len(said) == 1 and "ready" in said[0]


def test_ctrl_c_ends_it_without_a_trace(live_onnx: Path) -> None:
    with _start("--model", live_onnx) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(bytes(4096))
        process.stdin.flush()
        process.stdout.read(512)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode().splitlines()
    assert process.returncode == 130 and len(said) == 1 and "ready" in said[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--channels 0", "--channels is 1 or more"),
        ("--rate 96000", "96000 Hz"),
        ("--mic --align", "--align is for files"),
        ("--attenuation-limit-db -3", "--attenuation-limit-db"),
        ("--backend torch", "live.onnx runs on onnxruntime"),
        ("--model nowhere", "nowhere is neither a file nor"),
        ("--format s24le", "--format"),
    ],
)
def test_wrong_options_are_a_sentence(
    live_onnx: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    said: str,
) -> None:
    monkeypatch.setattr(streaming, "_refuse_terminal", lambda: None)
    given = ["stream", "--model", str(live_onnx), *arguments.split()]
    modules = {"stream": stream_command.__name__}
    assert run_subcommand(given, package="p", description="", modules=modules) == 2
    message = capsys.readouterr().err
    assert said in message and len(message.splitlines()) == 1


def test_terminals_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = types.SimpleNamespace(isatty=lambda: True)
    file = types.SimpleNamespace(isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(UserError, match="no sound comes in"):
        streaming.run(live_streams.options())
    monkeypatch.setattr(sys, "stdin", file)
    monkeypatch.setattr(sys, "stdout", terminal)
    with pytest.raises(UserError, match="to the terminal"):
        streaming.run(live_streams.options())


def test_options_reach_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[StreamOptions] = []

    def run(options: StreamOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr(streaming, "run", run)
    parser = argparse.ArgumentParser()
    stream_command.add_arguments(parser)
    line = "--model m --backend onnx --format f32le --rate 48000 --channels 2 --align"
    assert stream_command.command(parser.parse_args(line.split())) == 0
    expected = live_streams.options(
        model="m", backend="onnx", encoding="f32le", sample_rate=48_000, channels=2, align=True
    )
    assert seen == [expected]

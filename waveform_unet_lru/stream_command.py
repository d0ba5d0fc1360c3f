"""`python -m waveform_unet_lru stream`: denoise raw PCM, or the microphone, as it comes in."""

from __future__ import annotations

import argparse

SUMMARY = "denoise a live stream"
_FORMATS = ("s16le", "f32le")
_BACKENDS = ("onnx", "torch")

_DESCRIPTION = """\
Read raw PCM from standard input, remove the noise, and write the same format to standard output at
once, block by block: ffmpeg -i IN -f s16le -ar 48000 -ac 1 - | ... stream --rate 48000 | ... As
many samples come out as go in. They begin with 16 ms of silence and lack the last 16 (8 for a 16 ms
model); with the wait for a block to fill, a listener is 32 ms behind (16). For files, --align takes
the silence away and keeps the end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `stream`."""
    parser.description = _DESCRIPTION
    add = parser.add_argument
    add(
        "--model",
        metavar="NAME|PATH",
        help="weights that ship with this package, an .onnx file, a checkpoint or the folder of a "
        "training run (default: small)",
    )
    add("--backend", choices=_BACKENDS, help="what runs it (default: what the file is for)")
    add("--format", choices=_FORMATS, default=_FORMATS[0], help="default: %(default)s")
    add("--rate", type=int, default=16_000, metavar="HZ", help="default: %(default)s")
    add("--channels", type=int, default=1, metavar="N", help="interleaved (default: %(default)s)")
    add(
        "--attenuation-limit-db",
        type=float,
        metavar="DB",
        help="turn nothing down by more than this: the input stays audible at -DB",
    )
    add(
        "--align",
        action="store_true",
        help="leave out the lag's silence at the start and write the rest at the end, for files",
    )
    add(
        "--mic",
        action="store_true",
        help="from the default microphone to the default output instead, until Ctrl-C",
    )


def command(namespace: argparse.Namespace) -> int:
    """Run `stream`.

    Returns:
        0, or 130 where Ctrl-C ended a pipe.

    Raises:
        UserError: for wrong options or input, or a model that cannot be loaded.
    """
    from waveform_unet_lru.live.streaming import StreamOptions, run

    return run(
        StreamOptions(
            model=namespace.model,
            backend=namespace.backend,
            encoding=namespace.format,
            sample_rate=namespace.rate,
            channels=namespace.channels,
            attenuation_limit_db=namespace.attenuation_limit_db,
            align=namespace.align,
            microphone=namespace.mic,
        )
    )

"""Blend recordings of speech and noise into data sets for training denoisers.

The command `python -m prepare_data` is made of what is exported here:

- `Settings`, `collect`, `Plan`, `render`, `build`: plan a data set, render a line, write it all.
- `DataSet`, `Sample`: iterate over a data set on disk.
- `stft`, `shared_scale`, `own_scale`, `encode_picture`, `decode_picture`, `read_picture`,
  `write_picture`: spectrogram pictures and back.
- `active_speech_level` (ITU-T P.56), `mix`, `to_int16`: levels and blending.
- `read_segment`, `read_blocks`, `read_info`: recordings of any format.
- `write_pack`, `Pack`: all recordings in one file for training on another machine.
- `CreateData`: the older, flat layout.

Names are imported when they are first used, so that `import prepare_data` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prepare_data.audio_io import read_blocks, read_info, read_segment
    from prepare_data.building import build
    from prepare_data.collection import Collection, collect
    from prepare_data.dataset import DataSet, Sample
    from prepare_data.errors import AudioError, UserError
    from prepare_data.legacy import CreateData
    from prepare_data.mixing import Mixture, mix, to_int16
    from prepare_data.pack import Pack, write_pack
    from prepare_data.picture import (
        Scale,
        decode_picture,
        encode_picture,
        own_scale,
        read_picture,
        shared_scale,
        stft,
        write_picture,
    )
    from prepare_data.plan import Plan
    from prepare_data.rendering import Rendered, render
    from prepare_data.settings import Settings
    from prepare_data.speech_level import active_speech_level

_MODULES = {
    "audio_io": ("read_blocks", "read_info", "read_segment"),
    "building": ("build",),
    "collection": ("Collection", "collect"),
    "dataset": ("DataSet", "Sample"),
    "errors": ("AudioError", "UserError"),
    "legacy": ("CreateData",),
    "mixing": ("Mixture", "mix", "to_int16"),
    "pack": ("Pack", "write_pack"),
    "picture": (
        "Scale",
        "decode_picture",
        "encode_picture",
        "own_scale",
        "read_picture",
        "shared_scale",
        "stft",
        "write_picture",
    ),
    "plan": ("Plan",),
    "rendering": ("Rendered", "render"),
    "settings": ("Settings",),
    "speech_level": ("active_speech_level",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AudioError",
    "Collection",
    "CreateData",
    "DataSet",
    "Mixture",
    "Pack",
    "Plan",
    "Rendered",
    "Sample",
    "Scale",
    "Settings",
    "UserError",
    "active_speech_level",
    "build",
    "collect",
    "decode_picture",
    "encode_picture",
    "mix",
    "own_scale",
    "read_blocks",
    "read_info",
    "read_picture",
    "read_segment",
    "render",
    "shared_scale",
    "stft",
    "to_int16",
    "write_pack",
    "write_picture",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

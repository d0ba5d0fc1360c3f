"""`python -m enhancement ship`: a checkpoint made small and put right, for a package to ship."""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

SUMMARY = "write a checkpoint for shipping"
DTYPES = ("float16", "bfloat16", "float32")
_SUFFIX = ".safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ship`."""
    parser.description = (
        "Write a run's best checkpoint, or another one, with its weights in a smaller type and "
        "its settings changed, for instance to the gain rule that was chosen on val."
    )
    add = parser.add_argument
    add("checkpoint", metavar="RUN_OR_CHECKPOINT", help="a training run's folder or a checkpoint")
    add("--out", type=Path, required=True, metavar="FILE", help=f"to write, *{_SUFFIX}")
    add("--dtype", choices=DTYPES, default=DTYPES[0], help="of the weights (default: %(default)s)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change an entry of the checkpoint's configuration; a dot goes one level down "
        "(gain.beta=3), and a value is JSON or else text; may be repeated",
    )


def command(namespace: argparse.Namespace) -> int:
    """Run `ship`.

    Raises:
        UserError: if the checkpoint cannot be used, a setting does not fit it or the file cannot
            be written.
    """
    from enhancement.registry import checkpoint_path

    source = checkpoint_path(namespace.checkpoint)
    size = ship(source, namespace.out, dtype=namespace.dtype, settings=namespace.set)
    megabytes = namespace.out.stat().st_size / 1e6
    print(f"{namespace.out}: {size / 1e6:.3g} M weights in {namespace.dtype}, {megabytes:.3g} MB")
    return 0


def ship(source: Path, out: Path, *, dtype: str, settings: Iterable[str] = ()) -> int:
    """Write a checkpoint for shipping, whole or not at all.

    Args:
        source: a checkpoint.
        out: where to write; another file, whose folder is made if need be.
        dtype: one of `DTYPES`, for all weights that are floating point numbers.
        settings: changes of the configuration as KEY=VALUE; see `with_settings`.

    Returns:
        How many weights there are.

    Raises:
        UserError: if the checkpoint cannot be used, holds numbers that do not fit the type, a
            setting does not fit it or the file cannot be written.
    """
    from enhancement.checkpoints import load_weights, save_weights
    from prepare_data.files import explained

    if out.suffix != _SUFFIX:
        raise UserError(f"--out {out} must end in {_SUFFIX}.")
    if out.resolve() == source.resolve():
        raise UserError(f"--out {out} is the checkpoint itself; name another file.")
    header, weights = load_weights(source)
    header = replace(header, config=with_settings(header.config, settings, source=source))
    converted = _converted(weights, dtype, source)
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(out, converted, header)
    return sum(tensor.numel() for tensor in converted.values())


def with_settings(
    config: Mapping[str, Any], settings: Iterable[str], *, source: Path
) -> dict[str, Any]:
    """Return a configuration with some of its entries changed.

    Args:
        config: plain types; stays as it is.
        settings: KEY=VALUE each; a dot in the key goes one level down, where there must be one, and
            the value is JSON or else text.
        source: the checkpoint that errors name.

    Raises:
        UserError: if a setting is no KEY=VALUE, or there is nothing that its key could be part of.
    """
    changed = copy.deepcopy(dict(config))
    for setting in settings:
        key, equals, value = setting.partition("=")
        *above, last = key.split(".")
        if not equals or not all((*above, last)):
            raise UserError(f"--set {setting} is not KEY=VALUE, such as gain.beta=3.")
        _at(changed, above, setting, source)[last] = _parsed(value)
    return changed


def _at(config: dict[str, Any], above: list[str], setting: str, source: Path) -> dict[str, Any]:
    """Return the part of a configuration that these keys lead to."""
    here: Any = config
    for depth, key in enumerate(above):
        known = ", ".join(sorted(here)) or "nothing"
        here = here.get(key)
        if not isinstance(here, dict):
            path = ".".join(above[: depth + 1])
            raise UserError(
                f"--set {setting}: {path} is no group of settings in {source}, which has {known}."
            )
    return here


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _converted(weights: Mapping[str, Tensor], dtype: str, source: Path) -> dict[str, Tensor]:
    """Convert floating point numbers; counters and the like stay what they are."""
    import torch

    converted = {}
    for name, tensor in weights.items():
        converted[name] = tensor.to(getattr(torch, dtype)) if tensor.is_floating_point() else tensor
        if not bool(torch.isfinite(converted[name]).all()):
            raise UserError(
                f"{name} of {source} holds numbers that {dtype} has no room for, or that are not "
                "finite; choose another --dtype or checkpoint."
            )
    return converted

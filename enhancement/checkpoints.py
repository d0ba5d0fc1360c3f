"""Weights on disk: safetensors with one JSON string that says what they are.

A checkpoint is enough to build its model again: name, configuration, sample rate and a summary of
its training stand in the header, which is read without importing torch. Files of the older,
published projects (`.pt`) are read too, tensors only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from prepare_data.errors import UserError
from prepare_data.files import write_whole

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT_VERSION = 1
_METADATA_KEY = "enhancement"
_LENGTH_BYTES = 8
# safetensors' own limit on the header; a longer one is some other kind of file.
_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Header:
    """What a checkpoint says about itself.

    Attributes:
        model: its name, as `enhancement.registry.load_denoiser` knows it.
        config: the arguments that build the network, plain types.
        sample_rate: of the audio that it works on, in hertz.
        training: a summary of how it came about: epoch, step, losses, data.
        format_version: of this file.
    """

    model: str
    config: dict[str, Any]
    sample_rate: int
    training: dict[str, Any]
    format_version: int = FORMAT_VERSION


def save_weights(path: Path, weights: Mapping[str, Tensor], header: Header) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file, by custom `*.safetensors`; its folder exists.
        weights: name to tensor, any device and dtype; the dtype is kept.
        header: what the file says about itself.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    from safetensors.torch import save

    # Clones, because safetensors refuses tensors that share memory, as tied weights do.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    write_whole(path, save(plain, {_METADATA_KEY: json.dumps(asdict(header))}))


def read_header(path: Path) -> Header:
    """Read what a checkpoint says about itself, without importing torch.

    Raises:
        UserError: if the file is missing, damaged, of another kind or of a newer version.
    """
    try:
        with path.open("rb") as file:
            layout = _layout(path, file)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _header(path, layout)


def load_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """Read a checkpoint.

    Returns:
        The header and the tensors by name, on the CPU.

    Raises:
        UserError: if the file is missing, damaged, of another kind or of a newer version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = read_header(path)
    try:
        return header, load_file(path, device="cpu")
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def load_published(path: Path) -> dict[str, Tensor]:
    """Read a published `.pt` file: a bare state_dict or one under "model_state_dict".

    Only tensors and plain types are read (weights_only), so that no code in the file can run.

    Returns:
        The tensors by name, on the CPU.

    Raises:
        UserError: if the file is missing, damaged or holds something else.
    """
    import torch

    if not path.is_file():
        raise _missing(path)
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # torch.load documents no list of what it raises
        raise UserError(
            f"{path} is not a PyTorch file of plain tensors, or it is damaged; get it again, or "
            "save the model's state_dict() alone."
        ) from error
    if isinstance(content, dict) and "model_state_dict" in content:
        content = content["model_state_dict"]
    if not _is_state_dict(content):
        raise UserError(
            f"{path} holds no weights: neither a state_dict nor one under 'model_state_dict'."
        )
    return dict(content)


def check_model(path: Path, header: Header, model: str) -> None:
    """Refuse a checkpoint of another model.

    Raises:
        UserError: if the header names another model.
    """
    if header.model != model:
        raise UserError(f"{path} holds a {header.model} model, not a {model} model.")


def load_strictly(network: nn.Module, weights: Mapping[str, Tensor], source: str | Path) -> None:
    """Load weights into a network that they must fit name by name and shape by shape.

    Raises:
        UserError: that says which names or shapes differ; the network is then unchanged.
    """
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    differences = [
        *_listed("missing", sorted(own.keys() - given.keys())),
        *_listed("unknown", sorted(given.keys() - own.keys())),
        *_listed("of another shape", _reshaped(own, given)),
    ]
    if differences:
        raise UserError(f"{source} does not fit this network: {'; '.join(differences)}.")
    network.load_state_dict(dict(weights), strict=True)


def _reshaped(own: dict[str, tuple[int, ...]], given: dict[str, tuple[int, ...]]) -> list[str]:
    return [
        f"{name} is {given[name]}, here {own[name]}"
        for name in sorted(own.keys() & given.keys())
        if own[name] != given[name]
    ]


def _listed(what: str, items: list[str], *, shown: int = 4) -> list[str]:
    if not items:
        return []
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return [f"{what}: {', '.join(items[:shown])}{more}"]


def _is_state_dict(content: Any) -> bool:
    import torch

    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(name, str) for name in content)
        and all(isinstance(value, torch.Tensor) for value in content.values())
    )


def _layout(path: Path, file: BinaryIO) -> dict[str, Any]:
    """Read the JSON at a safetensors file's start and check that the tensors are all there."""
    size = path.stat().st_size
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or length > _LONGEST_HEADER:
        raise _other_kind(path)
    text = file.read(length)
    if not text.startswith(b"{"):
        raise _other_kind(path)
    if len(text) < length:
        raise _damaged(path, "it ends within its header")
    try:
        layout = json.loads(text)
        ends = [entry["data_offsets"][1] for name, entry in layout.items() if name[:2] != "__"]
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise _damaged(path, "its header cannot be read") from error
    expected = _LENGTH_BYTES + length + max(ends, default=0)
    if size != expected:
        raise _damaged(path, f"it has {size} bytes instead of {expected}")
    return layout


def _header(path: Path, layout: dict[str, Any]) -> Header:
    text = layout.get("__metadata__", {}).get(_METADATA_KEY)
    if text is None:
        raise UserError(f"{path} is a safetensors file of another program: it names no model.")
    try:
        plain = json.loads(text)
        version = int(plain["format_version"])
        if version <= FORMAT_VERSION:
            return Header(**plain)
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, "what it says about its model cannot be read") from error
    raise UserError(
        f"{path} has format version {version}, this program reads up to {FORMAT_VERSION}; "
        "update the program."
    )


def _missing(path: Path) -> UserError:
    return UserError(f"{path} is not there, or is no file.")


def _unreadable(path: Path, error: OSError) -> UserError:
    if not path.is_file():
        return _missing(path)
    return UserError(f"{path} cannot be read: {error.strerror or error}.")


def _other_kind(path: Path) -> UserError:
    return UserError(f"{path} is not a checkpoint (a .safetensors file).")


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is damaged ({why}); get it again or use another checkpoint.")

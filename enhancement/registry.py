"""Find denoisers by name or by checkpoint, through the entry points of what is installed.

A package offers a denoiser by an entry point of the group `enhancement.denoisers`: name -> loader,
`loader(path: Path | None, **options) -> Denoiser`, where None stands for the weights that the
package ships.
"""

from __future__ import annotations

from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from enhancement.checkpoints import Header, check_model, read_header
from enhancement.denoiser import Denoiser
from enhancement.onnx_files import SUFFIX as ONNX
from enhancement.onnx_files import read_onnx_header
from prepare_data.errors import UserError

GROUP = "enhancement.denoisers"
_SAFETENSORS = ".safetensors"
_BEST = f"best{_SAFETENSORS}"
_PUBLISHED = ".pt"


def model_names() -> list[str]:
    """Return the names of the installed denoisers, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load_denoiser(
    name_or_path: str | Path, *, model: str | None = None, **options: Any
) -> Denoiser:
    """Load a denoiser.

    Args:
        name_or_path: an installed denoiser's name (its own weights), a `.safetensors` checkpoint
            (its header names the model), an `.onnx` export of one (its metadata does), a training
            run's folder (its best checkpoint), or a published `.pt` file. A name wins over a file
            that is called the same.
        model: the name of the model in a `.pt` file, which does not say so itself; for a
            checkpoint it is what the header must say.
        options: handed to the model's loader.

    Returns:
        The denoiser.

    Raises:
        UserError: if there is no such name or file, or the file cannot be used.
    """
    if isinstance(name_or_path, str) and name_or_path in model_names():
        return _loader(name_or_path)(None, **options)
    path = checkpoint_path(name_or_path)
    return _loader(_model_of(path, model), path)(path, **options)


def model_of(name_or_path: str | Path, *, published: str | None = None) -> str:
    """Return the name of the model that `load_denoiser` would load.

    Args:
        name_or_path: see `load_denoiser`.
        published: the name of the model in a `.pt` file.

    Raises:
        UserError: if there is no such name or file, or the file does not say.
    """
    if isinstance(name_or_path, str) and name_or_path in model_names():
        return name_or_path
    path = checkpoint_path(name_or_path)
    return _model_of(path, published if path.suffix == _PUBLISHED else None)


def checkpoint_path(name_or_path: str | Path) -> Path:
    """Return the file with the weights: a name's shipped ones, a run's best ones, or the file.

    Raises:
        UserError: if there is no such name, file or run.
    """
    if isinstance(name_or_path, str) and name_or_path in model_names():
        return shipped_weights(name_or_path)
    path = Path(name_or_path)
    if path.is_dir():
        best = path / _BEST
        if best.is_file():
            return best
        raise UserError(f"{path} is no training run: it has no {_BEST}.")
    if path.is_file():
        return path
    raise UserError(f"{name_or_path} is neither a file nor a known model ({_known()}).")


def shipped_weights(name: str, *, suffix: str = _SAFETENSORS) -> Path:
    """Return the checkpoint of this model in the package that offers it.

    Args:
        name: of the model.
        suffix: ".safetensors", or ".onnx" for what has been exported.

    Raises:
        UserError: if the package ships none.
    """
    package = _entry_point(name).module.partition(".")[0]
    for path in sorted(Path(str(resources.files(package))).rglob(f"*{suffix}")):
        if _header(path).model == name:
            return path
    raise UserError(f"{name} has no weights of its own in {package}; name a checkpoint instead.")


def _model_of(path: Path, model: str | None) -> str:
    if path.suffix != _PUBLISHED:
        header = _header(path)
        if model is not None:
            check_model(path, header, model)
        return header.model
    if model is None:
        raise UserError(f"{path} does not say which model it holds; name it: one of {_known()}.")
    return model


def _header(path: Path) -> Header:
    return read_onnx_header(path) if path.suffix == ONNX else read_header(path)


def _loader(name: str, path: Path | None = None) -> Any:
    return _entry_point(name, path).load()


def _entry_point(name: str, path: Path | None = None) -> EntryPoint:
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point
    source = f"{path} holds a model named {name}, which" if path else name
    raise UserError(f"{source} is not a known model ({_known()}).")


def _known() -> str:
    return ", ".join(model_names()) or "none is installed"

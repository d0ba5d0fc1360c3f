"""Find denoisers by name or by checkpoint, through the entry points of what is installed.

A package offers a denoiser by an entry point of the group `enhancement.denoisers`: name -> loader,
`loader(path: Path | None, **options) -> Denoiser`, where None stands for the weights that the
package ships. Where it ships several, each goes by the name of its file too.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
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
    """Return the names of the installed denoisers and of weights that come with them, sorted."""
    shipped = {path.stem for path in _shipped_files()}
    return sorted(_denoiser_names() | shipped)


def load_denoiser(
    name_or_path: str | Path, *, model: str | None = None, **options: Any
) -> Denoiser:
    """Load a denoiser.

    Args:
        name_or_path: the name of an installed denoiser or of weights that come with one, a
            `.safetensors` checkpoint (its header names the model), an `.onnx` export of one (its
            metadata does), a training run's folder (its best checkpoint), or a published `.pt`
            file. A name wins over a file that is called the same.
        model: the name of the model in a `.pt` file, which does not say so itself; for a
            checkpoint it is what the header must say.
        options: handed to the model's loader. Weights that ship in both forms are taken as ONNX,
            but for `backend="torch"`.

    Returns:
        The denoiser.

    Raises:
        UserError: if there is no such name or file, or the file cannot be used.
    """
    if isinstance(name_or_path, str) and name_or_path in _denoiser_names():
        return _loader(name_or_path)(None, **options)
    path = weights_path(name_or_path, exported=options.get("backend") != "torch")
    return _loader(_model_of(path, model), path)(path, **options)


def model_of(name_or_path: str | Path, *, published: str | None = None) -> str:
    """Return the name of the model that `load_denoiser` would load.

    Args:
        name_or_path: see `load_denoiser`.
        published: the name of the model in a `.pt` file.

    Raises:
        UserError: if there is no such name or file, or the file does not say.
    """
    if isinstance(name_or_path, str) and name_or_path in _denoiser_names():
        return name_or_path
    path = checkpoint_path(name_or_path)
    return _model_of(path, published if path.suffix == _PUBLISHED else None)


def checkpoint_path(name_or_path: str | Path) -> Path:
    """Return the file with the weights: a name's shipped ones, a run's best ones, or the file.

    Raises:
        UserError: if there is no such name, file or run.
    """
    return weights_path(name_or_path, exported=False)


def weights_path(name_or_path: str | Path, *, exported: bool) -> Path:
    """Return the file with the weights, as `checkpoint_path` does.

    Args:
        name_or_path: see `load_denoiser`.
        exported: whether a name stands for the `.onnx` file, where there is one.

    Raises:
        UserError: if there is no such name, file or run.
    """
    if isinstance(name_or_path, str) and name_or_path in model_names():
        checkpoint = shipped_weights(name_or_path)
        onnx = checkpoint.with_suffix(ONNX)
        return onnx if exported and onnx.is_file() else checkpoint
    path = Path(name_or_path)
    if path.is_dir():
        best = path / _BEST
        if best.is_file():
            return best
        raise UserError(f"{path} is no training run: it has no {_BEST}.")
    if path.is_file():
        return path
    raise UserError(f"{name_or_path} is neither a file nor a known model ({_known()}).")


def shipped_weights(name: str) -> Path:
    """Return the checkpoint of this name in the packages that offer denoisers.

    Args:
        name: of a denoiser, or of the file, without its suffix.

    Raises:
        UserError: if none is shipped, or several are that only the names of their files tell apart.
    """
    files = _shipped_files()
    for path in files:
        if path.stem == name:
            return path
    package = _entry_point(name).module.partition(".")[0]
    own = [path for path in files if _header(path).model == name]
    if not own:
        raise UserError(
            f"{name} has no weights of its own in {package}; name a checkpoint instead."
        )
    if len(own) > 1:
        names = ", ".join(path.stem for path in own)
        raise UserError(f"{package} has several weights of {name}; name one of them: {names}.")
    return own[0]


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


def _denoiser_names() -> set[str]:
    return {point.name for point in entry_points(group=GROUP)}


def _shipped_files() -> list[Path]:
    """Return the checkpoints in the packages that offer denoisers."""
    packages = {point.module.partition(".")[0] for point in entry_points(group=GROUP)}
    specs = [find_spec(package) for package in sorted(packages)]
    # A denoiser that is one module, not a package, has no folder and ships nothing.
    folders = [place for spec in specs if spec for place in spec.submodule_search_locations or ()]
    return [path for folder in folders for path in sorted(Path(folder).rglob(f"*{_SAFETENSORS}"))]


def _known() -> str:
    return ", ".join(model_names()) or "none is installed"

"""The systems that are compared: models that are run here, folders of results, baselines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from pathlib import Path

from enhancement import registry
from enhancement.denoiser import Denoiser
from enhancement.evaluation import baselines
from enhancement.evaluation.baselines import BASELINES, installed_baselines, load_baseline
from enhancement.evaluation.clips import Clip, ClipSet, recordings_in
from enhancement.evaluation.fingerprints import of_file, of_package
from enhancement.registry import GROUP, checkpoint_path, model_names, model_of
from prepare_data.errors import UserError

NOISY = "noisy"
ORACLE_MODEL = "spectrogram-oracle"
_ORACLE = "oracle"
_BEST = "best.safetensors"
_PUBLISHED = ".pt"
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|;,\x00-\x1f]')


@dataclass(frozen=True)
class System:
    """A way from a noisy recording to an estimate of its voice.

    Attributes:
        name: in tables, and of its folder.
        kind: "untouched", "folder", "checkpoint", "baseline" or "oracle".
        source: a folder, a checkpoint, or a name of what is installed.
        identity: a fingerprint of all that its results depend on, but for the clip.
    """

    name: str
    kind: str
    source: str
    identity: str = ""

    @property
    def runs_here(self) -> bool:
        """Whether there is something to run, and to time."""
        return self.kind in ("checkpoint", "baseline", "oracle")

    def load(self, clip: Clip) -> Denoiser:
        """Return the denoiser; the oracle's is for this clip alone.

        Raises:
            UserError: if it cannot be loaded.
        """
        if self.kind == "oracle":
            return registry.load_denoiser(self.source, noise=clip.noise)
        if self.kind == "baseline":
            return load_baseline(self.source)
        model, path = _model_and_path(self.source)
        return registry.load_denoiser(path, model=model)


def untouched() -> System:
    """Return the system that leaves its input as it is."""
    return System(NOISY, "untouched", "the input")


def named_systems(texts: Sequence[str], clips: ClipSet) -> list[System]:
    """Return the systems that the command line names.

    Args:
        texts: each NAME=SOURCE, or SOURCE alone, whose last part is then the name. A published
            .pt file does not say which model it holds: MODEL:FILE.pt.
        clips: what they will be measured on.

    Raises:
        UserError: if a source cannot be used or a name cannot be, or is there twice.
    """
    systems: list[System] = []
    taken = {NOISY}
    for text in texts:
        name, equals, source = text.partition("=")
        if not equals or Path(text).exists():
            name, source = _name_of(text), text
        if not source:
            raise UserError(f"--system {text!r} lacks a source: NAME=SOURCE.")
        _check_name(name, taken)
        taken.add(name.lower())
        systems.append(_system(name, source, clips))
    return systems


def baseline_systems(clips: ClipSet, taken: Sequence[System]) -> tuple[list[System], list[str]]:
    """Return what there is of baselines and the oracle, and sentences on what there is not."""
    names = {system.name.lower() for system in taken}
    systems = [
        System(name, "baseline", name, f"{version(name)} {of_file(Path(baselines.__file__))}")
        for name in installed_baselines()
        if name not in names
    ]
    notes = []
    if missing := [name for name in BASELINES if name not in installed_baselines()]:
        notes.append(
            f"left out, not being installed: {', '.join(missing)}; "
            "pip install 'voice-from-noise[bench]'."
        )
    if ORACLE_MODEL in model_names() and clips.kind == "data set" and _ORACLE not in names:
        systems.append(_oracle(_ORACLE))
    else:
        notes.append("left out: the oracle, which needs the noise that a data set has.")
    return systems, notes


def _system(name: str, source: str, clips: ClipSet) -> System:
    if source == ORACLE_MODEL:
        if clips.kind != "data set":
            raise UserError(f"{source} needs the noise alone, which only a data set (--data) has.")
        return _oracle(name)
    model, place = _model_and_path(source)
    path = Path(place)
    if place not in model_names() and path.is_dir() and not (path / _BEST).is_file():
        _check_folder(path, clips)
        return System(name, "folder", str(path))
    if model is None and path.suffix == _PUBLISHED and path.is_file():
        raise UserError(
            f"{path} does not say which model it holds; put the model's name before it, such as "
            f"--system {name}=unet-lru:{path} (there are {', '.join(model_names())})."
        )
    package = _package(model_of(place, published=model))
    parts = [*filter(None, [model]), version("voice-from-noise"), of_package(package)]
    if place not in model_names():
        parts.append(of_file(checkpoint_path(place).absolute()))
    return System(name, "checkpoint", source, " ".join(parts))


def _model_and_path(source: str) -> tuple[str | None, str]:
    """Take MODEL:FILE.pt apart; anything else is a name or a path as it is."""
    model, colon, path = source.partition(":")
    if colon and model in model_names() and path.endswith(_PUBLISHED):
        return model, path
    return None, source


def _name_of(source: str) -> str:
    """Return the last part of a source, a file's without its suffix."""
    path = Path(_model_and_path(source)[1])
    return path.name if path.is_dir() else path.stem


def _oracle(name: str) -> System:
    identity = f"{version('voice-from-noise')} {of_package(_package(ORACLE_MODEL))}"
    return System(name, "oracle", ORACLE_MODEL, identity)


def _package(model: str) -> str:
    """Return the package that offers a model, whose weights and code decide the results."""
    modules = {point.name: point.module for point in entry_points(group=GROUP)}
    return modules[model].partition(".")[0] if model in modules else ""


def _check_folder(folder: Path, clips: ClipSet) -> None:
    names = recordings_in(folder)
    if not any(clip.id in names for clip in clips.clips):
        raise UserError(
            f"{folder} is neither a training run (it has no {_BEST}) nor a folder of results: "
            f"no file in it is called as a clip is, such as {clips.clips[0].id}.wav"
            f"{_in_brackets(names)}."
        )


def _in_brackets(names: Mapping[str, Path]) -> str:
    first = next(iter(names.values()), None)
    return f" (the first is {first.name})" if first else ""


def _check_name(name: str, taken: set[str]) -> None:
    if not name or name.startswith(".") or _NOT_IN_NAMES.search(name):
        raise UserError(f"--system {name!r} is no name for a folder; use letters and digits.")
    if name.lower() in taken:
        raise UserError(f"--system {name} is there twice, or taken; choose another NAME=.")

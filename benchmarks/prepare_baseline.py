"""What `prepare_data` is measured against: a plain script, and the floor under any program.

`python benchmarks/prepare_baseline.py plain SPEECH NOISE OUT` does what older recipes do, in the
way they are written: load every recording with librosa, cut the sound into frames, blend frames
drawn at random, write voice, noise and noisy voice with soundfile and, with PIL, their spectrograms
by librosa's STFT and decibels.

`python benchmarks/prepare_baseline.py floor SET OUT` does the least that anyone must for the audio
of a data set that exists: decode the stretches in its manifest, resample and write. It mixes
nothing and measures nothing, so what it writes is no data set.

Both import what they use where they use it, as `prepare_data` does, so that neither pays for the
other.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

_KINDS = ("voice", "noise", "noisy_voice")
_PICTURE_SIZE = 512
_RANGE_DB = 80.0


def main() -> None:
    """Run one of the two."""
    options = _options()
    if options.command == "plain":
        plain(options)
    else:
        floor(options.data, options.out)


def plain(options: argparse.Namespace) -> None:
    """Blend as older recipes do, all sound in memory."""
    import soundfile

    rate, length = options.sample_rate, round(options.seconds * options.sample_rate)
    voices = _load_frames(options.speech, rate, length)
    noises = _load_frames(options.noise, rate, length)
    folders = _make_folders(options.out, pictures=options.pictures)
    rng = np.random.default_rng(0)
    for index in range(options.samples):
        voice = voices[rng.integers(len(voices))]
        noise = rng.uniform(0.2, 0.8) * noises[rng.integers(len(noises))]
        for kind, audio in zip(_KINDS, (voice, noise, voice + noise), strict=True):
            soundfile.write(folders["audio", kind] / f"{index}.wav", audio, rate)
            if options.pictures:
                _write_picture(folders["spectrogram", kind] / f"{index}.png", audio, rate)


def floor(data: Path, out: Path) -> None:
    """Decode what a manifest names, resample and write."""
    import soundfile

    description = json.loads((data / "dataset.json").read_text())
    settings = description["settings"]
    roots = [Path(corpus["root"]) for corpus in description["corpora"]]
    rate = settings["sample_rate"]
    length = round(settings["seconds"] * 100) * round(rate / 100)
    folders = _make_folders(out, pictures=False)
    with open(data / "manifest.jsonl", encoding="utf-8") as manifest:
        for text in manifest:
            line = json.loads(text)
            voice, noise = (
                _joined([_stretch(entry, roots, rate) for entry in line[kind]], length)
                for kind in ("voice", "noises")
            )
            for kind, audio in zip(_KINDS, (voice, noise, voice), strict=True):
                soundfile.write(folders["audio", kind] / f"{line['id']}.wav", audio, rate)


def _load_frames(folder: Path, rate: int, length: int) -> np.ndarray:
    """Return all sound below a folder in frames of shape (frames, length), float32."""
    import librosa

    suffixes = (".wav", ".flac", ".ogg", ".opus", ".mp3")
    files = sorted(path for path in folder.rglob("*") if path.suffix in suffixes)
    sound = np.concatenate([librosa.load(path, sr=rate)[0] for path in files])
    return sound[: len(sound) // length * length].reshape(-1, length)


def _write_picture(path: Path, audio: np.ndarray, rate: int) -> None:
    """Write decibels below the loudest bin as greys."""
    import librosa
    from PIL import Image

    spectrum = librosa.stft(audio, n_fft=1024, hop_length=round(rate / 100))
    decibels = librosa.amplitude_to_db(np.abs(spectrum), ref=np.max, top_db=_RANGE_DB)
    greys = (-255 * decibels / _RANGE_DB).astype(np.uint8)[::-1]
    Image.fromarray(greys).resize((_PICTURE_SIZE, _PICTURE_SIZE)).save(path)


def _stretch(entry: dict[str, Any], roots: list[Path], rate: int) -> np.ndarray:
    import soundfile
    import soxr

    path = roots[entry["root"]] / entry["path"]
    with soundfile.SoundFile(path) as file:
        file.seek(entry["start_frame"])
        audio = file.read(entry["frames"], dtype="float32", always_2d=True)
        own_rate = file.samplerate
    mono = audio[:, 0] if audio.shape[1] == 1 else audio.mean(axis=1)
    return mono if own_rate == rate else soxr.resample(mono, own_rate, rate)


def _joined(parts: list[np.ndarray], length: int) -> np.ndarray:
    """Put parts one after another and repeat them until the sample is full."""
    return np.resize(np.concatenate(parts), length)


def _make_folders(out: Path, *, pictures: bool) -> dict[tuple[str, str], Path]:
    forms = ("audio", "spectrogram") if pictures else ("audio",)
    folders = {(form, kind): out / form / kind for form in forms for kind in _KINDS}
    for folder in folders.values():
        folder.mkdir(parents=True)
    return folders


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    recipe = commands.add_parser("plain", help="do what older recipes do")
    recipe.add_argument("speech", type=Path)
    recipe.add_argument("noise", type=Path)
    recipe.add_argument("out", type=Path)
    recipe.add_argument("--samples", type=int, default=300, metavar="N")
    recipe.add_argument("--sample-rate", type=int, default=16_000, metavar="HZ")
    recipe.add_argument("--seconds", type=float, default=5.12)
    recipe.add_argument("--no-pictures", dest="pictures", action="store_false")
    least = commands.add_parser("floor", help="decode, resample and write, nothing else")
    least.add_argument("data", type=Path, help="a data set of prepare_data's")
    least.add_argument("out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()

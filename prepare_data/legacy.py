"""The older, flat layout of a data set, behind the older function's name and arguments."""

from __future__ import annotations

import os
from pathlib import Path

from tqdm import tqdm

from prepare_data.collection import collect
from prepare_data.files import explained, write_whole
from prepare_data.plan import Plan
from prepare_data.rendering import KINDS, audio_bytes, picture_bytes, render
from prepare_data.settings import Settings

PICTURE_FOLDER = Path("data/processed/spectrogram")


def CreateData(
    speech_dir: str | os.PathLike[str],
    noise_dir: str | os.PathLike[str],
    sample_rate: int,
    frame_length: int,
    min_duration: float,
    nb_samples: int,
    hop_length: int,
    path_save_sound: str | os.PathLike[str],
) -> None:
    """Blend speech and noise into the flat layout of older projects.

    Writes `path_save_sound/{voice,noise,noisy_voice}/0.wav` and so on, and pictures as
    `data/processed/spectrogram/{voice,noise,noisy_voice}/0.png` below the working folder. The
    noise's amplitude is taken 0.2 to 0.8 times, and each picture is scaled by its own extremes.

    Args:
        speech_dir: folder of speech, any layout and format.
        noise_dir: folder of noise.
        sample_rate: of the audio, in hertz.
        frame_length: samples in one blend.
        min_duration: shortest recording used, in seconds.
        nb_samples: how many blends.
        hop_length: of the pictures' STFT, in samples; its window is twice as long.
        path_save_sound: folder for the audio.

    Raises:
        UserError: if nothing usable is found, or the disk is full.
    """
    settings = Settings(
        samples=(nb_samples, 0, 0),
        split=(1.0, 0.0, 0.0),
        sample_rate=sample_rate,
        seconds=frame_length / sample_rate,
        noises_per_sample=(1, 1),
        noise_level=(0.2, 0.8),
        picture_scale="own",
        n_fft=2 * hop_length,
        hop_length=hop_length,
        min_duration=min_duration,
    )
    collection = collect([Path(speech_dir)], [Path(noise_dir)], settings)
    folders = {"wav": Path(path_save_sound), "png": PICTURE_FOLDER}
    with explained(folders["wav"]):
        for folder in folders.values():
            for kind in KINDS:
                (folder / kind).mkdir(parents=True, exist_ok=True)
    plan = Plan(collection, settings)
    for index, line in enumerate(tqdm(plan, f"saving to {path_save_sound}", disable=None)):
        audio = render(line, collection.roots, settings).audio
        pictures = picture_bytes(audio, settings)
        for kind in KINDS:
            content = audio_bytes(audio[kind], settings)
            write_whole(folders["wav"] / kind / f"{index}.wav", content)
            write_whole(folders["png"] / kind / f"{index}.png", pictures[kind])

"""The training pack: the same sound as in the recordings, in one file that any reader maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from prepare_data import Pack, Settings, UserError, collect, read_segment, write_pack
from prepare_data.collection import Collection
from tests.prepare_data.sounds import speech_like, write_sound


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, demo_noise: Path) -> Collection:
    folder = tmp_path_factory.mktemp("speech")
    for number, rate in enumerate([8000, 16_000, 44_100, 48_000]):
        write_sound(folder / f"s{number}" / "1.flac", 3, rate, seed=number)
    noisy = speech_like(3, 16_000) + 0.02 * np.random.default_rng(0).standard_normal(48_000)
    (folder / "s4").mkdir()
    soundfile.write(folder / "s4" / "noisy.wav", noisy, 16_000)
    settings = Settings(min_speech_snr_db=(30, 30))
    return collect([folder], [demo_noise / "rain"], settings, quiet=True)


def test_pack_holds_every_recording_with_its_source_and_split(
    collection: Collection, tmp_path: Path
) -> None:
    size = write_pack(tmp_path / "pack.safetensors", collection, quiet=True)
    pack = Pack(tmp_path / "pack.safetensors")
    assert size == (tmp_path / "pack.safetensors").stat().st_size
    assert pack.sample_rate == 16_000
    assert [entry.babble for entry in pack.voice_entries] == [False] * 4 + [True]
    assert {entry.split for entry in pack.noise_entries} == {"train", "val", "test"}
    assert len(pack.voices) == sum(entry.length for entry in pack.voice_entries)
    for entry in pack.voice_entries:
        path = collection.roots[0] / entry.path
        audio = pack.voice(entry) / 32_767
        original, rate = read_segment(path, start_frame=0, frames=10**6)
        assert len(audio) == len(original) * 16_000 // rate
        if rate == 16_000:
            assert audio == pytest.approx(original[:, 0], abs=1e-4)
        else:  # resampled: the same level but for what lies above the lower band
            assert np.std(audio) == pytest.approx(np.std(original), rel=0.02)


def test_other_readers_map_the_pack(collection: Collection, tmp_path: Path) -> None:
    from safetensors import safe_open

    write_pack(tmp_path / "pack.safetensors", collection, quiet=True)
    pack = Pack(tmp_path / "pack.safetensors")
    with safe_open(tmp_path / "pack.safetensors", "np") as file:
        assert np.array_equal(file.get_tensor("voices"), pack.voices)
        assert np.array_equal(file.get_tensor("noises"), pack.noises)


def test_what_is_no_pack_is_refused_in_a_sentence(collection: Collection, tmp_path: Path) -> None:
    write_pack(tmp_path / "pack.safetensors", collection, quiet=True)
    whole = (tmp_path / "pack.safetensors").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:1000])
    (tmp_path / "body cut").write_bytes(whole[:-100_000])
    (tmp_path / "text").write_text("hello, I am no pack")
    (tmp_path / "short").write_text("hi")
    for name in ("cut", "body cut", "text", "short"):
        with pytest.raises(UserError, match="no training pack"):
            Pack(tmp_path / name)
    with pytest.raises(UserError, match="cannot be opened"):
        Pack(tmp_path / "missing")

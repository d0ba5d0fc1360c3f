"""Which layouts are recognised, and that a folder holding many corpora is read as what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prepare_data.corpus import Corpus
from prepare_data.errors import UserError
from prepare_data.noise_layouts import find_noise_corpora
from prepare_data.scan import Scanner
from prepare_data.settings import Settings
from prepare_data.speech_layouts import find_speech_corpora


def touch(root: Path, *names: str) -> None:
    """Make files of nothing; recognising a layout reads names alone."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def speech(root: Path, regex: str | None = None) -> dict[str, Corpus]:
    top = Scanner().scan(root)
    assert top is not None
    return {corpus.name: corpus for corpus in find_speech_corpora(top, speaker_regex=regex)}


def noise(root: Path) -> dict[str, Corpus]:
    top = Scanner().scan(root)
    assert top is not None
    return {corpus.name: corpus for corpus in find_noise_corpora(top)}


def sources(corpus: Corpus) -> dict[str, str]:
    return {recording.path: recording.source for recording in corpus.recordings}


def test_librispeech_and_libritts_speakers(tmp_path: Path) -> None:
    touch(tmp_path, "dev-clean/84/121123/84-121123-0000.flac", "dev-clean/84/9/84-9-0001.flac")
    touch(tmp_path, "dev-clean/174/50561/174-50561-0000.flac")
    touch(tmp_path, "LibriTTS/19/198/19_198_000000_000000.wav")
    found = speech(tmp_path)
    assert found["dev-clean"].sources == {"84", "174"}
    assert found["LibriTTS"].sources == {"19"}


def test_common_voice_release_uses_validated_clips_and_client_ids(tmp_path: Path) -> None:
    touch(tmp_path, "hi/clips/a.mp3", "hi/clips/b.mp3", "hi/clips/c.mp3", "hi/clips/invalid.mp3")
    (tmp_path / "hi/validated.tsv").write_text(
        'client_id\tpath\tsentence\nx1\ta.mp3\tHe said "yes\nx1\tb.mp3\tB\nx2\tc\tC\n'
    )
    assert sources(speech(tmp_path)["hi"]) == {
        "clips/a.mp3": "x1",
        "clips/b.mp3": "x1",
        "clips/c.mp3": "x2",
    }


def test_speaker_folders_flat_folders_and_stray_files(tmp_path: Path) -> None:
    touch(tmp_path, "many/anna/1.wav", "many/anna/2.wav", "many/ben/1.wav", "many/stray.wav")
    touch(tmp_path, "flat/1.wav", "flat/2.wav")
    touch(tmp_path, "deep/es/juan/1.wav")
    found = speech(tmp_path)
    assert found["many"].sources == {"anna", "ben", "stray.wav"}
    assert found["flat"].sources == {"1.wav", "2.wav"}
    assert found["es"].sources == {"juan"}


def test_speaker_regex_names_speakers_and_says_when_it_cannot(tmp_path: Path) -> None:
    touch(tmp_path, "x/spk1_a.wav", "x/spk1_b.wav", "x/spk2_a.wav", "x/other.wav")
    (corpus,) = speech(tmp_path, r"(spk\d+)_").values()
    assert corpus.sources == {"spk1", "spk2", "x/other.wav"}
    assert "1 unmatched" in corpus.describe()
    with pytest.raises(UserError, match="--speaker-regex '\\(nobody\\)' finds a speaker in none"):
        speech(tmp_path, "(nobody)")
    for wrong, words in (("(", "malformed"), ("spk", "has no group")):
        with pytest.raises(UserError, match=words):
            Settings(speaker_regex=wrong)


def test_esc50_clips_of_one_file_are_one_source(tmp_path: Path) -> None:
    touch(tmp_path, "audio/1-100032-A-0.wav", "audio/1-100032-B-0.wav", "audio/5-9032-A-0.wav")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n1-100032-B-0.wav,1,0,dog,True,100032,B\n"
        "5-9032-A-0.wav,5,0,dog,True,9032,A\n5-gone-A-0.wav,5,0,dog,True,gone,A\n"
    )
    (corpus,) = noise(tmp_path).values()
    assert corpus.layout == "ESC-50"
    assert sources(corpus)["audio/1-100032-B-0.wav"] == "100032"
    assert {r.fold for r in corpus.recordings} == {1, 5}
    assert len(corpus.recordings) == 3


def test_class_folders_urbansound_demand_and_flat_noise(tmp_path: Path) -> None:
    touch(tmp_path, "ESC-10/001 - Dog bark/2-117271-A.ogg", "ESC-10/002 - Rain/1-17367-A.ogg")
    touch(tmp_path, "US8K/audio/fold1/7061-6-0-0.wav", "US8K/audio/fold10/7061-6-0-1.wav")
    touch(tmp_path, "DEMAND/DKITCHEN/ch01.wav", "DEMAND/DKITCHEN/ch02.wav", "DEMAND/PCAFE/ch01.wav")
    touch(tmp_path, "flat/rain.wav", "flat/wind.wav")
    found = noise(tmp_path)
    dog, rain = found["ESC-10"].recordings
    assert (dog.category, dog.source, dog.fold) == ("Dog bark", "117271", 2)
    assert rain.category == "Rain"
    assert found["US8K"].sources == {"7061"}
    assert found["US8K"].recordings[0].category == "gun_shot"
    assert found["DEMAND"].sources == {"DKITCHEN", "PCAFE"}
    assert {(r.category, r.source) for r in found["flat"].recordings} == {
        ("flat", "rain.wav"),
        ("flat", "wind.wav"),
    }


def test_stray_files_do_not_break_a_layout(tmp_path: Path) -> None:
    names = [f"{s}/{c}/{s}-{c}-{u:04d}.flac" for s in (84, 174) for c in (1, 2) for u in range(6)]
    touch(tmp_path, *(f"speech/{name}" for name in names))
    touch(tmp_path, "speech/stray.wav", "speech/84/1/renamed.flac", "speech/174/beside.flac")
    (corpus,) = speech(tmp_path / "speech").values()
    assert corpus.layout == "speaker/chapter/file"
    assert corpus.sources == {"84", "174", "stray.wav"}
    slices = [f"fold{f}/{source}-3-0-{i}.wav" for f, source in ((1, 7), (2, 9)) for i in range(6)]
    touch(tmp_path, *(f"noise/audio/{name}" for name in slices), "noise/audio/fold1/odd.wav")
    (urban,) = noise(tmp_path / "noise").values()
    assert urban.layout == "UrbanSound8K"
    assert urban.sources == {"7", "9", "audio/fold1/odd.wav"}
    assert next(iter(noise(tmp_path / "noise/audio/fold2").values())).sources == {"9"}


def test_damaged_tables_do_not_stop_the_scan(tmp_path: Path) -> None:
    touch(tmp_path, "a/audio/1-1-A-0.wav", "b/audio/1.wav", "c/clips/1.mp3")
    (tmp_path / "a/meta").mkdir()
    (tmp_path / "a/meta/esc50.csv").write_bytes(b"\xff\xfe\x00nonsense\n\x00")
    (tmp_path / "b/list.csv").write_bytes(b"category,fold,path\n\xff,x,y\n")
    (tmp_path / "c/validated.tsv").write_bytes(b"\xff\xff\tpath\n")
    assert sum(len(corpus.recordings) for corpus in noise(tmp_path).values()) == 3
    assert sum(len(corpus.recordings) for corpus in speech(tmp_path).values()) == 3


def test_hidden_files_are_ignored_and_links_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "corpus/anna/1.wav", "corpus/anna/._1.wav", "corpus/.trash/2.wav")
    touch(tmp_path, "elsewhere/3.wav", "corpus/anna/notes.txt")
    os.symlink(tmp_path / "corpus", tmp_path / "corpus/anna/loop")
    os.symlink(tmp_path / "corpus/anna/1.wav", tmp_path / "corpus/anna/again.wav")
    os.symlink(tmp_path / "elsewhere/3.wav", tmp_path / "corpus/anna/linked.wav")
    os.symlink(tmp_path / "nowhere.wav", tmp_path / "corpus/anna/broken.wav")
    touch(tmp_path, "corpus/.annex/key4.wav")
    os.symlink(tmp_path / "corpus/.annex/key4.wav", tmp_path / "corpus/anna/annexed.wav")
    scanner = Scanner()
    top = scanner.scan(tmp_path / "corpus")
    assert top is not None
    assert [path.name for path in top.walk()] == ["1.wav", "annexed.wav", "linked.wav"]
    assert [path.name for path, _ in scanner.problems] == ["broken.wav"]
    assert scanner.scan(tmp_path / "corpus/anna") is None


def test_real_recordings_are_recognised(speech_data: Path) -> None:
    counts = {name: len(corpus.sources) for name, corpus in speech(speech_data / "speech").items()}
    assert counts == {
        "LibriSpeech": 251,
        "CommonVoice-hsb": 15,
        "OHF-voices": 23,
        "Kerstin-de": 1,
        "Nathalie-nl": 1,
        "Picovoice-s2i": 619,
        "Picovoice-wakewords": 1192,
    }
    found = noise(speech_data / "noise")
    assert "10 categories in 4 folds" in found["ESC-10"].describe()
    assert found["ESC-50-excerpt"].layout == "ESC-50"
    assert found["ESC-50-excerpt"].recordings[0].category
    assert "13 categories" in found["kitchen20"].describe()
    assert len(found["ambience"].sources) == 90

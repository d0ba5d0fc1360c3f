"""Corpora are fetched whole, under their licence, once; what goes wrong is one sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from prepare_data.download import ARCHIVES, download
from prepare_data.download.__main__ import main
from prepare_data.files import only_writer
from prepare_data.noise_layouts import find_noise_corpora
from prepare_data.scan import Scanner
from prepare_data.speech_layouts import find_speech_corpora
from tests.prepare_data.commands import contents
from tests.prepare_data.corpus_server import (
    ESC_CATEGORIES,
    CorpusServer,
    command,
    esc50,
    librispeech,
    offered,
    serving,
    tar,
    zipped,
)

SPEECH, NOISE = "librispeech-dev-clean", "esc50"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CorpusServer]:
    monkeypatch.setattr("prepare_data.download.fetching._FIRST_WAIT_SECONDS", 0.0)
    with serving() as server:
        yield server


def test_librispeech_is_fetched_and_recognised(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = librispeech()
    with offered(server, SPEECH):
        assert main(command(SPEECH, tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "CC BY 4.0" in printed
    assert f"--speech {tmp_path}/LibriSpeech/dev-clean" in printed
    assert sorted(os.listdir(tmp_path)) == ["LibriSpeech"]  # nothing of the work is left
    assert (tmp_path / "LibriSpeech/SPEAKERS.TXT").read_text() == "84 | F\n"
    top = Scanner().scan(tmp_path / "LibriSpeech/dev-clean")
    assert top is not None
    (corpus,) = find_speech_corpora(top)
    assert (corpus.layout, corpus.sources) == ("speaker/chapter/file", {"84", "174", "251"})
    assert len(corpus.recordings) == 6


def test_esc50_is_fetched_and_recognised(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = esc50()
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path, "--keep-archive")) == 0
    printed = capsys.readouterr().out
    assert "CC BY-NC" in printed and "weights trained on it" in printed
    assert sorted(os.listdir(tmp_path)) == ["ESC-50-master", "ESC-50-master.zip"]
    assert (tmp_path / "ESC-50-master.zip").read_bytes() == server.content
    top = Scanner().scan(tmp_path / "ESC-50-master")
    assert top is not None
    (corpus,) = find_noise_corpora(top)
    assert corpus.layout == "ESC-50"
    assert {recording.category for recording in corpus.recordings} == set(ESC_CATEGORIES)
    assert {recording.fold for recording in corpus.recordings} == {1, 2, 3, 4, 5}


def test_what_was_fetched_makes_a_data_set(tmp_path: Path, server: CorpusServer) -> None:
    from prepare_data.__main__ import main as prepare_data

    folders = {}
    for name, content in ((SPEECH, librispeech()), (NOISE, esc50())):
        server.content = content
        folders[name] = str(download(server.archive(name), tmp_path, quiet=True))
    out = tmp_path / "set"
    corpora = ["--speech", folders[SPEECH], "--noise", folders[NOISE], "--out", str(out)]
    samples = ["--samples", "2", "1", "1", "--seconds", "1", "--jobs", "1", "--quiet"]
    assert prepare_data([*corpora, *samples]) == 0
    assert len(list(out.glob("*/audio/noisy_voice/*.wav"))) == 4


def test_a_second_part_lies_beside_the_first(tmp_path: Path, server: CorpusServer) -> None:
    for part in ("dev-clean", "train-clean-100"):
        server.content = librispeech(part)
        with offered(server, f"librispeech-{part}") as archive:
            assert download(archive, tmp_path, quiet=True) == tmp_path / "LibriSpeech" / part
    names = ["README.TXT", "SPEAKERS.TXT", "dev-clean", "train-clean-100"]
    assert sorted(os.listdir(tmp_path / "LibriSpeech")) == names


def test_what_lies_in_the_folder_is_not_overwritten(tmp_path: Path, server: CorpusServer) -> None:
    (tmp_path / "LibriSpeech").mkdir()
    (tmp_path / "LibriSpeech/README.TXT").write_text("mine")
    server.content = librispeech()
    download(server.archive(SPEECH), tmp_path, quiet=True)
    assert (tmp_path / "LibriSpeech/README.TXT").read_text() == "mine"


def test_a_corpus_that_is_there_is_not_fetched_again(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = esc50()
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path)) == 0
        before = contents(tmp_path)
        capsys.readouterr()
        assert main([NOISE, "--to", str(tmp_path)]) == 0  # no licence to agree to either
    assert "is there already" in capsys.readouterr().out
    assert len(server.asked) == 1
    assert contents(tmp_path) == before


def test_a_wrong_checksum_is_named_and_the_file_deleted(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.content = esc50()
    with offered(server, NOISE) as archive:
        assert main(command(NOISE, tmp_path, "--sha256", "0" * 64)) == 2
        error = capsys.readouterr().err
        assert "0" * 64 in error and archive.sha256 in error
        assert error.count("\n") == 1
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
        assert main(command(NOISE, tmp_path)) == 0


def test_without_a_terminal_the_licence_takes_an_option(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with offered(server, NOISE):
        assert main([NOISE, "--to", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "CC BY-NC" in captured.out
    assert "--yes" in captured.err and captured.err.count("\n") == 1
    assert not server.asked and not os.listdir(tmp_path)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 1), ("n", 1)])
def test_on_a_terminal_it_asks(
    tmp_path: Path, server: CorpusServer, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    server.content = esc50()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    with offered(server, NOISE):
        assert main([NOISE, "--to", str(tmp_path), "--quiet"]) == code
    assert len(server.asked) == 1 - code


def test_a_mirror_is_asked_instead(tmp_path: Path, server: CorpusServer) -> None:
    server.content = esc50()
    with offered(server, NOISE), serving() as mirror:
        mirror.content = server.content
        assert main(command(NOISE, tmp_path, "--url", mirror.url)) == 0
        assert len(mirror.asked) == 1 and not server.asked


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sha256", "abc"], "--sha256"),
        (["--url", "corpus.zip"], "corpus.zip"),
        (["--url", "ftp://127.0.0.1/corpus.zip"], "ftp://127.0.0.1/corpus.zip"),
        (["--to", __file__], Path(__file__).name),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_options_are_one_sentence(
    tmp_path: Path,
    server: CorpusServer,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    server.content = esc50()
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path, *options)) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_an_unknown_corpus_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["esc51"]) == 2
    assert "esc50" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (SPEECH, tar({"LibriSpeech/dev-other/84/1/84-1-0000.flac": b""})),
        (NOISE, zipped({"audio/1.wav": b"", "meta/esc50.csv": b""})),
        (NOISE, zipped({"esc50.csv": b""})),
        (NOISE, zipped({})),
        (NOISE, b"<html>Sign in to the network first</html>"),
    ],
)
def test_what_is_no_such_corpus_is_one_sentence_and_nothing_is_put_in_its_place(
    tmp_path: Path,
    server: CorpusServer,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
) -> None:
    server.content = content
    with offered(server, name):
        assert main(command(name, tmp_path)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [f".{name}.download"]
    assert not (tmp_path / f".{name}.download/unpacked").exists()


def test_a_file_in_the_corpus_s_place_is_one_sentence(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ESC-50-master").touch()
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path)) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path,
    server: CorpusServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path)) == 2
    error = capsys.readouterr().err
    assert os.strerror(number) in error and error.count("\n") == 1
    assert not server.asked


def test_too_little_room_is_said_before_the_first_byte(
    tmp_path: Path,
    server: CorpusServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1000))
    server.content = esc50()
    with offered(server, NOISE):
        assert main(command(NOISE, tmp_path)) == 2
    assert "free" in capsys.readouterr().err
    assert not server.asked


def test_a_disk_that_fills_up_while_unpacking_is_one_sentence_and_costs_no_second_download(
    tmp_path: Path,
    server: CorpusServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened(path: Path, mode: str) -> IO[bytes]:
        if len(list(path.parent.iterdir())) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open(path, mode)

    server.content = esc50()
    with offered(server, NOISE):
        with monkeypatch.context() as patched:
            patched.setattr("prepare_data.download.unpacking.open", opened, raising=False)
            assert main(command(NOISE, tmp_path)) == 2
        error = capsys.readouterr().err
        assert "the disk is full" in error and error.count("\n") == 1
        assert not list(tmp_path.rglob("*.wav"))  # the room is given back
        assert main(command(NOISE, tmp_path)) == 0
    assert len(server.asked) == 1


def test_two_downloads_do_not_write_the_same_corpus_at_once(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / f".{NOISE}.download"
    work.mkdir()
    with offered(server, NOISE), only_writer(work):
        assert main(command(NOISE, tmp_path)) == 2
    assert "another process" in capsys.readouterr().err
    assert not server.asked


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    program = (
        "import sys; from prepare_data.download.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pooch', 'requests', 'tqdm', 'av', 'soundfile'}\n"
        "print('imported', heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in ARCHIVES)
    assert done.stdout.splitlines()[-1] == "imported set()"

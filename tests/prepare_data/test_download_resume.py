"""A download that breaks off or is killed goes on: only what is missing travels again."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prepare_data import UserError
from prepare_data.download import download
from prepare_data.download.__main__ import main
from prepare_data.download.fetching import _CHUNK_BYTES, fetch
from tests.prepare_data.commands import contents
from tests.prepare_data.corpus_server import (
    CorpusServer,
    command,
    librispeech,
    offered,
    serving,
    tar,
)

NAME = "librispeech-dev-clean"
NOT_PACKED = random.Random(0).randbytes(300_000)
"""Enough that several chunks travel: a sound that does not compress."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CorpusServer]:
    monkeypatch.setattr("prepare_data.download.fetching._FIRST_WAIT_SECONDS", 0.0)
    with serving() as server:
        server.content = tar({"LibriSpeech/dev-clean/84/1/84-1-0000.flac": NOT_PACKED})
        yield server


def fetched(folder: Path) -> bytes:
    return (folder / "LibriSpeech/dev-clean/84/1/84-1-0000.flac").read_bytes()


def ranges(server: CorpusServer) -> list[str | None]:
    return [headers.get("Range") for headers, _, _ in server.asked]


def test_a_connection_that_breaks_off_is_taken_up_where_it_was(
    tmp_path: Path, server: CorpusServer
) -> None:
    server.break_after = [100_000, 50_000]
    download(server.archive(NAME), tmp_path, quiet=True)
    assert fetched(tmp_path) == NOT_PACKED
    assert [status for _, status, _ in server.asked] == [200, 206, 206]
    assert server.asked[1][0]["If-Range"] == server.tag
    (_, _, first), (_, _, second), (_, _, third) = server.asked
    assert (first, second) == (100_000, 50_000)
    assert 0 <= first + second + third - len(server.content) < 2 * _CHUNK_BYTES


def test_the_next_run_takes_up_what_the_last_one_had(
    tmp_path: Path,
    server: CorpusServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("prepare_data.download.fetching._TRIES", 1)
    server.break_after = [100_000, 0]
    with offered(server, NAME):
        assert main(command(NAME, tmp_path)) == 2
        error = capsys.readouterr().err
        assert "broke off" in error and error.count("\n") == 1
        assert main(command(NAME, tmp_path)) == 0
    assert fetched(tmp_path) == NOT_PACKED
    assert [status for _, status, _ in server.asked] == [200, 206, 206]
    assert 0 <= sum(sent for _, _, sent in server.asked) - len(server.content) < _CHUNK_BYTES


def test_a_server_that_always_breaks_off_is_given_up(tmp_path: Path, server: CorpusServer) -> None:
    server.knows_range = False
    server.break_after = [1000] * 50
    with pytest.raises(UserError, match="broke off"):
        download(server.archive(NAME), tmp_path, quiet=True)
    assert len(server.asked) < 50


@pytest.mark.parametrize("sized", [True, False])
def test_a_server_without_ranges_sends_it_again_from_the_start(
    tmp_path: Path, server: CorpusServer, sized: bool
) -> None:
    server.knows_range, server.sized, server.tag = False, sized, 'W/"weak"'
    server.break_after = [100_000]
    download(server.archive(NAME), tmp_path, quiet=True)
    assert fetched(tmp_path) == NOT_PACKED
    assert [status for _, status, _ in server.asked] == [200, 200]
    assert "If-Range" not in server.asked[1][0]  # a weak tag may not be used for that


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    tmp_path: Path, server: CorpusServer
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    archive = server.archive(NAME)
    (work / f"{archive.file_name}.partial").write_bytes(b"of another version" * 1000)
    (work / f"{archive.file_name}.mark").write_text('"v0"')
    assert fetch(archive, work, quiet=True).read_bytes() == server.content
    assert [(status, sent) for _, status, sent in server.asked] == [(200, len(server.content))]


def test_more_than_the_server_has_is_fetched_from_the_start(
    tmp_path: Path, server: CorpusServer
) -> None:
    archive = server.archive(NAME)
    (tmp_path / f"{archive.file_name}.partial").write_bytes(bytes(len(server.content) + 1))
    (tmp_path / f"{archive.file_name}.mark").write_text(str(server.tag))
    assert fetch(archive, tmp_path, quiet=True).read_bytes() == server.content
    assert [status for _, status, _ in server.asked] == [416, 200]


def test_a_busy_server_is_asked_again(tmp_path: Path, server: CorpusServer) -> None:
    server.statuses = [503, 500, 429]
    download(server.archive(NAME), tmp_path, quiet=True)
    assert [status for _, status, _ in server.asked] == [503, 500, 429, 200]
    assert fetched(tmp_path) == NOT_PACKED


def test_waits_grow_between_tries(
    tmp_path: Path, server: CorpusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("prepare_data.download.fetching._FIRST_WAIT_SECONDS", 1.0)
    monkeypatch.setattr("prepare_data.download.fetching.time.sleep", waits.append)
    server.statuses = [503] * 4
    fetch(server.archive(NAME), tmp_path, quiet=True)
    assert waits == sorted(set(waits)) and len(waits) == 4


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_archive_that_is_not_there_is_one_sentence_and_no_second_try(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    server.statuses = [status]
    with offered(server, NAME):
        assert main(command(NAME, tmp_path)) == 2
    error = capsys.readouterr().err
    assert str(status) in error and server.url in error and error.count("\n") == 1
    assert len(server.asked) == 1


def test_no_network_is_one_sentence(
    tmp_path: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as gone:
        pass
    with offered(server, NAME):
        assert main(command(NAME, tmp_path, "--url", gone.url)) == 2
    error = capsys.readouterr().err
    assert "no connection" in error and gone.url in error and error.count("\n") == 1


def test_a_server_that_sends_without_end_is_stopped(tmp_path: Path, server: CorpusServer) -> None:
    archive = server.archive(NAME)
    server.content = bytes(3 * len(server.content))
    with pytest.raises(UserError, match="sends more"):
        download(archive, tmp_path, quiet=True)
    assert not list(tmp_path.rglob("*.partial"))


def test_a_full_disk_is_one_sentence_and_what_came_is_kept(
    tmp_path: Path,
    server: CorpusServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import requests

    real = requests.Response.iter_content

    def full(self: requests.Response, size: int) -> Iterator[bytes]:
        yield next(real(self, size))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as writing the next would

    with offered(server, NAME):
        with monkeypatch.context() as patched:
            patched.setattr(requests.Response, "iter_content", full)
            assert main(command(NAME, tmp_path)) == 2
        error = capsys.readouterr().err
        assert "the disk is full" in error and error.count("\n") == 1
        assert main(command(NAME, tmp_path)) == 0
    assert ranges(server)[1] is not None
    assert fetched(tmp_path) == NOT_PACKED


def start(server: CorpusServer, to: Path, before: str = "") -> subprocess.Popen[bytes]:
    """Start the command in a process of its own, with the server's file in its catalog."""
    archive = server.archive(NAME)
    program = (
        "import sys\n"
        "from dataclasses import replace\n"
        "from prepare_data.download import ARCHIVES\n"
        "from prepare_data.download.__main__ import main\n"
        f"ARCHIVES[{NAME!r}] = replace(ARCHIVES[{NAME!r}], url={archive.url!r},\n"
        f"    sha256={archive.sha256!r}, size_bytes={archive.size_bytes},\n"
        f"    unpacked_bytes={archive.unpacked_bytes})\n"
        f"{before}\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *command(NAME, to)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_download_that_is_stopped_goes_on(
    tmp_path: Path, server: CorpusServer, number: signal.Signals
) -> None:
    server.break_after, server.hold = [200_000], threading.Event()
    process = start(server, tmp_path)
    partial = tmp_path / f".{NAME}.download/dev-clean.tar.gz.partial"
    while process.poll() is None and not (partial.exists() and partial.stat().st_size):
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if number != signal.SIGKILL:
        assert errors.count(b"\n") == 1 and b"go on" in errors
    had = partial.stat().st_size
    assert 0 < had <= 200_000
    server.hold.set()
    download(server.archive(NAME), tmp_path, quiet=True)
    assert ranges(server) == [None, f"bytes={had}-"]
    assert fetched(tmp_path) == NOT_PACKED


@pytest.mark.parametrize(
    "where", ["pooch.core.hash_matches", "prepare_data.download.unpacking._safe"]
)
def test_killed_while_checking_or_unpacking_it_fetches_nothing_again(
    tmp_path: Path, server: CorpusServer, where: str
) -> None:
    server.content = librispeech()
    module, name = where.rsplit(".", 1)
    dying = (
        f"import os, signal, {module} as module\n"
        f"real, calls = module.{name}, []\n"
        "def die(*arguments, **options):\n"
        "    calls.append(1)\n"
        f"    if len(calls) == {3 if name == '_safe' else 1}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*arguments, **options)\n"
        f"module.{name} = die\n"
    )
    process = start(server, tmp_path, dying)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == [f".{NAME}.download"]  # no half corpus
    download(server.archive(NAME), tmp_path, quiet=True)
    assert len(server.asked) == 1
    assert os.listdir(tmp_path) == ["LibriSpeech"]
    undisturbed = tmp_path / "again"
    download(server.archive(NAME), undisturbed, quiet=True)
    assert contents(tmp_path / "LibriSpeech") == contents(undisturbed / "LibriSpeech")

"""Small corpora in the layouts of the large ones, and a server that gives them out or fails to."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import soundfile

from prepare_data.download import ARCHIVES, Archive
from tests.prepare_data.sounds import speech_like

ESC_CATEGORIES = ("dog", "rain", "clapping", "engine")


def librispeech(part: str = "dev-clean") -> bytes:
    """A gzipped tar of three readers with a chapter each, and the texts beside them."""
    files = {"LibriSpeech/README.TXT": b"LibriSpeech\n", "LibriSpeech/SPEAKERS.TXT": b"84 | F\n"}
    for speaker, chapter in ((84, 121123), (174, 50561), (251, 136532)):
        folder = f"LibriSpeech/{part}/{speaker}/{chapter}"
        names = [f"{speaker}-{chapter}-{i:04d}" for i in range(2)]
        for i, name in enumerate(names):
            files[f"{folder}/{name}.flac"] = sound("FLAC", 16_000, seed=speaker + i)
        text = "".join(f"{name} A WORD\n" for name in names)
        files[f"{folder}/{speaker}-{chapter}.trans.txt"] = text.encode()
    return tar(files)


def esc50(top: str = "ESC-50-33c8ce9") -> bytes:
    """A zip of five folds of four categories, under the name that GitHub gives to a commit."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["filename", "fold", "target", "category", "esc10", "src_file", "take"])
    files = {}
    for number in range(20):
        fold, target = number % 5 + 1, number // 5
        name = f"{fold}-{1000 + number}-A-{target}.wav"
        rows.writerow([name, fold, target, ESC_CATEGORIES[target], False, 1000 + number, "A"])
        files[f"{top}/audio/{name}"] = sound("WAV", 16_000, seed=number)
    files[f"{top}/meta/esc50.csv"] = table.getvalue().encode()
    files[f"{top}/LICENSE"] = b"CC BY-NC 3.0\n"
    return zipped(files)


@functools.cache
def sound(form: str, sample_rate: int, seed: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech_like(2, sample_rate, seed), sample_rate, format=form)
    return buffer.getvalue()


def tar(files: dict[str, bytes], *others: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    """Pack files, then entries without content, such as links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as packed:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        for info in others:
            packed.addfile(info)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return buffer.getvalue()


@dataclass
class CorpusServer:
    """What the server gives and how it behaves, and what it was asked.

    Attributes:
        content: the one file that it has.
        knows_range: whether it sends a part when asked for it.
        tag: the file's ETag, or nothing.
        sized: whether it says how long the answer is, or sends it in chunks.
        statuses: what it answers first, one each time, before it gives the file.
        break_after: how many bytes of the answer go out before it hangs up, one each time.
        hold: if set, it waits there for this event before it hangs up.
        asked: for each request its headers, the status and how many bytes went out.
    """

    url: str
    content: bytes = b""
    knows_range: bool = True
    tag: str | None = '"v1"'
    sized: bool = True
    statuses: list[int] = field(default_factory=list)
    break_after: list[int] = field(default_factory=list)
    hold: threading.Event | None = None
    asked: list[tuple[dict[str, str], int, int]] = field(default_factory=list)

    def archive(self, name: str) -> Archive:
        """Return the catalog's entry, made to fit this server and its small file."""
        return replace(
            ARCHIVES[name],
            url=self.url,
            sha256=hashlib.sha256(self.content).hexdigest(),
            size_bytes=len(self.content),
            unpacked_bytes=10_000_000,
        )


@contextmanager
def serving() -> Iterator[CorpusServer]:
    """Run a server on this machine for a while."""
    http = _Quiet(("127.0.0.1", 0), _Handler)
    server = CorpusServer(f"http://127.0.0.1:{http.server_address[1]}/corpus")
    http.corpus = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        if server.hold is not None:
            server.hold.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: object) -> None:
        """Say nothing when the other side hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: CorpusServer = self.server.corpus  # type: ignore[attr-defined]
        asked = dict(self.headers)
        if server.statuses:
            status = server.statuses.pop(0)
            server.asked.append((asked, status, 0))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status, start = self._part(server, asked)
        body = server.content[start:]
        room = server.break_after.pop(0) if server.break_after else len(body)
        server.asked.append((asked, status, min(room, len(body))))
        self._head(server, status, start)
        broken = room < len(body)
        if not server.sized:
            body = b"%x\r\n%b\r\n" % (len(body), body) + b"0\r\n\r\n"
        self.wfile.write(body[:room] if broken else body)
        if broken:
            if server.hold is not None:
                server.hold.wait()
            self.close_connection = True

    def _part(self, server: CorpusServer, asked: dict[str, str]) -> tuple[int, int]:
        wanted = asked.get("Range")
        if not (server.knows_range and wanted and asked.get("If-Range", server.tag) == server.tag):
            return 200, 0
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return (206, start) if start < len(server.content) else (416, len(server.content))

    def _head(self, server: CorpusServer, status: int, start: int) -> None:
        whole = len(server.content)
        self.send_response(status)
        if server.tag:
            self.send_header("ETag", server.tag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{whole}")
        if server.sized:
            self.send_header("Content-Length", str(whole - start))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def offered(server: CorpusServer, name: str) -> Iterator[Archive]:
    """Put the server's file into the catalog under a corpus's name."""
    before, archive = ARCHIVES[name], server.archive(name)
    ARCHIVES[name] = archive
    try:
        yield archive
    finally:
        ARCHIVES[name] = before


def command(name: str, to: Path, *options: str) -> list[str]:
    return [name, "--to", str(to), "--yes", "--quiet", *options]

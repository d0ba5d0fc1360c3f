"""Fetch an archive over HTTP: try again, go on where it broke off, believe only the checksum."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.download.catalog import Archive
from prepare_data.errors import UserError
from prepare_data.files import explained

if TYPE_CHECKING:
    from requests import Response

_TRIES = 6  # without a byte of progress between them
_FIRST_WAIT_SECONDS = 1.0  # doubled each time
_LONGEST_WAIT_SECONDS = 60.0
_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 14  # as much is lost when the connection breaks off
_BUSY = (408, 425, 429)  # and every 5xx: worth another try


class _TryAgainError(Exception):
    """Something that may be gone in a moment, and how long the server says to wait."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


def fetch(archive: Archive, folder: Path, *, quiet: bool = False) -> Path:
    """Download an archive into a folder, or go on with it, and check it.

    Args:
        archive: what to fetch.
        folder: keeps the archive, and the part of it that has come when this is stopped.
        quiet: show no progress.

    Returns:
        The archive's path; its checksum is right.

    Raises:
        UserError: if the server cannot be reached, does not have it or sends something else, or
            if the disk is full.
    """
    import pooch

    pooch.get_logger().setLevel("WARNING")
    for forgotten in folder.glob("tmp*"):  # pooch's own, of a killed run
        forgotten.unlink()
    partial = folder / f"{archive.file_name}.partial"
    try:
        path = pooch.retrieve(
            archive.url,
            known_hash=f"sha256:{archive.sha256}",
            fname=archive.file_name,
            path=folder,
            downloader=ResumingDownloader(archive, partial, quiet=quiet),
        )
    except ValueError as error:
        _forget(partial)
        raise UserError(
            f"{archive.url}: {error} Run the same command again to fetch it anew; if its publisher "
            "has packed it anew, --sha256 takes the new sum."
        ) from error
    _forget(partial)
    return Path(path)


@dataclass
class ResumingDownloader:
    """A downloader for `pooch.retrieve` that keeps what has come when the connection breaks.

    pooch's own starts from nothing each time. This one asks for the rest with Range, and with
    If-Range where the server marks versions, so that it sends the whole if the file has changed
    (RFC 9110, sections 13.1.5 and 14.2); where the server does not know Range, it starts again.

    Attributes:
        archive: what is fetched.
        partial: the file that grows; it outlives this process.
        quiet: show no progress.
    """

    archive: Archive
    partial: Path
    quiet: bool = False
    _bar: Any = field(init=False, repr=False)

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Download `url` and leave it at `output_file`."""
        with explained(self.partial):
            if self._size() != self.archive.size_bytes:  # else it was stopped while being checked
                self._download(url)
            # A second name for the same bytes: pooch removes its own when the check is stopped.
            os.unlink(output_file)
            try:
                os.link(self.partial, output_file)
            except OSError:  # a file system without links
                os.replace(self.partial, output_file)

    def _download(self, url: str) -> None:
        from tqdm import tqdm

        failures, most = 0, self._size()
        with tqdm(
            desc=self.archive.name, unit="B", unit_scale=True, disable=self.quiet or None
        ) as self._bar:
            while True:
                try:
                    return self._attempt(url)
                except _TryAgainError as error:
                    failures = 0 if self._size() > most else failures + 1
                    most = max(most, self._size())
                    if failures == _TRIES:
                        raise UserError(
                            f"{url} cannot be fetched: {error}. Run the same command again to go "
                            "on, or name a mirror with --url."
                        ) from error
                    self._wait(failures, error)

    def _attempt(self, url: str) -> None:
        """Ask once for what is missing and write what comes.

        Raises:
            _TryAgainError: if it broke off or the server is busy.
            UserError: if another try would end the same.
        """
        import requests

        have = self._size()
        headers = {"Accept-Encoding": "identity"}  # or the bytes on the way are not the file's
        if have:
            headers["Range"] = f"bytes={have}-"
            with suppress(OSError):
                headers["If-Range"] = _mark_file(self.partial).read_text(encoding="utf-8")
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as reply:
                if not self._is_complete(reply, have):
                    self._refuse(reply, url)
                    self._write(reply, have)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _TryAgainError(_reason(error)) from error
        except requests.RequestException as error:
            raise UserError(f"{url} cannot be fetched: {error}") from error

    def _is_complete(self, reply: Response, have: int) -> bool:
        """Return whether the server says that nothing is missing."""
        if reply.status_code != 416:
            return False
        if reply.headers.get("Content-Range") != f"bytes */{have}":
            self.partial.unlink(missing_ok=True)  # more than there is: not the same file
            raise _TryAgainError("the server has less than what is here")
        return True

    def _refuse(self, reply: Response, url: str) -> None:
        status = f"the server answers {reply.status_code} {reply.reason}"
        if reply.status_code in _BUSY or reply.status_code >= 500:
            asked = reply.headers.get("Retry-After", "")
            raise _TryAgainError(status, float(asked) if asked.isdecimal() else 0.0)
        if reply.status_code >= 400:
            raise UserError(f"{url} cannot be fetched: {status}. Name a mirror with --url.")

    def _write(self, reply: Response, have: int) -> None:
        goes_on = reply.status_code == 206
        if goes_on and not reply.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            self.partial.unlink(missing_ok=True)
            raise _TryAgainError("the server sends another part than asked for")
        if not goes_on:
            have = 0
            self.partial.unlink(missing_ok=True)
            _keep_mark(reply, _mark_file(self.partial))
        length = reply.headers.get("Content-Length", "")
        self._bar.total = have + int(length) if length.isdecimal() else None
        self._bar.n = self._bar.initial = have
        with open(self.partial, "ab") as file:
            for chunk in reply.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                have += len(chunk)
                self._bar.update(len(chunk))
                if have > self.archive.most_archive_bytes:
                    self.partial.unlink()
                    raise UserError(
                        f"{reply.url} sends more than {self.archive.most_archive_bytes} bytes, "
                        f"which {self.archive.name} has not; it was deleted."
                    )

    def _size(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _wait(self, failures: int, error: _TryAgainError) -> None:
        seconds = max(_FIRST_WAIT_SECONDS * 2**failures, error.wait_seconds)
        seconds = min(seconds, _LONGEST_WAIT_SECONDS)
        if not self.quiet:
            self._bar.write(f"{error}; trying again in {seconds:.0f} s", file=sys.stderr)
        time.sleep(seconds)


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _mark_file(partial).unlink(missing_ok=True)


def _mark_file(partial: Path) -> Path:
    return partial.with_suffix(".mark")


def _keep_mark(reply: Response, file: Path) -> None:
    """Keep what tells this version from others; weak ETags may not be used for that."""
    tag = reply.headers.get("ETag", "")
    mark = tag if tag.startswith('"') else reply.headers.get("Last-Modified", "")
    if mark:
        file.write_text(mark, encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """Say in a few words what a chain of exceptions of three libraries is about."""
    import requests

    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "the server does not answer"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    return "there is no connection to the server"

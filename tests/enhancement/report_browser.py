"""A real browser for the tests of the report; without one they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses its sandbox to root, as which continuous integration runs
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
)


@contextmanager
def browser() -> Iterator[Browser]:
    """Give the browser on PATH, or the one that CHROMIUM names."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    named = os.environ.get("CHROMIUM")
    path = named or next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no chromium on PATH; CHROMIUM may name one")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield started
        finally:
            started.close()


class Watched:
    """A page that is open, and what went on in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self._failed(request))
        page.on("console", lambda message: self._said(message))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self._asked(dialog))

    def js(self, expression: str) -> Any:
        """Return what an expression gives in the page."""
        return self.page.evaluate(expression)

    def until(self, expression: str) -> None:
        """Wait until an expression holds in the page."""
        self.page.wait_for_function(expression)

    def shown(self) -> list[str]:
        """Return the names of the clips that are listed, in order."""
        return self.page.locator("article:not([hidden]) h3").all_text_contents()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def _failed(self, request: Any) -> None:
        # What is let go of while it loads, such as the sounds of the clip before, is no fault.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url}: {request.failure}")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _asked(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def opened(started: Browser, page: Path, *, width: int = 1200, dark: bool = False) -> Watched:
    """Open a page from the disk."""
    scheme: Any = "dark" if dark else "light"
    watched = Watched(
        started.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    )
    watched.page.goto(page.as_uri())
    return watched

"""The report's page where it is hard: on a phone with many systems, and with hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from enhancement.report.building import build_report
from tests.enhancement.report_browser import browser, opened
from tests.enhancement.report_results import (
    HOSTILE,
    RATE,
    read_scores,
    save,
    voice,
    write_results,
)


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_down_only(started: Any, tmp_path: Path, dark: bool) -> None:
    systems = ("noisy", *(f"{'long-' * 8}{number}" for number in range(16)))
    write_results(tmp_path, systems=systems, clips=2, ids=("x" * 90,), seconds=0.3)
    watched = opened(started, build_report(tmp_path, jobs=1), width=360, dark=dark)
    watched.until("views[0].cards.length === 18")
    for button in (None, "#blind"):
        if button:
            watched.page.click(button)
        assert watched.js("document.documentElement.scrollWidth") == 360
        assert watched.js("getComputedStyle(document.body).overflowX") == "visible"
    ground = watched.js("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 384) is dark
    assert not watched.faults
    watched.page.close()


def test_hostile_names_are_only_names(started: Any, tmp_path: Path) -> None:
    clip = '"><img src=x onerror=alert(2)>'
    systems = ("noisy", HOSTILE.replace("/", "|"), "' onclick='alert(4)")
    categories = ("</script><script>alert(5)</script>", "$\\frac{$")
    write_results(tmp_path, systems=systems, clips=3, ids=(clip,), categories=categories)
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary["systems"][1]["name"] = HOSTILE
    for row in summary["rows"]:
        row["system"] = HOSTILE if row["system"] == systems[1] else row["system"]
    summary["failures"] = [{"clip": clip, "system": HOSTILE, "metric": None, "reason": HOSTILE}]
    summary["data"]["path"] = summary["made"]["command"] = HOSTILE
    summary["metrics"] = [{**summary["metrics"][0], "label": HOSTILE}]
    scores: Any = read_scores(tmp_path)
    renamed = {(c, HOSTILE if s == systems[1] else s): v for (c, s), v in scores.items()}
    save(tmp_path, summary, renamed)
    page = build_report(tmp_path, jobs=1)
    watched = opened(started, page)
    watched.page.click("#worst")
    watched.page.click("#clear")
    watched.press("2", "j", "k", " ")
    watched.until("player.position() > 0.1")
    assert watched.page.locator("article.current .pick .name").nth(1).text_content() == HOSTILE
    assert watched.page.locator("article h3").first.text_content() == clip
    watched.page.click("#blind")
    watched.press("r")
    watched.page.click("#finish")
    assert watched.page.locator("script:not([src])").count() == 1  # the data
    assert watched.page.locator("img[src=x], [onclick]").count() == 0
    assert not watched.faults
    folder = page.parent
    inside = (folder.as_uri() + "/", "data:")
    assert [url for url in watched.requests if not url.startswith(inside)] == []
    watched.page.close()


def test_a_shorter_result_keeps_the_position(started: Any, tmp_path: Path) -> None:
    write_results(tmp_path, clips=1, seconds=3.0)
    soundfile.write(tmp_path / "audio/1/000000.wav", voice(1.0, 0), RATE)
    watched = opened(started, build_report(tmp_path, jobs=1))
    watched.until("player.sounds.every((sound) => sound.readyState >= 3)")
    watched.js("player.seek(2)")
    watched.press(" ", "2")
    watched.until("player.track === 1 && player.position() > 2.2")
    assert watched.js("player.playing")
    watched.press("3")
    assert watched.js("player.playing") and 2.2 < watched.js("player.position()") < 3
    assert not watched.faults
    watched.page.close()


def test_no_clip_left_is_no_fault(started: Any, tmp_path: Path) -> None:
    write_results(tmp_path, clips=2)
    watched = opened(started, build_report(tmp_path, jobs=1))
    watched.page.select_option("[name=outcome]", "failed")
    assert watched.shown() == []
    assert watched.page.locator("#now").inner_text().strip() == ""
    watched.page.locator("#seek").fill("0.5")
    watched.page.click("#play")
    watched.page.locator("#play").focus()
    watched.press("1", "ArrowRight", "j", "k", "r", "?")
    assert watched.js("byId('keys').open")
    watched.press("Escape")
    watched.page.click("#clear")
    watched.press("j", "2")
    watched.until("player.view.clip.id === '000001' && player.track === 1")
    assert not watched.faults
    watched.page.close()


def test_a_key_held_down_plays_once(started: Any, tmp_path: Path) -> None:
    write_results(tmp_path, clips=1)
    watched = opened(started, build_report(tmp_path, jobs=1))
    for _ in range(2):  # the second is what a browser sends while the key stays down
        watched.page.keyboard.down(" ")
    assert watched.js("player.playing")
    watched.page.keyboard.up(" ")
    watched.page.close()


def test_recordings_of_unknown_noise_have_no_filters_of_it(started: Any, tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=2)
    for clip in summary["clips"]:
        clip.update(snr_db=None, category=None, corpus=None, clean=None)
    summary["rows"] = [row for row in summary["rows"] if row["by"] == "all"]
    note = "left out of noisy, for want of a file of the same name: <b>."
    summary["data"] = {**summary["data"], "kind": "recordings", "notes": [note]}
    scores: Any = read_scores(tmp_path)
    save(tmp_path, summary, scores)
    watched = opened(started, build_report(tmp_path, jobs=1))
    offered = watched.page.locator(".tools label:visible select")
    names = [select.get_attribute("name") for select in offered.all()]
    assert names == ["sort", "system", "metric", "outcome"]
    options = watched.js("[...tools.elements.sort.options].map((one) => !one.hidden && one.value)")
    assert "worst" in options and "snr-up" not in options
    assert watched.page.locator("header").get_by_text(note).count() == 1
    watched.page.close()

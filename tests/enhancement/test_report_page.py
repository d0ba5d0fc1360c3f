"""The report's page in a real browser: it plays, switches, sorts, hides names and calls nobody."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enhancement.report.building import build_report
from tests.enhancement.report_browser import Watched, browser, opened
from tests.enhancement.report_results import METRICS, read_scores, save, write_results

MISSING = "000004"


@pytest.fixture(scope="module")
def started() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of three systems; a file of the third is missing, and a metric failed."""
    folder = tmp_path_factory.mktemp("results")
    summary = write_results(folder)
    (folder / "audio" / "2" / f"{MISSING}.wav").unlink()
    scores: Any = read_scores(folder)
    scores["000000", "noisy"]["si_sdr"] = 9.0  # so that both systems lose there
    summary["failures"] = [
        {"clip": MISSING, "system": "shaky", "metric": "wb_pesq", "reason": "no utterance"}
    ]
    save(folder, summary, scores)
    build_report(folder, jobs=1)
    return folder


@pytest.fixture
def watched(started: Any, results: Path) -> Iterator[Watched]:
    """The page, with no fault and no request that leaves its folder by the end of the test."""
    folder = results / "report"
    page = opened(started, folder / "index.html")
    yield page
    page.page.close()
    assert not page.faults
    assert len(page.requests) > 5
    allowed = (folder.as_uri() + "/", "data:", "blob:")
    assert [url for url in page.requests if not url.startswith(allowed)] == []


def test_every_track_of_every_clip_can_be_played(watched: Watched) -> None:
    for number in range(6):
        watched.until("player.sounds.filter(Boolean).every((sound) => sound.readyState === 4)")
        durations = watched.js("player.sounds.map((sound) => sound && sound.duration)")
        silent = [place for place, duration in enumerate(durations) if duration is None]
        assert silent == ([2] if watched.js("player.view.clip.id") == MISSING else [])
        assert all(duration == pytest.approx(1.5) for duration in durations if duration)
        assert number == watched.js("player.view.order")
        watched.press("j")


def test_pictures_load_when_they_come_into_view(watched: Watched) -> None:
    watched.page.locator("article").first.scroll_into_view_if_needed()
    watched.until("document.querySelector('article img').naturalWidth === 480")


def test_switching_keeps_the_position(watched: Watched) -> None:
    watched.js("player.seek(0.7)")
    watched.press("2")
    assert watched.js("[player.track, player.position()]") == [1, 0.7]
    watched.press(" ")
    watched.until("player.position() > 0.8")
    before = watched.js("(() => { player.pause(); return player.position(); })()")
    watched.press("3", "4")
    assert watched.js("[player.track, player.position()]") == [3, before]
    watched.press(" ")
    watched.until("player.sound().currentTime > player.at")
    assert watched.js(
        "(() => { const at = player.position(); player.pick(0);"
        "return player.playing && player.position() - at; })()"
    ) == pytest.approx(0, abs=0.02)


def test_one_sound_plays_at_a_time(watched: Watched) -> None:
    sounding = "[...document.querySelectorAll('audio')].filter((sound) => !sound.paused).length"
    watched.js("byId('loop').click()")
    watched.press(" ")
    watched.until(f"{sounding} === 1")
    for key in ("2", "ArrowRight"):
        watched.press(key)
        watched.until("player.sound().currentTime > player.at")
        assert watched.js(sounding) == 1
    watched.press("ArrowDown")
    watched.until("player.position() > 0.1")
    assert watched.js(f"[{sounding}, player.playing, player.view.order]") == [1, True, 1]
    watched.page.locator("article").nth(3).locator(".pick").nth(1).click()
    watched.until("player.position() > 0.1")
    assert watched.js(f"[{sounding}, player.view.order, player.track]") == [1, 3, 1]
    watched.press(" ")
    assert watched.js(f"[{sounding}, player.playing]") == [0, False]


def test_keys_walk_through_clips_and_tracks(watched: Watched) -> None:
    where = "[player.view.order, player.track]"
    steps = [("j", [1, 0]), ("ArrowDown", [2, 0]), ("ArrowRight", [2, 1]), ("k", [1, 1])]
    steps += [("ArrowUp", [0, 1]), ("ArrowUp", [0, 1]), ("ArrowLeft", [0, 0])]
    steps += [("ArrowLeft", [0, 3]), ("2", [0, 1]), ("9", [0, 1])]
    for key, there in steps:
        watched.press(key)
        assert watched.js(where) == there, key
    watched.press("l", "?")
    assert watched.js("byId('loop').checked && byId('keys').open")
    watched.press("Escape")
    assert not watched.js("byId('keys').open")


def test_the_focus_follows_and_is_seen(watched: Watched) -> None:
    watched.press("j", "2")
    assert watched.js("player.view.article.contains(document.activeElement)")
    assert watched.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_key_for_a_control_is_left_to_it(watched: Watched) -> None:
    watched.page.locator("#seek").focus()
    watched.press("ArrowRight")
    assert watched.js("[player.track, player.position() > 0]") == [0, True]
    watched.page.locator("select[name=sort]").focus()
    watched.press("j")
    assert watched.js("player.view.order") == 0
    watched.page.locator("#help").focus()
    watched.press(" ")
    assert watched.js("[byId('keys').open, player.playing]") == [True, False]


def test_a_clip_that_has_ended_starts_again(watched: Watched) -> None:
    watched.js("player.seek(1.4)")
    watched.press(" ")
    watched.until("!player.playing")
    assert watched.js("player.position()") == 1.5
    watched.press(" ")
    watched.until("player.playing && player.position() < 1")


def test_a_click_in_a_spectrogram_plays_from_there(watched: Watched) -> None:
    article = watched.page.locator("article").nth(1)
    article.scroll_into_view_if_needed()  # only then its tracks are there
    picture = article.locator(".picture").nth(1)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] / 2, "y": 20})
    assert watched.js("[player.view.order, player.track, player.at]") == pytest.approx(
        [1, 1, 0.75], abs=0.01
    )
    watched.until("player.playing")
    watched.js("player.pause()")
    share = watched.js("Number(player.view.article.style.getPropertyValue('--at'))")
    assert share == pytest.approx(watched.js("player.position()") / 1.5)


def test_sorting_puts_the_worst_clips_first(watched: Watched, results: Path) -> None:
    scores: Any = read_scores(results)
    names = [f"{number:06d}" for number in range(6)]

    def order(system: str, metric: str) -> list[str]:
        gains = {n: scores[n, system][metric] - scores[n, "noisy"][metric] for n in names}
        return sorted(names, key=lambda name: gains[name])

    watched.page.click("#worst")
    assert watched.shown() == order("steady", "si_sdr")
    assert watched.js("player.view.clip.id") == order("steady", "si_sdr")[0]
    watched.page.locator("button.gain[data-system=shaky][data-metric=wb_pesq]").click()
    assert watched.shown() == order("shaky", "wb_pesq")
    assert watched.js("player.track") == 2 or order("shaky", "wb_pesq")[0] == MISSING
    watched.page.select_option("[name=sort]", "high")
    by_score = sorted(names, key=lambda name: -scores[name, "shaky"]["wb_pesq"])
    assert watched.shown() == by_score
    watched.page.select_option("[name=sort]", "snr-down")
    assert watched.shown() == ["000002", "000005", "000001", "000004", "000000", "000003"]
    watched.page.click("#clear")
    assert watched.shown() == names


def test_filters_leave_what_was_asked_for(watched: Watched, results: Path) -> None:
    watched.page.select_option("[name=category]", label="dogs")
    assert watched.shown() == ["000001", "000003", "000005"]
    watched.page.select_option("[name=snr]", label="5 dB")
    assert watched.shown() == ["000001"]
    assert watched.page.text_content("#count") == "1 of 6 clips"
    assert watched.js("player.view.clip.id") == "000001"
    watched.page.click("#clear")
    watched.page.select_option("[name=outcome]", "failed")
    assert watched.shown() == [MISSING]
    watched.page.select_option("[name=outcome]", "loss")
    scores: Any = read_scores(results)
    losses = [
        name
        for name, system in scores
        if system == "steady" and scores[name, system]["si_sdr"] < scores[name, "noisy"]["si_sdr"]
    ]
    assert "000000" in losses
    assert watched.shown() == losses
    watched.page.select_option("[name=snr]", label="10 dB")
    watched.page.select_option("[name=category]", label="rain")
    watched.page.select_option("[name=outcome]", "failed")
    assert watched.shown() == []
    watched.press(" ", "j", "1")  # with nothing there is nothing to do


def test_the_cards_say_what_scores_csv_says(watched: Watched, results: Path) -> None:
    for _ in range(6):
        watched.press("j")
    said = watched.js(
        """views.flatMap((view) => view.cards.flatMap((card, place) =>
        [...card.querySelectorAll('tr')].map((row) => [view.clip.id, view.tracks[place].name,
        row.dataset.metric, Number(row.querySelector('[data-score]').dataset.score)])))"""
    )
    scores = read_scores(results)
    assert len(said) == 6 * 3 * len(METRICS)
    for clip, system, metric, value in said:
        assert value == scores[clip, system][metric]


def test_a_missing_file_is_said_and_passed_over(watched: Watched) -> None:
    for _ in range(4):
        watched.press("j")
    card = watched.page.locator("article.current .track").nth(2)
    assert card.locator(".reason").text_content() == "wb_pesq: no utterance; there is no file"
    assert card.locator(".pick").is_disabled()
    watched.press("2", "3")
    assert watched.js("player.track") == 1
    watched.press("ArrowRight")
    assert watched.js("player.track") == 3


def test_the_blind_test_hides_names_and_gives_a_ranking(watched: Watched) -> None:
    watched.page.click("#blind")
    clips = watched.js(
        """(() => { const list = byId('list').cloneNode(true);
        for (const sound of list.querySelectorAll('audio')) sound.remove();
        return list.innerHTML; })()"""
    )
    assert "Rank" in clips
    for name in ("noisy", "steady", "shaky", "clean", "<img", "data-score"):
        assert name not in clips, name
    assert not watched.page.locator("#scores").is_visible()
    assert watched.page.locator("#finish").is_disabled()
    watched.press("2", "r", "1", "r", "j", "r", "r", "r")
    first, second = watched.js("views.slice(0, 2).map((view) => view.tracks.map((t) => t.name))")
    assert sorted(first) == ["clean", "noisy", "shaky", "steady"]
    watched.page.click("#finish")
    rows = watched.page.locator("#outcome tbody tr").all()
    said = {
        row.locator("th").text_content(): row.locator("td").first.text_content() for row in rows
    }
    ranks = {first[1]: [1.0], first[0]: [2.0], first[2]: [3.5], first[3]: [3.5]}
    for place, name in enumerate(second):
        ranks[name].append(1.0 if place == 0 else 3.0)
    assert said == {name: f"{sum(given) / 2:.2f}" for name, given in ranks.items()}
    assert list(said.values()) == sorted(said.values(), key=lambda text: float(text or 0))
    with watched.page.expect_download() as download:
        watched.page.click("#save")
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(table) == 8
    for row in table:
        assert float(row["rank"]) == ranks[row["system"]][int(row["clip"])]
    watched.page.click("#blind")
    assert watched.page.locator("article .name").first.text_content() == "noisy"


def test_each_clip_has_an_order_of_its_own_in_the_blind_test(watched: Watched) -> None:
    watched.page.click("#blind")
    for _ in range(5):
        watched.press("j")
    shown = watched.js("views.map((view) => view.tracks.map((track) => track.index).join())")
    orders = "views.map((view) => blind.orderOf(view.clip).map((track) => track.index).join())"
    assert watched.js(orders) == shown
    seen = set(shown)
    for _ in range(3):  # six orders of four tracks are all alike once in eight million times
        watched.page.click("#blind")
        watched.page.click("#blind")
        seen |= set(watched.js(orders))
    assert len(seen) > 1


def test_a_metric_has_its_own_figures(watched: Watched) -> None:
    assert watched.page.locator(".figures:visible figcaption").all_text_contents() == [
        "SI-SDR by input SNR",
        "SI-SDR by noise category",
    ]
    watched.page.get_by_role("radio", name="SI-SDR").focus()
    watched.press("ArrowRight")
    assert watched.page.locator(".figures:visible figcaption").first.text_content() == (
        "WB-PESQ by input SNR"
    )

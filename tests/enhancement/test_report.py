"""The report's folder: numbers, levels, pictures, the choice of clips, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from enhancement.__main__ import main
from enhancement.metrics import active_samples
from enhancement.report import build
from enhancement.report.building import build_report
from enhancement.report.media import slug
from prepare_data.errors import UserError
from tests.enhancement.report_results import (
    HOSTILE,
    METRICS,
    RATE,
    SECONDS,
    SYSTEMS,
    read_scores,
    save,
    voice,
    write_results,
)


def _data(page: Path) -> Any:
    """Return what the page tells its script."""
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>',
        page.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert found
    return json.loads(found[1])


class _Means(HTMLParser):
    """The numbers of the table of all clips: [system, gain, text] of buttons, [mean, text]."""

    def __init__(self) -> None:
        super().__init__()
        self.means: list[tuple[float, str]] = []
        self.gains: list[tuple[float, str]] = []
        self._waiting: tuple[list[tuple[float, str]], float] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for key, found in (("data-mean", self.means), ("data-gain", self.gains)):
            if given.get(key):
                self._waiting = (found, float(given[key] or ""))

    def handle_data(self, data: str) -> None:
        if self._waiting:
            found, value = self._waiting
            found.append((value, data))
            self._waiting = None


def _level_dbfs(path: Path, clean: Path) -> float:
    audio = soundfile.read(path, dtype="float64")[0]
    active = active_samples(soundfile.read(clean, dtype="float64")[0], RATE)
    return float(10 * np.log10(np.mean(audio[active] ** 2)))


def _edit(folder: Path, **changes: Any) -> None:
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_page_has_the_numbers_of_the_results(tmp_path: Path) -> None:
    summary = write_results(tmp_path)
    page = build(tmp_path)
    assert page == tmp_path / "report" / "index.html"
    data, scores = _data(page), read_scores(tmp_path)
    assert [clip["id"] for clip in data["clips"]] == [clip["id"] for clip in summary["clips"]]
    for clip in data["clips"]:
        for place, system in enumerate(SYSTEMS):
            assert clip["tracks"][place]["scores"] == scores[clip["id"], system]
        assert clip["tracks"][3]["scores"] == {}
    table = _Means()
    table.feed(page.read_text())
    overall = [row["metrics"][m["name"]] for row in summary["rows"][:3] for m in METRICS]
    assert [mean for mean, _ in table.means] == [numbers["mean"] for numbers in overall]
    assert [gain for gain, _ in table.gains] == [numbers["gain"] for numbers in overall[2:]]
    for value, text in (*table.means, *table.gains):
        assert abs(float(text.replace("\N{MINUS SIGN}", "-")) - value) < 0.0051


def test_the_page_has_the_numbers_by_corpus(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=2)
    assert "The numbers by corpus" not in build_report(tmp_path, jobs=1).read_text()
    by_corpus = []
    for row in summary["rows"][: len(SYSTEMS)]:
        for corpus, mean in (("<books>", 12.25), ("calls", 3.5)):
            metrics = {name: {**of, "mean": mean} for name, of in row["metrics"].items()}
            by_corpus.append({**row, "by": "corpus", "value": corpus, "metrics": metrics})
    _edit(tmp_path, rows=summary["rows"] + by_corpus)
    html = build_report(tmp_path, jobs=1).read_text()
    (part,) = (part for part in html.split("<details") if 'aria-label="SI-SDR by corpus"' in part)
    assert re.findall(r'col">([^<]*)', part) == ["System", "&lt;books&gt;", "calls"]
    assert re.findall(r'"mean">([^<]*)', part) == ["12.25", "3.50"] * len(SYSTEMS)


def test_the_page_says_when_it_was_made_and_in_which_time_zone(tmp_path: Path) -> None:
    write_results(tmp_path, clips=1)
    assert "20 November 2026, 10:30 UTC" in build_report(tmp_path, jobs=1).read_text()


def test_what_was_not_measured_is_no_number(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=1)
    scores: Any = read_scores(tmp_path)
    scores["000000", "steady"] = {"si_sdr": None, "wb_pesq": float("inf")}
    save(tmp_path, summary, scores)
    shown = _data(build_report(tmp_path, jobs=1))["clips"][0]["tracks"][1]["scores"]
    assert shown == {"si_sdr": None, "wb_pesq": None}


def test_all_files_of_a_clip_are_equally_loud_where_the_voice_speaks(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=2)
    report = build_report(tmp_path, jobs=1).parent
    for clip, shown in zip(summary["clips"], _data(report / "index.html")["clips"], strict=True):
        levels = [_level_dbfs(report / t["audio"], Path(clip["clean"])) for t in shown["tracks"]]
        assert len(levels) == 4
        assert levels == pytest.approx([-26.0] * 4, abs=0.02)
        assert soundfile.info(report / shown["tracks"][0]["audio"]).subtype == "PCM_16"


def test_a_clip_is_turned_down_together_rather_than_clipped(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=1)
    path = tmp_path / "audio" / "1" / "000000.wav"
    audio = soundfile.read(path, dtype="float32")[0]
    audio[100] = 3.0  # a click, 40 dB above the voice
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    report = build_report(tmp_path, jobs=1).parent
    tracks = _data(report / "index.html")["clips"][0]["tracks"]
    clean = Path(summary["clips"][0]["clean"])
    levels = [_level_dbfs(report / track["audio"], clean) for track in tracks]
    assert max(levels) < -27 and np.ptp(levels) < 0.1
    peak = float(np.abs(soundfile.read(report / tracks[1]["audio"])[0]).max())
    assert 0.9 < peak < 1


def test_near_silence_stays_near_silence(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=1)
    quiet = 1e-4 * voice(1.5, 0)
    soundfile.write(tmp_path / "audio" / "1" / "000000.wav", quiet, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "audio" / "2" / "000000.wav", 0 * quiet, RATE)
    report = build_report(tmp_path, jobs=1).parent
    tracks = _data(report / "index.html")["clips"][0]["tracks"]
    assert _level_dbfs(report / tracks[1]["audio"], Path(summary["clips"][0]["clean"])) < -75
    assert not soundfile.read(report / tracks[2]["audio"])[0].any()
    shades = [int(np.asarray(Image.open(report / track["picture"])).max()) for track in tracks[:3]]
    assert shades[0] > 50 and shades[1] < 30 and shades[2] == 0  # one scale for the clip


def test_files_that_cannot_be_used_are_shown_with_the_reason(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=1)
    (tmp_path / "audio" / "1" / "000000.wav").write_bytes(b"no audio")
    holes = np.full(RATE, np.nan, np.float32)
    soundfile.write(tmp_path / "audio" / "2" / "000000.wav", holes, RATE, subtype="FLOAT")
    _edit(tmp_path, failures=[dict(clip="000000", system="steady", metric=None, reason="crashed")])
    tracks = _data(build_report(tmp_path, jobs=1))["clips"][0]["tracks"]
    assert tracks[1]["audio"] is tracks[2]["audio"] is None
    assert tracks[1]["reason"].startswith("crashed; 000000.wav: ")
    assert tracks[2]["reason"] == "000000.wav: damaged: holds values that are not finite numbers"
    assert tracks[0]["audio"] and tracks[3]["audio"]
    assert summary["clips"][0]["clean"]


def test_other_formats_rates_and_lengths_are_taken(tmp_path: Path) -> None:
    write_results(tmp_path, clips=1)
    (tmp_path / "audio" / "1" / "000000.wav").unlink()
    other = np.stack([voice(1.0, 0)] * 2, axis=1)
    soundfile.write(tmp_path / "audio" / "1" / "000000.flac", other, 22_050)
    report = build_report(tmp_path, jobs=1).parent
    track = _data(report / "index.html")["clips"][0]["tracks"][1]
    info = soundfile.info(report / track["audio"])
    assert (info.samplerate, info.channels) == (22_050, 2)
    # Silence to the clip's end: a switch past the file's own would lose the playing position.
    assert info.frames == round(SECONDS * 22_050)
    assert not soundfile.read(report / track["audio"])[0][RATE:].any()


def test_a_clip_of_unknown_length_is_as_long_as_its_longest_file(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=1)
    soundfile.write(tmp_path / "audio" / "1" / "000000.wav", voice(2.0, 0), RATE)
    _edit(tmp_path, clips=[{**summary["clips"][0], "seconds": 0.0, "sample_rate": 0}])
    assert _data(build_report(tmp_path, jobs=1))["clips"][0]["seconds"] == 2.0


def test_a_report_of_some_clips_says_so(tmp_path: Path) -> None:
    write_results(tmp_path, clips=9)
    page = build(tmp_path, clips=4)
    assert len(_data(page)["clips"]) == 4
    text = " ".join(page.read_text().split())
    assert "4 of 9 clips are here: the 1 with the lowest gains" in text
    assert "on 9 clips" in text
    table = _Means()
    table.feed(text)
    assert len(table.means) == 6


def test_names_are_escaped_and_files_have_harmless_names(tmp_path: Path) -> None:
    clip = '..\\" onload="alert(1)'
    write_results(tmp_path, clips=2, ids=(clip,), categories=("</script>", "&amp;"))
    text = (tmp_path / "summary.json").read_text()
    (tmp_path / "summary.json").write_text(text.replace("data/some", HOSTILE))
    page = build_report(tmp_path, jobs=1)
    html = page.read_text()
    assert HOSTILE not in html and "&lt;script&gt;alert(1)" in html
    assert html.count("</script>") == html.count("<script")
    assert _data(page)["clips"][0]["id"] == clip
    for path in page.parent.rglob("*"):
        assert re.fullmatch(r"\.?[a-z0-9][a-z0-9.-]*", path.name)
    assert slug("../..") == slug("") == "x"
    assert slug("Ünï/CON") == "n-con"


def test_everything_that_the_page_names_is_in_its_folder(tmp_path: Path) -> None:
    write_results(tmp_path, clips=2)
    page = build_report(tmp_path, jobs=1)
    tracks = [track for clip in _data(page)["clips"] for track in clip["tracks"]]
    named = [track[kind] for track in tracks for kind in ("audio", "picture")]
    named += re.findall(r'(?:src|href)="([^"#][^"]*)"', page.read_text())
    files = [name for name in named if not name.startswith("data:")]
    assert len(files) > 16
    assert [name for name in files if not (page.parent / name).is_file()] == []


def test_systems_without_snr_and_category_have_no_figures(tmp_path: Path) -> None:
    summary = write_results(tmp_path, clips=2)
    clips = [{**c, "snr_db": None, "category": None, "clean": None} for c in summary["clips"]]
    _edit(tmp_path, clips=clips, rows=summary["rows"][:3])
    html = build_report(tmp_path, jobs=1).read_text()
    assert "<figure>" not in html
    assert "of active speech" in html


def test_wrong_results_and_options_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, damaged, other = (tmp_path / name for name in ("nowhere", "damaged", "other"))
    for folder in (damaged, other):
        folder.mkdir()
        write_results(folder, clips=1)
    text = (damaged / "summary.json").read_text()
    (damaged / "summary.json").write_text(text[: len(text) // 2])
    _edit(other, format_version=99)
    for arguments in (
        [str(nowhere)],
        [str(damaged)],
        [str(other)],
        [str(other), "--clips", "0"],
        [str(other), "--jobs", "0"],
    ):
        assert main(["report", *arguments]) == 2, arguments
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "Traceback" not in said
        assert arguments[-1] in said or "--" in arguments[-2]
    assert not (damaged / "report").exists()


def test_a_full_disk_leaves_no_page_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path, clips=2)
    page = build_report(tmp_path, jobs=1)
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if str(target).endswith(".png"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert main(["report", str(tmp_path), "--jobs", "1"]) == 2
    assert "the disk is full" in capsys.readouterr().err
    assert not page.exists()
    monkeypatch.undo()
    assert main(["report", str(tmp_path), "--jobs", "1"]) == 0
    assert f"Open {page}" in capsys.readouterr().out


def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    write_results(tmp_path, clips=3)
    written = []
    for jobs in (1, 2):
        report = build_report(tmp_path, jobs=jobs).parent
        files = sorted(path for path in report.rglob("*") if path.is_file())
        written.append({path.relative_to(report): path.read_bytes() for path in files})
    assert written[0] == written[1]


def test_a_wrong_page_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        build(tmp_path / "nowhere")

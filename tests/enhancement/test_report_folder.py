"""The folder of the report: made again, never someone else's, never two at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from enhancement.__main__ import main
from enhancement.report.building import build_report
from prepare_data.errors import UserError
from prepare_data.files import only_writer
from tests.enhancement.report_results import write_results


def test_a_report_can_be_made_again_but_nothing_else_is_touched(tmp_path: Path) -> None:
    write_results(tmp_path, clips=3)
    page = build_report(tmp_path, jobs=1)
    mine = page.parent / "notes.txt"
    mine.write_text("mine")
    build_report(tmp_path, clips=1, jobs=1)
    assert len(list((page.parent / "clips").iterdir())) == 1
    assert mine.read_text() == "mine"


def test_a_folder_with_other_files_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    results.mkdir()
    write_results(results, clips=1)
    out.mkdir()
    (out / "index.html").write_text("someone's page")
    assert main(["report", str(results), "--out", str(out)]) == 2
    assert "holds files that are not a report's" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["index.html"]
    assert main(["report", str(results), "--out", str(out / "index.html")]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_two_reports_in_one_folder_at_a_time_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no such lock")
    write_results(tmp_path, clips=1)
    page = build_report(tmp_path, jobs=1)
    with (
        only_writer(page.parent),
        pytest.raises(UserError, match="another process is writing"),
    ):
        build_report(tmp_path, jobs=1)
    assert page.is_file() and list(page.parent.glob("clips/*/*.wav"))
    build_report(tmp_path, jobs=1)


def test_a_file_instead_of_the_folder_of_results_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path, clips=1)
    assert main(["report", str(tmp_path / "summary.json")]) == 2
    assert "summary.json is a file; the folder that" in capsys.readouterr().err

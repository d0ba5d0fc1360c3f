"""The page itself, from its template; everything that is put into it is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from enhancement.evaluation.results import Results
from enhancement.report.choice import Choice
from enhancement.report.media import Media
from enhancement.report.page import (
    interval_text,
    leading,
    number_text,
    page_data,
    table_rows,
)


def render_page(results: Results, choice: Choice, media: Sequence[tuple[str, Media]]) -> str:
    """Return the HTML of the page.

    Arguments are those of `enhancement.report.page.page_data`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("enhancement.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    overall = table_rows(results, "all")
    environment.filters |= {"number": number_text, "moment": _moment}
    environment.globals["interval"] = interval_text
    return environment.get_template("index.html").render(
        made=results.made,
        data=results.data,
        place=PurePath(results.data["path"]).name,
        metrics=results.metrics,
        systems=results.systems,
        rows={row["system"]: {"against": None, **row} for row in overall},
        reference=next((row["against"]["system"] for row in overall if row.get("against")), None),
        failures=results.failures,
        leading=leading(results),
        figures=_figures(results),
        numbers_by={
            "input SNR": _columns(results, "snr_db"),
            "corpus": _columns(results, "corpus"),
        },
        choice=choice,
        all_clips=len(results.clips),
        has_clean=any(clip["clean"] is not None for clip in results.clips),
        page_data=page_data(results, choice, media),
    )


def _figures(results: Results) -> list[dict[str, Any]]:
    """Return for each metric its plots, as SVG that is put into the page as it is."""
    from markupsafe import Markup

    from enhancement.report.figures import figure_by_category, figure_by_snr

    names = [system["name"] for system in results.systems]
    by_snr, by_category = table_rows(results, "snr_db"), table_rows(results, "category")
    drawn = []
    for metric in results.metrics:
        pair = (
            figure_by_snr(by_snr, metric, names),
            figure_by_category(by_category, metric, names),
        )
        if any(pair) or len(_columns(results, "corpus")) > 1:
            svgs = [svg if svg is None else Markup(svg) for svg in pair]
            drawn.append({"metric": metric, "snr": svgs[0], "category": svgs[1]})
    return drawn


def _columns(results: Results, by: str) -> dict[Any, dict[str, Any]]:
    """Return rows by value and system, the values ascending."""
    columns: dict[Any, dict[str, Any]] = {}
    for row in sorted(
        (row for row in table_rows(results, by) if row["value"] is not None),
        key=lambda row: row["value"],
    ):
        columns.setdefault(row["value"], {})[row["system"]] = row
    return columns


def _moment(text: str) -> str:
    """Return an ISO 8601 moment for people; what is none stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.day} {moment:%B %Y, %H:%M %Z}".rstrip()

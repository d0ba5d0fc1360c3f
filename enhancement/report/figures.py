"""Plots of each metric by input SNR and by noise category, as SVG in the colours of the page.

matplotlib draws them in stand-in colours, which are replaced by the page's own custom properties:
one drawing is legible on light and on dark.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#fe0200"
_LINE = "#fe0300"
_SYSTEM = "#fe01{:02x}"
_WIDTH = 5.0  # inches; the page shows an inch as about 85 pixels
_MARKERS = "osD^"
_COLOURS = 8
_ROOM = 8.0  # points (1/72 inch) between two categories beside what their systems need


def figure_by_snr(
    rows: Sequence[Mapping[str, Any]], metric: Mapping[str, Any], systems: Sequence[str]
) -> str | None:
    """Draw a metric's means and 95 % intervals against the input SNR.

    Args:
        rows: of the summary, by SNR.
        metric: of the summary.
        systems: their names, in the order of their colours.

    Returns:
        An <svg> element; None where there are not two values of SNR.
    """
    values = sorted({float(row["value"]) for row in rows if row["value"] is not None})
    if len(values) < 2:
        return None
    figure, axes = _figure(3.1)
    nearest = min(b - a for a, b in pairwise(values))
    step = nearest * min(0.06, 0.5 / len(systems))  # beside each other, so that intervals are seen
    for place, system in enumerate(systems):
        offset = (place - (len(systems) - 1) / 2) * step
        points = _points([row for row in rows if row["system"] == system], metric["name"])
        points.sort(key=lambda point: float(point[0]))
        at = [float(value) + offset for value, *_ in points]
        _draw(axes, place, at, points, "y", line=True)
    if len(values) <= 12:
        axes.set_xticks(values, [f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in values])
    axes.set_xlabel("input SNR in dB")
    axes.set_ylabel(_title(metric), parse_math=False)
    axes.grid(axis="y", color=_LINE, linewidth=0.7)
    return _svg(figure, f"snr {metric['name']}")


def figure_by_category(
    rows: Sequence[Mapping[str, Any]], metric: Mapping[str, Any], systems: Sequence[str]
) -> str | None:
    """Draw a metric's means and 95 % intervals by noise category, a line each.

    Arguments and result are those of `figure_by_snr`; None where there are not two categories.
    """
    values = {str(row["value"]) for row in rows if row["value"] is not None}
    names = sorted(values, key=lambda name: (name.casefold(), name))
    if len(names) < 2:
        return None
    points_each = max(14.0, _ROOM + 3.5 * len(systems))
    figure, axes = _figure(0.7 + points_each * len(names) / 72)
    step = (1 - _ROOM / points_each) / len(systems)
    for place, system in enumerate(systems):
        offset = (place - (len(systems) - 1) / 2) * step
        points = _points([row for row in rows if row["system"] == system], metric["name"])
        at = [names.index(str(value)) + offset for value, *_ in points]
        _draw(axes, place, at, points, "x", line=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(_title(metric), parse_math=False)
    axes.grid(axis="x", color=_LINE, linewidth=0.7)
    for between in range(1, len(names)):
        axes.axhline(between - 0.5, color=_LINE, linewidth=0.5)
    return _svg(figure, f"category {metric['name']}")


def _points(
    rows: Sequence[Mapping[str, Any]], metric: str
) -> list[tuple[Any, float, float, float]]:
    """Return value, mean, and how far the interval reaches below and above, where measured."""
    points = []
    for row in rows:
        numbers = row["metrics"].get(metric)
        if row["value"] is None or not numbers or not _finite(numbers.get("mean")):
            continue
        mean, low, high = numbers["mean"], numbers.get("low"), numbers.get("high")
        below = max(0.0, mean - low) if _finite(low) else 0.0
        above = max(0.0, high - mean) if _finite(high) else 0.0
        points.append((row["value"], mean, below, above))
    return points


def _draw(
    axes: Axes,
    place: int,
    at: Sequence[float],
    points: Sequence[tuple[Any, float, float, float]],
    along: str,
    *,
    line: bool,
) -> None:
    if not points:
        return
    means = [mean for _, mean, *_ in points]
    reaches = [[below for *_, below, _ in points], [above for *_, above in points]]
    again = max(0, place - 1) // _COLOURS  # how often all colours were used before
    marker = _MARKERS[again % len(_MARKERS)]
    style: dict[str, Any] = {
        "color": _SYSTEM.format(place),
        "marker": marker,
        "markersize": 4,
        "linewidth": 1.3,
        "elinewidth": 1.1,
        "linestyle": ("--" if again else "-") if line else "none",
    }
    if along == "y":
        axes.errorbar(at, means, yerr=reaches, **style)
    else:
        axes.errorbar(means, at, xerr=reaches, **style)


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.tick_params(colors=_INK, length=0, labelsize=9)
    axes.xaxis.label.set(color=_INK, size=9)
    axes.yaxis.label.set(color=_INK, size=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_LINE)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, name: str) -> str:
    """Return the drawing as an element for a page that holds others."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    text = text.replace(_INK, "currentColor").replace(_LINE, "var(--line)")
    text = re.sub(r"#fe01([0-9a-f]{2})", lambda found: _colour(int(found[1], 16)), text)
    return re.sub(r"\s*\n\s*", " ", text)


def _colour(place: int) -> str:
    """Return the page's colour for a system; the first is the noisy input and has its own."""
    return "var(--system-0)" if place == 0 else f"var(--system-{(place - 1) % _COLOURS + 1})"


def _title(metric: Mapping[str, Any]) -> str:
    return f"{metric['label']} in {metric['unit']}" if metric["unit"] else str(metric["label"])


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)

"""Lines, columns and planes of points as the spreadsheet's own charts."""

from __future__ import annotations

from typing import Any

from xlsxwriter.worksheet import Worksheet

from flask_api.documents.native_charts import INK, SLICES, framed
from flask_api.documents.native_columns import Columns
from flask_api.documents.pictures import Curve, Curves, Plane
from flask_api.documents.texts import chart_text
from flask_api.documents.workbook import Book

_NUMBER = "General"
_DASHED = {"color": INK, "dash_type": "dash", "width": 1.25}


def curves(book: Book, sheet: Worksheet, picture: Curves, top: int) -> int:
    """Every curve with a column of its own for each of x, y and the band's ends."""
    heads: list[str] = []
    values: list[list[Any]] = []
    at: list[int] = []
    for curve in picture.curves:
        at.append(len(heads))
        heads += [picture.across, curve.name or picture.up]
        values += [list(curve.x), list(curve.y)]
        if curve.lower and curve.upper:
            heads += ["from", "to", "minus", "plus"]
            values += [list(curve.lower), list(curve.upper), *_lengths(curve)]
    marks = len(heads)
    for name, xs, ys in _marks(picture):
        heads += [name, ""]
        values += [xs, ys]
    columns = Columns(sheet, top, heads, values)
    columns.write(book)
    bars = all(curve.kind == "columns" for curve in picture.curves)
    chart = book.workbook.add_chart(
        {"type": "column"} if bars else {"type": "scatter", "subtype": "straight"}
    )
    for number, (curve, column) in enumerate(zip(picture.curves, at, strict=True)):
        chart.add_series(
            {
                "name": chart_text(curve.name or picture.up),
                "categories": columns.range(column),
                "values": columns.range(column + 1),
                **_look(curve, number, columns, column),
            }
        )
    for number, (name, _, _) in enumerate(_marks(picture) if not bars else ()):
        chart.add_series(
            {
                "name": chart_text(name),
                "categories": columns.range(marks + 2 * number),
                "values": columns.range(marks + 2 * number + 1),
                "line": _DASHED,
                "marker": {"type": "none"},
            }
        )
    framed(chart, picture.title, picture.across, picture.up, _NUMBER)
    if not bars:
        chart.set_x_axis(_across(picture))
    several = len(picture.curves) + len(picture.at_x) + len(picture.at_y) > 1
    chart.set_legend({"position": "top"} if several and not bars else {"none": True})
    return columns.insert(book, chart, picture.title)


def _across(picture: Curves) -> dict[str, Any]:
    xs = [x for curve in picture.curves for x in curve.x]
    xs += [value for _, value in picture.at_x]
    ends = {} if picture.log else {"min": min(xs), "max": max(xs)}
    return {
        "name": chart_text(picture.across),
        "num_format": _NUMBER,
        "label_position": "low",
        "major_gridlines": {"visible": False},
        **({"log_base": 10} if picture.log else ends if min(xs) < max(xs) else {}),
    }


def _look(curve: Curve, number: int, columns: Columns, column: int) -> dict[str, Any]:
    colour = SLICES[number % len(SLICES)]
    if curve.kind == "columns":
        return {"fill": {"color": colour}, "gap": 4}
    look: dict[str, Any] = {
        "line": {"color": colour, "width": 2},
        "marker": {"type": "none"},
    }
    if curve.kind == "dots":
        dot = {"color": colour}
        look = {
            "line": {"none": True},
            "marker": {"type": "circle", "size": 5, "fill": dot, "border": dot},
        }
    if curve.lower and curve.upper:
        minus, plus = _lengths(curve)
        if any(minus) or any(plus):
            look["y_error_bars"] = {
                "type": "custom",
                "minus_values": columns.formula(column + 4),
                "minus_data": minus,
                "plus_values": columns.formula(column + 5),
                "plus_data": plus,
                "line": {"color": colour, "width": 0.75},
            }
    return look


def _lengths(curve: Curve) -> list[list[float]]:
    """How far the band reaches below and above, 0 where it is unknown."""
    minus, plus = [], []
    for y, low, high in zip(curve.y, curve.lower, curve.upper, strict=True):
        known = y is not None and low is not None and high is not None
        minus.append(max(0.0, y - low) if known else 0.0)  # type: ignore[operator]
        plus.append(max(0.0, high - y) if known else 0.0)  # type: ignore[operator]
    return [minus, plus]


def _marks(picture: Curves) -> list[tuple[str, list[float], list[float]]]:
    """Lines across the picture as two points each."""
    ys = [y for curve in picture.curves for y in curve.y if y is not None]
    ys += [value for _, value in picture.at_y]
    xs = [x for curve in picture.curves for x in curve.x]
    xs += [value for _, value in picture.at_x]
    if not (xs and ys):
        return []
    tall, wide = [min(ys), max(ys)], [min(xs), max(xs)]
    return [
        *((name, [value, value], tall) for name, value in picture.at_x),
        *((name, wide, [value, value]) for name, value in picture.at_y),
    ]


def plane(book: Book, sheet: Worksheet, picture: Plane, top: int) -> int:
    """Points with their names, and guides through (0, 0)."""
    spots = picture.spots
    heads = ["Input", picture.across, picture.up]
    values: list[list[Any]] = [
        [spot.label for spot in spots],
        [spot.x for spot in spots],
        [spot.y for spot in spots],
    ]
    far = max([abs(spot.x) for spot in spots], default=1.0)
    for name, slope in picture.guides:
        heads += [name, ""]
        values += [[0.0, far], [0.0, slope * far]]
    columns = Columns(sheet, top, heads, values)
    columns.write(book)
    chart = book.workbook.add_chart({"type": "scatter"})
    dot = {"color": SLICES[0]}
    names = [{"value": chart_text(spot.label[:60])} for spot in spots]
    chart.add_series(
        {
            "name": "Inputs",
            "categories": columns.range(1),
            "values": columns.range(2),
            "marker": {"type": "circle", "size": 7, "fill": dot, "border": dot},
            "data_labels": {"custom": names, "value": True, "position": "right"},
        }
    )
    for number, (name, _) in enumerate(picture.guides):
        chart.add_series(
            {
                "name": chart_text(name),
                "categories": columns.range(3 + 2 * number),
                "values": columns.range(4 + 2 * number),
                "line": _DASHED,
                "marker": {"type": "none"},
            }
        )
    framed(chart, picture.title, picture.across, picture.up, _NUMBER)
    chart.set_legend({"position": "top"} if picture.guides else {"none": True})
    return columns.insert(book, chart, picture.title, 480)

"""Pictures of a report in a workbook: numbers, and the spreadsheet's own charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from flask_api.documents import native_lines
from flask_api.documents.native_charts import HIGH, LOW, SLICES, framed, waterfall
from flask_api.documents.native_columns import CHART_ROWS, Columns
from flask_api.documents.numbers import short
from flask_api.documents.pictures import (
    Bars,
    Cascade,
    Curves,
    Heat,
    Picture,
    Series,
    Swings,
)
from flask_api.documents.texts import chart_text
from flask_api.documents.workbook import Book, cell_text, number_format, write

_NUMBER = "General"


def place(book: Book, sheet: Worksheet, picture: Picture, top: int) -> int:
    """Write a picture's numbers from row `top` on, its chart beside them.

    Returns the row at which the next picture may begin.
    """
    sheet.write_string(
        top, 0, cell_text(picture.title), book.format(bold=True, font_size=12)
    )
    top += 1
    if picture.left_out:
        text = f"The strongest; {picture.left_out:,} more are in the tables."
        sheet.write_string(top, 0, text, book.format(italic=True))
        top += 1
    if isinstance(picture, Bars):
        return _bars(book, sheet, picture, top)
    if isinstance(picture, Swings):
        return _swings(book, sheet, picture, top)
    if isinstance(picture, Curves):
        return native_lines.curves(book, sheet, picture, top)
    if isinstance(picture, Heat):
        return _heat(book, sheet, picture, top)
    if isinstance(picture, Cascade):
        return _cascade(book, sheet, picture, top)
    return native_lines.plane(book, sheet, picture, top)


def _bars(book: Book, sheet: Worksheet, picture: Bars, top: int) -> int:
    """Horizontal bars, whiskers as error bars."""
    heads = ["Input"]
    values: list[list[Any]] = [list(picture.labels)]
    at: list[tuple[Series, int, list[list[float]]]] = []
    for series in picture.series:
        at.append((series, len(heads), _lengths(series)))
        heads.append(series.name)
        values.append(list(series.values))
        if any(series.interval(n) for n in range(len(series.values))):
            heads += ["from", "to", "minus", "plus"]
            values += [list(series.lower), list(series.upper), *at[-1][2]]
    for name, value in picture.marks:
        heads.append(name)
        values.append([value])
    columns = Columns(sheet, top, heads, values)
    columns.write(book)
    chart = book.workbook.add_chart({"type": "bar"})
    for number, (series, column, lengths) in enumerate(at):
        chart.add_series(
            {
                "name": chart_text(series.name),
                "categories": columns.range(0),
                "values": columns.range(column),
                "fill": {"color": SLICES[number % len(SLICES)]},
                "gap": 50,
                **_error_bars(columns, column, lengths),
            }
        )
    _lying(chart, picture.title, picture.unit, legend=len(at) > 1)
    rows = len(picture.labels) * len(picture.series)
    return columns.insert(book, chart, picture.title, 190 + 18 * max(10, rows))


def _lengths(series: Series) -> list[list[float]]:
    """How far the whiskers reach down and up, 0 where there is none."""
    minus, plus = [], []
    for index, value in enumerate(series.values):
        ends = series.interval(index)
        low, high = ends or (value or 0.0, value or 0.0)
        minus.append(max(0.0, (value or 0.0) - low))
        plus.append(max(0.0, high - (value or 0.0)))
    return [minus, plus]


def _error_bars(
    columns: Columns, column: int, lengths: Sequence[Sequence[float]]
) -> dict[str, Any]:
    """Of a bar's series: whiskers from two columns beside its values."""
    if not any(length for both in lengths for length in both):
        return {}
    return {
        "y_error_bars": {
            "type": "custom",
            "plus_values": columns.formula(column + 4),
            "plus_data": list(lengths[1]),
            "minus_values": columns.formula(column + 3),
            "minus_data": list(lengths[0]),
        }
    }


def _lying(chart: Any, title: str, unit: str, *, legend: bool) -> None:
    """The frame of a chart whose bars lie, the first label on top."""
    framed(chart, title, "", "", _NUMBER)
    chart.set_x_axis({"name": chart_text(unit), "num_format": _NUMBER})
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    chart.set_legend({"position": "top"} if legend else {"none": True})


def _swings(book: Book, sheet: Worksheet, picture: Swings, top: int) -> int:
    """A tornado: changes from today, to both sides of 0."""

    def changes(ends: Sequence[float | None]) -> list[float | None]:
        return [None if end is None else end - picture.base for end in ends]

    heads = ("Input", "At its lowest", "At its highest", "Change at its lowest")
    columns = Columns(
        sheet,
        top,
        (*heads, "Change at its highest", "Swing", "Today"),
        [
            list(picture.labels),
            list(picture.low),
            list(picture.high),
            changes(picture.low),
            changes(picture.high),
            list(picture.swing),
            [picture.base],
        ],
    )
    columns.write(book)
    chart = book.workbook.add_chart({"type": "bar"})
    for column, name, colour in ((3, "lowest", LOW), (4, "highest", HIGH)):
        chart.add_series(
            {
                "name": f"at its {name}",
                "categories": columns.range(0),
                "values": columns.range(column),
                "fill": {"color": colour},
                "overlap": 100,
                "gap": 45,
            }
        )
    unit = f"change from {short(picture.base)} {picture.unit}"
    _lying(chart, picture.title, unit, legend=True)
    height = 190 + 20 * max(10, len(picture.labels))
    return columns.insert(book, chart, picture.title, height)


def _cascade(book: Book, sheet: Worksheet, picture: Cascade, top: int) -> int:
    corner = xl_rowcol_to_cell(top, 9)
    texts = (picture.title, picture.unit)
    waterfall(book, sheet, picture.steps, (top, 0), corner, texts, _NUMBER, cut=True)
    return top + max(len(picture.steps) + 1, CHART_ROWS) + 2


def _heat(book: Book, sheet: Worksheet, picture: Heat, top: int) -> int:
    """A table whose cells are coloured by their values."""
    corner = f"{picture.down} \\ {picture.across}" if picture.across else picture.down
    heads = [corner, *picture.columns]
    for column, text in enumerate(heads):
        sheet.write_string(top, column, cell_text(text), book.head)
    known = [value for row in picture.values for value in row]
    kind = book.format(number_format(known))
    last = top + len(picture.rows)
    for number, (name, row) in enumerate(
        zip(picture.rows, picture.values, strict=True), start=top + 1
    ):
        write(sheet, number, 0, name, book.format())
        for column, value in enumerate(row, start=1):
            write(sheet, number, column, value, kind)
    numbers = [value for value in known if value is not None]
    scale: dict[str, Any] = {
        "type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#58A6AC",
    }  # fmt: skip
    if numbers and min(numbers) < 0 < max(numbers):
        most = max(-min(numbers), max(numbers))
        scale = {
            "type": "3_color_scale",
            "min_type": "num", "mid_type": "num", "max_type": "num",
            "min_value": -most, "mid_value": 0, "max_value": most,
            "min_color": "#8FB1D6", "mid_color": "#FFFFFF", "max_color": "#E5AB7C",
        }  # fmt: skip
    if numbers:
        sheet.conditional_format(top + 1, 1, last, len(heads) - 1, scale)
    return last + 3

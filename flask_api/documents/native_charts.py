"""Charts of a workbook, drawn by the spreadsheet from the numbers on its sheets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlsxwriter.worksheet import Worksheet

from flask_api.documents.steps import Step, axis_start, bars
from flask_api.documents.texts import chart_text
from flask_api.documents.workbook import Book, write

#: The page's colours.
ACCENT, LOW, HIGH, WARM, GRID = "#0F6A73", "#4A7FB5", "#D2772D", "#8B5AA0", "#D9E0DE"
INK = "#56645F"
SLICES = (ACCENT, HIGH, LOW, WARM, "#1C7440", "#B3261E", "#84928E", "#C9A227")

#: Series of a waterfall; the first one is not to be seen.
_SERIES = ("Base", "Total", "Rise", "Rise below 0", "Fall", "Fall below 0")
_COLOURS = (None, ACCENT, HIGH, HIGH, LOW, LOW)


def column_ranges(
    sheet: Worksheet, first: int, last: int, labels: int, values: int
) -> dict[str, list[Any]]:
    """Categories and values of a series: rows `first` to `last` of two columns."""
    return {
        "categories": [sheet.name, first, labels, last, labels],
        "values": [sheet.name, first, values, last, values],
    }


def framed(
    chart: Any, title: str, x: str, y: str, number: str, begin: float = 0.0
) -> None:
    """Give a chart its title, the names of its axes, and quiet lines.

    begin  where the axis of the values begins; 0: as the spreadsheet likes
    """
    font = {"color": INK, "size": 9}
    title, x, y = chart_text(title), chart_text(x), chart_text(y)
    chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
    chart.set_x_axis(
        {"name": x, "name_font": font, "num_font": font, "label_position": "low"}
    )
    chart.set_y_axis(
        {
            "name": y,
            "name_font": font,
            "num_font": font,
            "num_format": number,
            "major_gridlines": {"visible": True, "line": {"color": GRID}},
            **({"min": begin} if begin else {}),
        }
    )
    chart.set_size({"width": 860, "height": 420})


def waterfall(
    book: Book,
    sheet: Worksheet,
    steps: Sequence[Step],
    at: tuple[int, int],
    picture: str,
    texts: tuple[str, str],
    number: str,
    *,
    cut: bool = False,
) -> None:
    """Steps as a table at (row, column) and a stacked chart with an invisible base.

    picture  the cell at which the chart stands
    texts    title of the chart, and unit of the values
    number   a number format of the spreadsheet's own
    cut      the axis may begin beyond 0, where small parts could not be seen else
    """
    top, left = at
    drawn = list(bars(steps))
    rows = [_parts(bar.start, bar.end, total=bar.step.total) for bar in drawn]
    heads = ("Step", "Value", *_SERIES)
    kind = book.format("general", num_format=number)
    for column, text in enumerate(heads):
        sheet.write_string(top, left + column, text, book.head)
    for row, (bar, parts) in enumerate(zip(drawn, rows, strict=True), start=top + 1):
        write(sheet, row, left, bar.step.label, book.format())
        sheet.write_number(row, left + 1, bar.step.value, kind)
        for column, value in enumerate(parts, start=left + 2):
            sheet.write_number(row, column, value, kind)
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    first, last = top + 1, top + len(steps)
    for place, colour in enumerate(_COLOURS):
        if place and not any(parts[place] for parts in rows):
            continue
        fill = {"color": colour} if colour else {"none": True}
        chart.add_series(
            {
                "name": [sheet.name, top, left + 2 + place],
                **column_ranges(sheet, first, last, left, left + 2 + place),
                "fill": fill,
                "border": {"none": True},
                "gap": 45,
            }
        )
    framed(chart, texts[0], "", texts[1], number, axis_start(steps) if cut else 0.0)
    chart.set_legend({"none": True})
    sheet.insert_chart(picture, chart, {"description": chart_text(texts[0])})


def _parts(start: float, end: float, *, total: bool) -> tuple[float, ...]:
    """Heights of the six series for a bar between two levels.

    Positive and negative parts stack apart from each other, so a bar across 0 is two.
    """
    low, high = sorted((start, end))
    base = low if low > 0 else high if high < 0 else 0.0
    above, below = max(high, 0.0) - max(low, 0.0), min(low, 0.0) - min(high, 0.0)
    if total:
        return (0.0, end, 0.0, 0.0, 0.0, 0.0)
    if end >= start:
        return (base, 0.0, above, below, 0.0, 0.0)
    return (base, 0.0, 0.0, 0.0, above, below)

"""The workbook of a priced plant: ladder, cash flow, parts, inputs, choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from flask_api.documents.info import DocumentInfo
from flask_api.documents.native_charts import (
    ACCENT,
    HIGH,
    column_ranges,
    framed,
    waterfall,
)
from flask_api.documents.workbook import (
    NUMBERS,
    Book,
    add_provenance,
    new_book,
    number_format,
    write,
)
from flask_api.domains.price.files import reading
from flask_api.domains.price.files.citations import citations

_MONEY = NUMBERS["money"]
_PRICE = NUMBERS["price"]


def write_workbook(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """A workbook of `price.data` with charts that the spreadsheet draws itself."""
    with new_book(file, info) as book:
        _summary(book, result)
        _ladder(book, result)
        _cash_flow(book, result)
        _breakdown(book, result)
        _inputs(book, result)
        _conventions(book, result)
        _history(book, result)
        _sources(book, result)
        add_provenance(book, result, info)


def _summary(book: Book, result: reading.Result) -> None:
    data, unit = result["price_data"], reading.unit_of(result)
    sheet = book.sheet("Summary")
    title = result["metadata"].get("title") or "Price of a plant"
    sheet.write_string(0, 0, title, book.format(bold=True, font_size=16))
    sheet.write_string(1, 0, reading.plant(result), book.format(font_color="#56645F"))
    rows: list[tuple[str, Any, str]] = [
        (reading.price_name(data), data["current_price"], unit),
        ("Selling price of the model file (S13)", data.get("base_price"), unit),
        ("Average selling price", data.get("average_selling_price"), unit),
    ]
    rows += [(item.label, item.value, item.unit) for item in reading.economics(result)]
    book.table(sheet, (), ("Quantity", "Value", "Unit"), top=3, widths=(46, 24, 12))
    for number, (label, value, its_unit) in enumerate(rows, start=4):
        bold = number == 4
        sheet.write_string(number, 0, label, book.format(bold=bold))
        kind = _format_of(value, its_unit, unit)
        write(sheet, number, 1, value, book.format(kind, bold=bold, align="right"))
        sheet.write_string(number, 2, its_unit, book.format())
    after = 5 + len(rows)
    others = reading.products(data)
    if others:
        columns = reading.columns_of(others)
        cells = [[item.get(column) for column in columns] for item in others]
        heads = [reading.words(column) for column in columns]
        kinds = [number_format(column) for column in zip(*cells, strict=True)]
        book.table(sheet, cells, heads, kinds, top=after)
    sheet.freeze_panes(4, 1)


def _format_of(value: Any, unit: str, price: str) -> str:
    if unit == price:
        return "price"
    if unit == "1/year":
        return "percent"
    if unit == "$":
        return "money" if abs(value) >= 1000 else "cents"
    return number_format([value])


def _ladder(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Capital ladder")
    steps = reading.ladder(result["price_data"])
    texts = ("From bare erected cost to total capital", "$")
    waterfall(book, sheet, steps, (0, 0), "J2", texts, _MONEY)
    _widths(sheet, (46, 18, 16, 16, 16, 16, 16, 16))
    sheet.freeze_panes(1, 1)


def _widths(sheet: Worksheet, widths: Sequence[float]) -> None:
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)


def _cash_flow(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Cash flow")
    columns, rows = reading.table(result["price_data"])
    meanings = result["metadata"].get("columns") or {}
    cells = [[row.get(column) for column in columns] for row in rows]
    kinds = [_column_format(column) for column in columns]
    heads = [reading.words(column) for column in columns]
    book.table(sheet, cells, heads, kinds, widths=[8] + [17] * (len(columns) - 1))
    sheet.set_row(0, 32)
    for place, column in enumerate(columns):
        if isinstance(meanings.get(column), str):
            sheet.write_comment(0, place, meanings[column])
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    if not {"cash_flow", "cumulative_npv"} <= set(columns) or not rows:
        return
    last = len(rows)
    bars = book.workbook.add_chart({"type": "column"})
    line = book.workbook.add_chart({"type": "line"})
    for chart, name, colour in (
        (bars, "cash_flow", ACCENT),
        (line, "cumulative_npv", HIGH),
    ):
        place = columns.index(name)
        fill = {"fill" if chart is bars else "line": {"color": colour}}
        names = {"name": [sheet.name, 0, place]}
        chart.add_series({**names, **column_ranges(sheet, 1, last, 0, place), **fill})
    bars.combine(line)
    framed(bars, "After-tax cash flow and cumulative NPV", "Year", "$", _MONEY)
    bars.set_legend({"position": "top"})
    text = {"description": "After-tax cash flow and cumulative NPV by year, in $"}
    sheet.insert_chart(xl_rowcol_to_cell(last + 3, 1), bars, text)


def _column_format(name: str) -> str:
    if name == "year":
        return "whole"
    return "decimal" if "factor" in name else "money"


def _breakdown(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Cost breakdown")
    unit = reading.unit_of(result)
    steps = reading.breakdown(result["price_data"])
    texts = (f"What the price is made of, {unit}", unit)
    waterfall(book, sheet, steps, (0, 0), "J2", texts, _PRICE)
    parts = [step for step in steps if not step.total]
    shares = [
        step.value / steps[-1].value if steps[-1].value else None for step in parts
    ]
    sheet.write_string(0, 8, "Of the price", book.head)
    for row, share in enumerate(shares, start=1):
        write(sheet, row, 8, share, book.format("percent"))
    _widths(sheet, (34, 16, 14, 14, 14, 14, 14, 14, 14))
    sheet.freeze_panes(1, 1)
    if not parts:
        return
    bars = book.workbook.add_chart({"type": "bar"})
    series = column_ranges(sheet, 1, len(parts), 0, 1)
    bars.add_series({"name": f"Part, {unit}", **series, "fill": {"color": ACCENT}})
    framed(bars, f"Parts of the price, {unit}", "", unit, _PRICE)
    bars.set_x_axis({"name": unit, "num_format": _PRICE})
    bars.set_y_axis({"reverse": True, "label_position": "low"})
    bars.set_legend({"none": True})
    sheet.insert_chart("J25", bars, {"description": f"Parts of the price in {unit}"})


def _inputs(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Inputs")
    heads = ("Input", "S-number", "Name", "Value", "Unit", "Low", "High", "Source")
    rows = [
        (
            item.get("label") or reading.words(str(item["name"])),
            item.get("s_number"),
            item["name"],
            item.get("value"),
            item.get("unit"),
            *reading.range_of(item),
            item.get("source"),
        )
        for item in reading.inputs(result)
    ]
    widths = (52, 10, 30, 18, 14, 16, 16, 60)
    end = book.table(sheet, rows, heads, widths=widths)
    sheet.freeze_panes(1, 1)
    if rows:
        sheet.autofilter(0, 0, end - 1, len(heads) - 1)


def _conventions(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Conventions")
    chosen = reading.conventions(result)
    widths = (38, 26, 30, 18, 18, 60)
    end = book.table(sheet, chosen, ("Convention", "Choice"), widths=widths)
    sheet.freeze_panes(1, 1)
    others = reading.audit(result)
    if not others:
        return
    unit = reading.unit_of(result)
    text = "What every other choice would do to the price"
    sheet.write_string(end + 1, 0, text, book.format(bold=True, font_size=12))
    heads = ("Convention", "Chosen", "Other choice", f"Price, {unit}")
    more = (f"Difference, {unit}", "Why there is no price")
    kinds = ("general", "general", "general", "price", "price", "general")
    book.table(sheet, others, heads + more, kinds, top=end + 2)


def _history(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Price history")
    history = list(result["price_data"].get("price_history") or ())
    columns = reading.columns_of(history)
    kinds = ["price" if column == "price" else "general" for column in columns]
    cells = [[row.get(column) for column in columns] for row in history]
    heads = [reading.words(column) for column in columns]
    book.table(sheet, cells, heads, kinds, widths=[26] * len(columns))
    sheet.freeze_panes(1, 0)


def _sources(book: Book, result: reading.Result) -> None:
    sheet = book.sheet("Sources")
    rows = citations(result)
    book.table(sheet, rows, ("What", "Source"), widths=(50, 110))
    sheet.freeze_panes(1, 0)

"""A report as a workbook: a summary, sheets with charts, tables, and where from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from flask_api.documents.info import DocumentInfo
from flask_api.documents.native_pictures import place
from flask_api.documents.report_parts import Report, ReportTable, Section
from flask_api.documents.workbook import (
    MOST_ROWS,
    Book,
    add_provenance,
    cell_text,
    new_book,
    number_format,
    write,
)

#: With more cells, rows go to disk as they come: memory stays flat.
MOST_CELLS = 300_000
_LOOKED_AT = 200


def write_report(
    report: Report, result: dict[str, Any], info: DocumentInfo, file: BinaryIO
) -> None:
    """The workbook of a report; every table whole, each on a sheet of its own."""
    tables = [table for section in report.sections for table in section.tables]
    cells = sum(len(table.rows) * len(table.heads) for table in tables)
    with new_book(file, info, flat=cells > MOST_CELLS) as book:
        _summary(book, report, info)
        for section in report.sections:
            if section.pictures:
                _pictures(book, section)
            for table in section.tables:
                _table(book, table)
        _pairs(book, "Assumptions", [("assumed", text) for text in report.assumptions])
        _pairs(book, "Sources", report.sources)
        add_provenance(book, result, info)


def _summary(book: Book, report: Report, info: DocumentInfo) -> None:
    sheet = book.sheet("Summary")
    title = book.format(bold=True, font_size=15)
    sheet.write_string(0, 0, cell_text(info.name or report.title), title)
    sheet.write_string(1, 0, cell_text(report.kicker), book.format(italic=True))
    row = 3
    for text in report.summary:
        sheet.write_string(row, 0, cell_text(text), book.format())
        row += 1
    row += 1
    if report.tiles:
        heads = ("Quantity", "Value", "Unit")
        book.table(sheet, (), heads, top=row)
        for name, value, unit in report.tiles:
            row += 1
            sheet.write_string(row, 0, cell_text(name), book.format())
            kind = number_format([value]) if isinstance(value, float) else "general"
            write(sheet, row, 1, value, book.format(kind, align="right"))
            sheet.write_string(row, 2, cell_text(unit), book.format())
        row += 2
    for number, text in enumerate(info.warnings):
        if number == 0:
            sheet.write_string(row, 0, "Remarks", book.head)
        row += 1
        sheet.write_string(row, 0, cell_text(text), book.format())
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 1, 24)
    sheet.set_column(2, 2, 14)


def _pictures(book: Book, section: Section) -> None:
    sheet = book.sheet(section.title)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 12, 15)
    row = 0
    for text in section.text:
        sheet.write_string(row, 0, cell_text(text), book.format())
        row += 1
    row += bool(row)
    for picture in section.pictures:
        row = place(book, sheet, picture, row)
    for text in section.notes:
        sheet.write_string(row, 0, cell_text(text), book.format(italic=True))
        row += 1


def _table(book: Book, table: ReportTable) -> None:
    """A table on a sheet, or on as many as it needs."""
    first = table.rows[:_LOOKED_AT]
    columns = [[row[n] for row in first] for n in range(len(table.heads))]
    kinds = [number_format(column) for column in columns]
    widths = [
        float(min(60, 2 + max([len(head), *(_length(v) for v in column)])))
        for head, column in zip(table.heads, columns, strict=True)
    ]
    rows = iter(table.rows)
    for part in _parts(rows):
        sheet = book.sheet(table.title)
        end = book.table(sheet, part, table.heads, kinds, widths=widths)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        if end > 1:
            sheet.autofilter(0, 0, end - 1, len(table.heads) - 1)


def _parts(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """As many rows as a sheet holds, once at least."""
    part = list(islice(rows, MOST_ROWS - 1))
    yield part
    while part := list(islice(rows, MOST_ROWS - 1)):
        yield part


def _length(value: Any) -> int:
    return 14 if isinstance(value, float) else 0 if value is None else len(str(value))


def _pairs(book: Book, name: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        sheet = book.sheet(name)
        book.table(sheet, rows, ("What", name.removesuffix("s")), widths=(40, 120))
        sheet.freeze_panes(1, 0)

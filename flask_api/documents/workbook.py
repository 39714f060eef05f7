"""Workbooks: sheets with a head, a width and number formats of their own.

Text stays text: nothing that begins with `=` becomes a formula, no address a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import orjson
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from flask_api.documents.info import DocumentInfo
from flask_api.documents.tables import Rows, provenance
from flask_api.documents.texts import plain, sheet_name
from flask_api.numerics.errors import InputError

#: What the file format allows.
MOST_ROWS, MOST_COLUMNS, MOST_TEXT = 1_048_576, 16_384, 32_767
#: Whole numbers beyond lose digits in a spreadsheet: they are kept as text.
_EXACT = 2**53
#: Written with sixteen digits, a float beyond would be read as infinity.
_LARGEST = 1.797e308
#: Rows that settle a column's width and number format.
_LOOKED_AT = 200
_WIDEST = 60

#: Names of number formats, as `Book.format` takes them.
NUMBERS: Mapping[str, str] = {
    "whole": "0",
    "grouped": "#,##0",
    "money": "#,##0;[Red]-#,##0",
    "cents": "#,##0.00;[Red]-#,##0.00",
    "price": "#,##0.000000;[Red]-#,##0.000000",
    "decimal": "0.000000",
    "small": "0.0000E+00",
    "percent": "0.00%",
    "general": "General",
}


class Book:
    """A workbook in the making."""

    def __init__(self, workbook: Any) -> None:
        self.workbook = workbook
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._names: set[str] = set()

    def format(self, number: str = "general", **more: Any) -> Format:
        """A cell format: a key of `NUMBERS`, and properties such as `bold=True`."""
        wanted = {"num_format": NUMBERS[number], "valign": "top", **more}
        key = tuple(sorted(wanted.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(wanted)
        return self._formats[key]

    @property
    def head(self) -> Format:
        """How the head of a table looks."""
        return self.format(
            bold=True,
            bg_color="#E2F1F1",
            bottom=1,
            text_wrap=True,
            border_color="#0F6A73",
        )

    def sheet(self, name: str) -> Worksheet:
        """A new sheet; its name is cut and changed to one that is allowed and free."""
        free = sheet_name(name, self._names)
        self._names.add(free.casefold())
        sheet = self.workbook.add_worksheet(free)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def table(
        self,
        sheet: Worksheet,
        rows: Iterable[Sequence[Any]],
        heads: Sequence[str],
        formats: Sequence[str] = (),
        *,
        top: int = 0,
        widths: Sequence[float] = (),
    ) -> int:
        """Write a head and rows below it; the number of the row after the last one.

        formats  a key of `NUMBERS` per column; none: `general`
        widths   in characters; none: the columns keep theirs
        """
        for column, text in enumerate(heads):
            sheet.write_string(top, column, cell_text(text), self.head)
        kinds = [self.format(name) for name in formats]
        number = top
        for number, row in enumerate(rows, start=top + 1):
            for column, value in enumerate(row):
                kind = kinds[column] if column < len(kinds) else self.format()
                write(sheet, number, column, value, kind)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return number + 1


@contextmanager
def new_book(
    file: BinaryIO, info: DocumentInfo, *, flat: bool = False
) -> Iterator[Book]:
    """A workbook that is written to `file` at the end.

    flat  rows go to disk as they come, top to bottom: for large tables. Charts then
          hold no copy of their numbers, which some viewers want.
    """
    options = {
        "constant_memory": flat,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": info.scratch,
    }
    workbook = xlsxwriter.Workbook(file, options)
    workbook.set_properties({"title": info.title, "subject": info.kind})
    workbook.set_size(2000, 1400)
    yield Book(workbook)
    _close(workbook)


def _close(workbook: Any) -> None:
    """Write the file. Raises OSError as it is, which the library wraps."""
    try:
        workbook.close()
    except FileCreateError as error:
        raise error.args[0] from None


def write(sheet: Worksheet, row: int, column: int, value: Any, kind: Format) -> None:
    """Put a JSON value into a cell, as what it is."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, kind)
    elif isinstance(value, int | float) and abs(value) <= _most(value):
        sheet.write_number(row, column, value, kind)
    else:
        text = value if isinstance(value, str) else _text(value)
        sheet.write_string(row, column, cell_text(text), kind)


def cell_text(text: str) -> str:
    """`text` as a cell, and a chart that repeats it, can hold it."""
    return plain(text[:MOST_TEXT])


def _most(value: float) -> float:
    return _EXACT if isinstance(value, int) else _LARGEST


def _text(value: Any) -> str:
    plain = isinstance(value, int | float)
    return str(value) if plain else orjson.dumps(value).decode()


def write_tables(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """A workbook with one sheet for each table of a result, and its provenance.

    Raises InputError where a table has more columns than a sheet.
    """
    with new_book(file, info, flat=True) as book:
        for name, path in info.tables:
            _whole_table(book, name, Rows(result, path))
        add_provenance(book, result, info)


def _whole_table(book: Book, name: str, rows: Rows) -> None:
    """A table on a sheet, or on as many as it needs."""
    columns = rows.columns()
    if len(columns) > MOST_COLUMNS:
        raise InputError(
            f"table {name} has {len(columns):,} columns; a sheet has {MOST_COLUMNS:,} "
            "at most: use format=csv",
            field="format",
        )
    formats, widths = _looks(rows, columns)
    kinds = [book.format(kind) for kind in formats]
    sheet, at = None, MOST_ROWS
    for row in rows:
        if sheet is None or at >= MOST_ROWS:
            sheet, at = _headed(book, name, columns, widths), 1
        for place, column in enumerate(columns):
            write(sheet, at, place, row.get(column), kinds[place])
        at += 1
    if sheet is None:
        _headed(book, name, columns, widths)


def _headed(
    book: Book, name: str, columns: Sequence[str], widths: Sequence[float]
) -> Worksheet:
    sheet = book.sheet(name)
    book.table(sheet, (), columns, widths=widths)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    return sheet


def _looks(rows: Rows, columns: Sequence[str]) -> tuple[list[str], list[float]]:
    """Number format and width of each column, judged by the first rows."""
    seen: dict[str, list[Any]] = {column: [] for column in columns}
    for _, row in zip(range(_LOOKED_AT), rows, strict=False):
        for column in columns:
            seen[column].append(row.get(column))
    formats = [number_format(seen[column]) for column in columns]
    widths = []
    for column in columns:
        longest = max((_length(value) for value in seen[column]), default=0)
        widths.append(float(min(_WIDEST, max(len(column), longest) + 2)))
    return formats, widths


def _length(value: Any) -> int:
    if isinstance(value, float):
        return 14
    return (
        0
        if value is None
        else len(_text(value) if not isinstance(value, str) else value)
    )


def number_format(values: Iterable[Any]) -> str:
    """The number format that suits all of these values."""
    numbers = [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    largest = max((abs(number) for number in numbers), default=0.0)
    if all(float(number).is_integer() for number in numbers):
        return "whole" if largest < 10_000 else "grouped"
    if largest >= 10_000:
        return "cents"
    return "decimal" if largest >= 1e-3 else "small"


def add_provenance(book: Book, result: Mapping[str, Any], info: DocumentInfo) -> None:
    """The last sheet: which job this is from, what was asked, and by what computed."""
    sheet = book.sheet("Provenance")
    lines = provenance(result, info)
    book.table(sheet, lines, ("What", "Value"), widths=(34, 90))
    sheet.freeze_panes(1, 0)

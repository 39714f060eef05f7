"""Columns of numbers on a sheet, and where a chart finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter.utility import quote_sheetname, xl_range_abs
from xlsxwriter.worksheet import Worksheet

from flask_api.documents.texts import chart_text
from flask_api.documents.workbook import Book, cell_text, number_format, write

#: Rows that a chart takes, and columns left free beside its numbers.
CHART_ROWS = 23


@dataclass(frozen=True)
class Columns:
    """Columns of a sheet below their heads; written row by row, top to bottom.

    top      row of the heads
    values   of each column; shorter ones end earlier
    """

    sheet: Worksheet
    top: int
    heads: Sequence[str]
    values: Sequence[Sequence[Any]]

    def write(self, book: Book) -> None:
        for column, text in enumerate(self.heads):
            self.sheet.write_string(self.top, column, cell_text(text), book.head)
        kinds = [book.format(number_format(column)) for column in self.values]
        for row in range(max((len(column) for column in self.values), default=0)):
            for column, values in enumerate(self.values):
                if row < len(values):
                    at = self.top + 1 + row
                    write(self.sheet, at, column, values[row], kinds[column])

    @property
    def end(self) -> int:
        """The row after the last one."""
        return self.top + 1 + max((len(column) for column in self.values), default=0)

    def range(self, column: int) -> list[Any]:
        """A column as a series takes it."""
        last = self.top + max(1, len(self.values[column]))
        return [self.sheet.name, self.top + 1, column, last, column]

    def formula(self, column: int) -> str:
        """A column as error bars take it."""
        _, first, _, last, _ = self.range(column)
        area = xl_range_abs(first, column, last, column)
        return f"={quote_sheetname(self.sheet.name)}!{area}"

    def insert(self, book: Book, chart: Any, title: str, height: int = 420) -> int:
        """Put a chart beside the columns; the row at which the next ones may begin."""
        chart.set_size({"width": 820, "height": height})
        place = (self.top, len(self.heads) + 1)
        self.sheet.insert_chart(*place, chart, {"description": chart_text(title)})
        return max(self.end, self.top + -(-height // 19) + 1) + 2

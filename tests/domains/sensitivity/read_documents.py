"""Reads reports back: the pictures, texts and tables of a page, and its workbook."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import openpyxl
from openpyxl.utils import range_boundaries

from flask_api.documents.info import DocumentInfo

LOADS = re.compile(r"""\b(?:src|href)\s*=|url\(|@import|<link|<script|\bon\w+=['"]""")


class Page(HTMLParser):
    """What stands on a report: sections with their pictures, texts, and tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.pictures: list[dict[str, Any]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._heading = self._cell = ""
        self._inside: list[str] = []
        self.feed(text)
        assert not self._inside, f"{self._inside} stay open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kinds = dict(attrs)
        if tag in ("meta",):
            return
        if tag == "svg":
            title = kinds["aria-label"] or ""
            self.pictures.append({"title": title, "signs": [], "texts": []})
        elif tag in ("rect", "circle", "path", "line", "polygon") and self._drawn:
            self.pictures[-1]["signs"].append((tag, (kinds.get("class") or "")))
        elif tag == "tr":
            self.tables.setdefault(self._heading, []).append([])
        if tag in ("h2", "h3", "td", "th", "text", "title"):
            self._cell = ""
        self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._drawn:
            kind = dict(attrs).get("class") or ""
            self.pictures[-1]["signs"].append((tag, kind))

    def handle_data(self, data: str) -> None:
        self._cell += data

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag
        if tag in ("h2", "h3"):
            self._heading = self._cell.strip()
        elif tag in ("td", "th") and not self._drawn:
            self.tables[self._heading][-1].append(self._cell.strip())
        elif tag in ("text", "title") and self._drawn:
            self.pictures[-1]["texts"].append(self._cell)

    @property
    def _drawn(self) -> bool:
        return "svg" in self._inside

    def picture(self, title: str) -> dict[str, Any]:
        """The picture whose title contains this."""
        found = [one for one in self.pictures if title in one["title"]]
        assert found, f"{title!r} is none of {[p['title'] for p in self.pictures]}"
        return found[0]

    def count(self, title: str, sign: str) -> int:
        """Signs of a picture that have this class."""
        signs = self.picture(title)["signs"]
        return sum(sign in kinds.split() for _, kinds in signs)


@dataclass
class Documents:
    """Both documents of a result."""

    result: dict[str, Any]
    html: str
    page: Page
    book: Any
    xlsx: bytes

    def rows(self, sheet: str) -> list[dict[str, Any]]:
        """A sheet's table as rows by head."""
        heads, *rows = self.book[sheet].iter_rows(values_only=True)
        return [dict(zip(heads, row, strict=True)) for row in rows]

    def charts(self) -> int:
        return sum(len(sheet._charts) for sheet in self.book.worksheets)


def documents(module: Any, result: dict[str, Any], **info: Any) -> Documents:
    about = DocumentInfo(f"sensitivity.{result.get('method')}", "Title", "j-1", **info)
    html, xlsx = io.BytesIO(), io.BytesIO()
    module.write_page(copy.deepcopy(result), about, html)
    module.write_workbook(copy.deepcopy(result), about, xlsx)
    text = html.getvalue().decode()
    assert not LOADS.search(text), "a report loads nothing and runs nothing"
    book = openpyxl.load_workbook(io.BytesIO(xlsx.getvalue()))
    found = Documents(result, text, Page(text), book, xlsx.getvalue())
    _check_ranges(book)
    assert {"Summary", "Provenance"} <= set(book.sheetnames)
    assert "Provenance" in found.page.tables and "<h2>Summary</h2>" in text
    return found


def _check_ranges(book: Any) -> None:
    """Every chart finds numbers where it looks for them."""
    for reference in _references(book):
        numbers = cells(book, reference)
        assert any(isinstance(value, int | float) for value in numbers), reference


def cells(book: Any, reference: str) -> list[Any]:
    """Values at a chart's range, such as `'Sobol indices'!$B$2:$B$4`."""
    name, _, area = reference.rpartition("!")
    left, top, right, bottom = range_boundaries(area.replace("$", ""))
    sheet = book[name.strip("'").replace("''", "'")]
    rows = sheet.iter_rows(top, bottom, left, right, values_only=True)
    return [value for row in rows for value in row]


def _references(book: Any) -> Iterator[str]:
    for sheet in book.worksheets:
        for chart in sheet._charts:
            for one in chart.series:
                if one.val is not None:
                    yield one.val.numRef.f
                else:
                    yield one.yVal.numRef.f
                    yield one.xVal.numRef.f
                bars = one.errBars
                bars = bars[0] if isinstance(bars, list) and bars else bars
                if bars:
                    yield bars.plus.numRef.f
                    yield bars.minus.numRef.f

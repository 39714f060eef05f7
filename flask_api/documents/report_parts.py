"""A report as plain data: words, pictures and tables, for page and workbook alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_api.documents.pictures import Picture


@dataclass(frozen=True)
class ReportTable:
    """Numbers of the answer: all rows; a page shows the first of them."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Section:
    """A part of a report: what it says, shows and lists.

    notes   what helps to read the pictures, below them
    """

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    notes: Sequence[str] = ()
    tables: Sequence[ReportTable] = ()


@dataclass(frozen=True)
class Report:
    """All that a report says besides remarks and provenance.

    kicker        the small line above the title
    summary       what was asked and found, a sentence each
    tiles         the numbers that matter most: (name, value, unit)
    sections      in order
    assumptions   that the numbers rest on
    sources       what is measured by whose method: (what, citation)
    """

    title: str
    kicker: str
    summary: Sequence[str]
    tiles: Sequence[tuple[str, Any, str]] = ()
    sections: Sequence[Section] = ()
    assumptions: Sequence[str] = ()
    sources: Sequence[tuple[str, str]] = ()

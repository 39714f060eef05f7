"""A report as one page that stands alone."""

from __future__ import annotations

from typing import Any, BinaryIO

from flask_api.documents.drawing import draw
from flask_api.documents.info import DocumentInfo
from flask_api.documents.page import MOST_ROWS, environment, write_page
from flask_api.documents.report_parts import Report, ReportTable

#: Rows that a page shows at most, all tables of a report together.
MOST_TOGETHER = 3000


def write_report(
    report: Report, result: dict[str, Any], info: DocumentInfo, file: BinaryIO
) -> None:
    """Words, pictures, the first rows of each table, sources and provenance."""
    tables = [table for section in report.sections for table in section.tables]
    write_page(
        environment(),
        "documents/sections.html",
        result,
        info,
        file,
        title=info.name or report.title,
        kicker=report.kicker,
        report=report,
        draw=draw,
        id=id,
        shown_rows=_shown_rows(tables),
    )


def _shown_rows(tables: list[ReportTable]) -> dict[int, int]:
    """How many rows of each table are shown, by its identity."""
    left = MOST_TOGETHER
    found = {}
    for table in tables:
        found[id(table)] = min(len(table.rows), MOST_ROWS, max(left, 25))
        left -= found[id(table)]
    return found

"""Writers of a report, as a page and as a workbook, from one description of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from flask_api.documents import report_page, report_workbook
from flask_api.documents.info import DocumentInfo
from flask_api.documents.pictures import has_numbers
from flask_api.documents.report_parts import Report

Result = dict[str, Any]
Writer = Callable[[Result, DocumentInfo, BinaryIO], None]
Build = Callable[[Result, DocumentInfo], Report]


def writers(build: Build) -> tuple[Writer, Writer]:
    """Writers of the page and of the workbook of what `build` makes of a result."""

    def write_page(result: Result, info: DocumentInfo, file: BinaryIO) -> None:
        info = with_warnings(info, result)
        report_page.write_report(_drawable(build(result, info)), result, info, file)

    def write_workbook(result: Result, info: DocumentInfo, file: BinaryIO) -> None:
        info = with_warnings(info, result)
        report_workbook.write_report(_drawable(build(result, info)), result, info, file)

    return write_page, write_workbook


def _drawable(report: Report) -> Report:
    """The report without pictures and sections in which there is nothing to see."""
    kept = []
    for section in report.sections:
        pictures = [one for one in section.pictures if has_numbers(one)]
        if pictures or section.tables or not section.pictures:
            kept.append(replace(section, pictures=pictures))
    return replace(report, sections=kept)


def with_warnings(info: DocumentInfo, result: Result) -> DocumentInfo:
    """`info` with the warnings of the answer that the job did not tell on its way."""
    told: Sequence[str] = (result.get("metadata") or {}).get("warnings") or ()
    every = dict.fromkeys([*info.warnings, *(str(text) for text in told)])
    return replace(info, warnings=tuple(every))

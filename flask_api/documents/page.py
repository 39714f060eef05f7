"""Pages that stand alone: one HTML file, no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

from flask_api.documents import numbers
from flask_api.documents.info import DocumentInfo
from flask_api.documents.tables import Rows, provenance

#: Rows of a table that a page shows; the CSV and the workbook have all.
MOST_ROWS = 1000
_HOME = "flask_api.documents"


@dataclass(frozen=True)
class ShownTable:
    """A table as a page shows it: the first of its rows, and how many there are."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int


def environment(**packages: str) -> Environment:
    """Templates of `flask_api.documents` and of further packages, by prefix.

    Text from outside is escaped; a name that a template misspells is an error.
    """
    folders = {"documents": _HOME, **packages}
    made = Environment(
        loader=PrefixLoader(
            {name: PackageLoader(package) for name, package in folders.items()}
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("figures", "money", "quantity", "shown", "signed"):
        made.filters[name] = getattr(numbers, name)
    return made


def write_page(
    made: Environment,
    template: str,
    result: dict[str, Any],
    info: DocumentInfo,
    file: BinaryIO,
    **values: Any,
) -> None:
    """Fill a template that extends `documents/report.html` and write it to `file`."""
    stream = made.get_template(template).stream(
        info=info,
        provenance=provenance(result, info),
        **{"kicker": info.kind, "title": info.name or info.title, **values},
    )
    stream.enable_buffering(64)
    for text in stream:
        file.write(text.encode())


def write_tables(result: dict[str, Any], info: DocumentInfo, file: BinaryIO) -> None:
    """A page with each table of a result, what was asked, and its provenance."""
    tables = [_shown(name, Rows(result, path)) for name, path in info.tables]
    write_page(
        environment(), "documents/tables.html", result, info, file, tables=tables
    )


def _shown(name: str, rows: Rows) -> ShownTable:
    columns = rows.columns()
    first = [[row.get(column) for column in columns] for row in islice(rows, MOST_ROWS)]
    return ShownTable(name, columns, first, sum(1 for _ in rows))

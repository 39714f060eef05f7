"""Tables of a small result as CSV, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from flask_api.analysis import Table
from flask_api.errors import ValidationError

#: Larger results are not parsed in the web process.
MOST_BYTES = 2 * 2**20
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


def pick(tables: Sequence[Table], name: str | None, kind: str) -> Table:
    """The table called `name`, or the default one.

    Raises ValidationError naming those there are.
    """
    if not tables:
        raise ValidationError(
            f"format: {kind} has no tables to give as csv; use format=json",
            details=[{"field": "format", "problem": "csv is not offered here"}],
        )
    if name is None:
        return tables[0]
    for table in tables:
        if table.name == name:
            return table
    known = ", ".join(table.name for table in tables)
    raise ValidationError(
        f"table: {kind} has no table {name[:60]!r}; it has {known}",
        details=[{"field": "table", "problem": f"must be one of {known}"}],
    )


def rows(result: Any, path: tuple[str, ...]) -> Iterator[Row]:
    """The rows at `path` of a result; see `Table.path`.

    Empty where the result lacks that part: not every method yields every table.
    """
    if not path:
        yield from _leaf(result)
        return
    if not isinstance(result, Mapping):
        return
    if path[0] != "*":
        if path[0] in result:
            yield from rows(result[path[0]], path[1:])
        return
    for key, part in result.items():
        for row in rows(part, path[1:]):
            yield {_free("id", row): key, **row}


def _free(name: str, row: Row) -> str:
    """`name`, or `id_2` where an inner mapping has taken `id`."""
    number = 2
    free = name
    while free in row:
        free, number = f"{name}_{number}", number + 1
    return free


def _leaf(part: Any) -> Iterator[Row]:
    if isinstance(part, list):
        for item in part:
            yield item if isinstance(item, dict) else {"value": item}
    elif isinstance(part, Mapping):
        if not any(isinstance(item, dict) for item in part.values()):
            for key, item in part.items():
                yield {"id": key, "value": item}
            return
        for key, item in part.items():
            yield {"id": key, **(item if isinstance(item, dict) else {"value": item})}


def csv_text(table: list[Row]) -> Iterator[str]:
    """`table` as CSV with a head, some rows at a time.

    Columns stand in the order in which rows first have them; text that a spreadsheet
    would run as a formula gets an apostrophe in front.
    """
    columns: dict[str, None] = {}
    for row in table:
        columns.update(dict.fromkeys(row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(name) for name in columns])
    for number, row in enumerate(table):
        writer.writerow([_cell(row.get(name)) for name in columns])
        if number % 500 == 499:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value

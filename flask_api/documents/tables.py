"""Tables of a result, row by row, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from flask_api.documents.info import DocumentInfo

#: What a spreadsheet would take for a formula, at the start of a text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The rows at `path` of a result, as often as they are asked for.

    path   keys that lead to a list of flat rows, or to a mapping of them (its key then
           becomes the first column, `id`), or to columns: mappings, nested or not, of
           lists of one length; `*` walks over all keys of a mapping and adds them as
           first column

    None where the result lacks that part: not every method yields every table.
    """

    result: Any
    path: tuple[str, ...]

    def __iter__(self) -> Iterator[Row]:
        return _rows(self.result, self.path)

    def columns(self) -> list[str]:
        """Names of all columns, in the order in which rows first have them."""
        found: dict[str, None] = {}
        for row in self:
            found.update(dict.fromkeys(row))
        return list(found)


def _rows(result: Any, path: tuple[str, ...]) -> Iterator[Row]:
    if not path:
        yield from _leaf(result)
        return
    if not isinstance(result, Mapping):
        return
    if path[0] != "*":
        if path[0] in result:
            yield from _rows(result[path[0]], path[1:])
        return
    for key, part in result.items():
        for row in _rows(part, path[1:]):
            yield {_free("id", row): key, **row}


def _free(name: str, row: Row) -> str:
    """`name`, or `id_2` where an inner mapping has taken `id`."""
    number = 2
    free = name
    while free in row:
        free, number = f"{name}_{number}", number + 1
    return free


def _leaf(part: Any) -> Iterator[Row]:
    columns = _columns(part) if isinstance(part, Mapping) else []
    if columns:
        names, values = zip(*columns, strict=True)
        for cells in zip(*values, strict=True):
            yield dict(zip(names, cells, strict=True))
    elif isinstance(part, list):
        for item in part:
            yield item if isinstance(item, dict) else {"value": item}
    elif isinstance(part, Mapping):
        if not any(isinstance(item, dict) for item in part.values()):
            for key, item in part.items():
                yield {"id": key, "value": item}
            return
        for key, item in part.items():
            yield {"id": key, **(item if isinstance(item, dict) else {"value": item})}


def _columns(part: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Columns with dotted names, where nested mappings end in lists of one length."""
    found = list(_ends(part))
    if all(isinstance(values, list) for _, values in found):
        plain = not any(isinstance(v, dict | list) for _, vs in found for v in vs[:1])
        if plain and len({len(values) for _, values in found}) == 1:
            return found
    return []


def _ends(part: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What nested mappings end in, with dotted names."""
    if not isinstance(part, Mapping):
        yield name, part
        return
    for key, item in part.items():
        yield from _ends(item, f"{name}.{key}" if name else str(key))


def csv_text(rows: Rows) -> Iterator[str]:
    """A table as CSV with a head, some rows at a time.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    columns = rows.columns()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(name) for name in columns])
    for number, row in enumerate(rows):
        writer.writerow([_cell(row.get(name)) for name in columns])
        if number % 500 == 499:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Plain values of nested mappings with their dotted names; lists as JSON."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, Mapping | list | tuple):
        yield name, orjson.dumps(value).decode()
    else:
        yield name, value


def provenance(
    result: Mapping[str, Any], info: DocumentInfo
) -> Iterable[tuple[str, Any]]:
    """Where a document comes from, line by line: name and value."""
    metadata = result.get("metadata") or {}
    made = metadata.get("provenance") or {}
    lines: list[tuple[str, Any]] = [
        ("analysis", info.kind),
        ("title", info.title),
        ("job", info.job_id),
        ("name", info.name),
        ("created", info.created_at),
        ("started", info.started_at),
        ("finished", info.finished_at),
        ("seed", made.get("seed", metadata.get("seed"))),
        ("request sha256", made.get("request_sha256", info.request_sha256)),
        ("data sha256", made.get("data_sha256")),
        ("result sha256", info.result_sha256 or made.get("result_sha256")),
        ("code version", made.get("code_version")),
        ("kernel", made.get("kernel")),
        ("processor", made.get("processor")),
    ]
    libraries = made.get("libraries") or {}
    lines += [(f"library {name}", version) for name, version in libraries.items()]
    lines += [(f"request {name}", value) for name, value in flat(info.request) if name]
    lines += [(f"warning {n}", text) for n, text in enumerate(info.warnings, start=1)]
    return [(name, value) for name, value in lines if value not in (None, "")]

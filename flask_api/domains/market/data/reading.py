"""Reads a table of any size from CSV or rows of JSON, block by block.

Cells are looked at as the few distinct words of a block, never one by one: 200 MB of 0
and 1 take some three seconds of one core, and memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from flask_api.domains.market.data.blocks import Block, csv_blocks, json_blocks
from flask_api.domains.market.data.column import Column
from flask_api.domains.market.data.sniffing import MOST_COLUMNS, Form
from flask_api.domains.market.data.words import counted, shown
from flask_api.numerics.errors import InputError

#: Characters of a column's name; `count_column` takes as many.
LONGEST_NAME = 255
#: Columns written at a time: each of them is an open file.
_OPEN = 250
#: Rows that can be looked at without reading the table again.
PREVIEWED = 50


@dataclass
class Reading:
    """How far reading has come.

    done, total   bytes, of both passes over the file
    facts         what `table.json` holds, once all is read
    """

    done: int = 0
    total: int = 1
    rows: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


def read_csv(file: Path, form: Form, folder: Path, sha256: str) -> Iterator[Reading]:
    """The table of a CSV file, written into a folder as `table.py` says.

    file     as it was uploaded
    form     as `sniff` found it
    folder   empty; it holds a table once `table.json` stands in it

    Raises InputError for a row with too few or too many cells, by its number.
    """
    size = file.stat().st_size
    state = Reading(total=2 * size)
    comma = form.separator != ","
    _refuse_odd_names(form.names, "columns")
    columns = [Column(name, comma) for name in form.names]
    yield from _first_pass(state, csv_blocks(file, form, form.names), columns, folder)
    if not state.rows:
        raise InputError("the file has a header and no row below it", "data")
    for places in _others(columns):
        again = csv_blocks(file, form, [columns[place].name for place in places])
        yield from _second_pass(state, again, columns, places, folder)
    yield _finished(state, columns, form.warnings, folder, sha256)


def read_rows(
    rows: Sequence[Any], names: Sequence[str] | None, folder: Path, sha256: str
) -> Iterator[Reading]:
    """The table of rows of JSON values: numbers, text, true, false, null.

    names   of the columns; None = item_1, item_2, ...

    Raises InputError as `read_csv` does, and for a cell that is a list or an object.
    """
    if not rows:
        raise InputError("got no row; wanted at least one", "data.data_json")
    first = rows[0]
    if not isinstance(first, list) or not first:
        raise InputError(
            f"row 1 is {shown(str(first))}; wanted a list of cells", "data.data_json"
        )
    if len(first) > MOST_COLUMNS:
        raise InputError(
            f"row 1 has {len(first):,} cells; wanted at most {MOST_COLUMNS:,}: rows "
            "are households, columns products",
            "data.data_json[0]",
        )
    named = _given_names(names, len(first))
    _refuse_odd_names(named, "data.column_names")
    columns = [Column(name) for name in named]
    state = Reading(total=2 * len(rows))
    everything = list(range(len(columns)))
    yield from _first_pass(state, json_blocks(rows, everything), columns, folder)
    for places in _others(columns):
        again = json_blocks(rows, places)
        yield from _second_pass(state, again, columns, places, folder)
    yield _finished(state, columns, (), folder, sha256)


def _given_names(names: Sequence[str] | None, width: int) -> list[str]:
    if names is None:
        return [f"item_{number}" for number in range(1, width + 1)]
    if len(names) != width:
        raise InputError(
            f"got {counted(len(names), 'column name')} for rows of "
            f"{counted(width, 'cell')}; wanted one each",
            "data.column_names",
        )
    found = [name.strip() for name in names]  # as those of a CSV
    for number, name in enumerate(found, 1):
        if not name:
            raise InputError(
                f"column {number} has a blank name; wanted some text",
                "data.column_names",
            )
    seen: set[str] = set()
    for name in found:
        if name in seen:
            raise InputError(
                f"two columns are called {shown(name)}; give each a name of its own",
                "data.column_names",
            )
        seen.add(name)
    return found


def _refuse_odd_names(names: Sequence[str], field: str) -> None:
    """Names stand in messages, in files and in requests: short, and text."""
    for number, name in enumerate(names, 1):
        if len(name) > LONGEST_NAME:
            raise InputError(
                f"the name of column {number}, {shown(name)}, has {len(name):,} "
                f"characters; wanted at most {LONGEST_NAME}",
                field,
            )
        if any(ord(character) < 32 and character not in "\t\n\r" for character in name):
            raise InputError(
                f"the name of column {number}, {shown(name)}, holds a control "
                "character; wanted text",
                field,
            )


# -- passes ----------------------------------------------------------------------


def _first_pass(
    state: Reading,
    blocks: Iterator[tuple[int, Block]],
    columns: list[Column],
    folder: Path,
) -> Iterator[Reading]:
    """Write every cell's code; the columns learn what they hold."""
    preview: list[list[str]] = []
    with (folder / "binary.npy").open("wb") as out:
        head = _head(0, len(columns))
        out.write(head)
        for done, block in blocks:
            rows = len(block[0][1])
            codes = np.empty((rows, len(columns)), np.uint8)
            for place, (words, indices) in enumerate(block):
                codes[:, place] = columns[place].learn(words, indices, state.rows)
            out.write(codes.data)
            if len(preview) < PREVIEWED:
                shown_rows = min(rows, PREVIEWED - len(preview))
                preview += [
                    [words[indices[row]] for words, indices in block]
                    for row in range(shown_rows)
                ]
            state.rows += rows
            state.done = done
            yield state
        final = _head(state.rows, len(columns))
        if len(final) != len(head):  # pragma: no cover  numpy pads heads alike
            raise AssertionError("the head of binary.npy grew")
        out.seek(0)
        out.write(final)
    state.facts["preview"] = preview


def _head(rows: int, columns: int) -> bytes:
    """The head of an .npy file of bytes with that shape; as long for any rows."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out,
        {"descr": "|u1", "fortran_order": False, "shape": (rows, columns)},
    )
    return out.getvalue()


def _others(columns: Sequence[Column]) -> list[list[int]]:
    """Numbers of the columns that hold more than 0 and 1, some at a time."""
    found = [i for i, column in enumerate(columns) if column.kind != "binary"]
    return [found[start : start + _OPEN] for start in range(0, len(found), _OPEN)]


def _second_pass(
    state: Reading,
    blocks: Iterator[tuple[int, Block]],
    columns: list[Column],
    places: list[int],
    folder: Path,
) -> Iterator[Reading]:
    """Write the values of columns that hold more than 0 and 1."""
    first = state.total // 2
    numbers = {
        place: np.lib.format.open_memmap(
            folder / f"number-{place}.npy", "w+", np.float64, (state.rows,)
        )
        for place in places
        if columns[place].kind == "numeric"
    }
    texts = {
        place: (folder / f"text-{place}.json").open("w", encoding="utf-8")
        for place in places
        if columns[place].kind == "text"
    }
    try:
        at = 0
        for done, block in blocks:
            for place, (words, indices) in zip(places, block, strict=True):
                if place in numbers:
                    values = columns[place].numbers(words)[indices]
                    numbers[place][at : at + len(indices)] = values
                else:
                    written = [json.dumps(word, ensure_ascii=False) for word in words]
                    texts[place].write("," if at else "[")
                    texts[place].write(",".join(written[i] for i in indices.tolist()))
            at += len(block[0][1])
            state.done = max(state.done, first + done)
            yield state
        for text in texts.values():
            text.write("]")
    finally:
        for text in texts.values():
            text.close()


def _finished(
    state: Reading,
    columns: list[Column],
    warnings: Sequence[str],
    folder: Path,
    sha256: str,
) -> Reading:
    state.done = state.total
    rows: list[list[str]] = state.facts["preview"]
    state.facts = {
        "sha256": sha256,
        "n_rows": state.rows,
        "columns": [column.facts(state.rows) for column in columns],
        "preview": [
            [column.read(word) for column, word in zip(columns, row, strict=True)]
            for row in rows
        ],
        "warnings": list(warnings),
        "created_at": datetime.now(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
    }
    draft = folder / "table.json.draft"
    draft.write_text(json.dumps(state.facts, allow_nan=False), "utf-8")
    draft.rename(folder / "table.json")
    return state


def sha256_of(file: Path) -> str:
    """Of a file's bytes."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()

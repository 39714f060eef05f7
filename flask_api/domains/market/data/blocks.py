"""Rows of a file or a request in blocks: each column as its few distinct words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from flask_api.domains.market.data.sniffing import Form
from flask_api.domains.market.data.words import counted, shown
from flask_api.numerics.errors import InputError

Indices = npt.NDArray[np.integer[Any]]
#: Columns of some rows: the distinct words of each, and which word each row has.
Block = list[tuple[list[str], Indices]]

#: Bytes that are divided into cells at a time, more where the first lines are longer
#: than a quarter of it; pyarrow reads 32 of these ahead.
BLOCK = 1 << 19


def csv_blocks(
    file: Path, form: Form, wanted: Sequence[str]
) -> Iterator[tuple[int, Block]]:
    """(bytes read so far, columns) of each block of rows.

    wanted   names of the columns that are looked at

    Raises InputError for a row with too few or too many cells, by its number.
    """
    ragged: list[Any] = []

    def refuse(row: Any) -> str:
        ragged.append(row)
        return "error"

    stream = _Counted(file)
    try:
        reader = csv.open_csv(
            stream,
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=_block(form),
                column_names=list(form.names),
                skip_rows=form.skipped,
                skip_rows_after_names=1 if form.header else 0,
                encoding=form.encoding if form.encoding != "utf-8" else "utf8",
            ),
            parse_options=csv.ParseOptions(
                delimiter=form.separator,
                newlines_in_values=form.quotes,
                invalid_row_handler=refuse,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(
                    form.names, pa.dictionary(pa.int32(), pa.string())
                ),
                include_columns=list(wanted),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        for batch in reader:
            block: Block = [
                (column.dictionary.to_pylist(), column.indices.to_numpy())
                for column in batch.columns
            ]
            yield stream.read_so_far, block
    except pa.ArrowInvalid as error:
        raise _refusal(error, ragged, form) from None
    finally:
        stream.close()


def _block(form: Form) -> int:
    """Bytes of a block: no row may be longer."""
    return max(BLOCK, 4 * form.longest)


class _Counted:
    """A file that knows how much of it was read."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("rb")
        self.read_so_far = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.read_so_far += len(piece)
        return piece

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True
        self._file.close()


def _refusal(error: Exception, ragged: list[Any], form: Form) -> InputError:
    if not ragged:
        said = str(error).partition("\n")[0]
        if "straddling" in said:
            said = f"one is longer than {_block(form):,} bytes"
            if form.quotes:
                said += ', or a quote (") is opened and never closed'
        return InputError(f"the file can't be divided into rows: {said}", "data")
    row = ragged[0]
    where = (
        "a row"
        if row.number is None
        else f"row {row.number - form.header - form.skipped}"
    )
    text = str(row.text)
    unclosed = "a quote is opened and not closed; " if text.count('"') % 2 else ""
    return InputError(
        f"{where} has {counted(row.actual_columns, 'cell')}; wanted "
        f"{row.expected_columns}, as in the first line: {shown(text)} ({unclosed}"
        f"columns are divided by {form.separator!r} here; blank lines don't count)",
        "data",
    )


def json_blocks(
    rows: Sequence[Any], wanted: Sequence[int]
) -> Iterator[tuple[int, Block]]:
    """(rows so far, columns) of each block of rows.

    wanted   numbers of the columns that are looked at

    Raises InputError for a row of another length, or a cell that is no plain value.
    """
    width = len(rows[0])
    for start in range(0, len(rows), 10_000):
        part = rows[start : start + 10_000]
        for number, row in enumerate(part, start + 1):
            if not isinstance(row, list) or len(row) != width:
                got = "is no list"
                if isinstance(row, list):
                    got = f"has {counted(len(row), 'cell')}"
                raise InputError(
                    f"row {number} {got}; wanted {width}, as row 1 has",
                    f"data.data_json[{number - 1}]",
                )
        block: Block = []
        for place in wanted:
            words: dict[str, int] = {}
            found = [
                words.setdefault(_word(row[place], start + i, place), len(words))
                for i, row in enumerate(part)
            ]
            block.append((list(words), np.array(found, np.int32)))
        yield start + len(part), block


def _word(value: Any, row: int, column: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str | int | float):
        return str(value)
    raise InputError(
        f"row {row + 1}, column {column + 1} holds a list or an object; wanted a "
        "number, text, true, false or null",
        f"data.data_json[{row}][{column}]",
    )

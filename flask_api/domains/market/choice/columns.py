"""Columns of an uploaded table as numbers and labels, refused by row and column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: By name: float64 (NaN = missing), uint8 (255 = missing) or text (None, "" = missing).
Columns = Mapping[str, npt.NDArray[Any]]

_MISSING_BYTE = 255
#: Numbers beyond it have squares and products that no computer number holds.
_LARGEST = 1e50
#: Column names told in a refusal.
_TOLD = 12


def field(name: str, row: int | None = None) -> str:
    """Where a column, or a cell of it (row from 0), stands in the request."""
    return f"data.{name}" if row is None else f"data.{name}[{row}]"


def column(columns: Columns, name: str) -> npt.NDArray[Any]:
    """The column of that name. Raises InputError, with the names there are."""
    if name not in columns:
        known = list(columns)
        more = ", ..." if len(known) > _TOLD else ""
        raise InputError(
            f"there is no column {name!r}; wanted one of {', '.join(known[:_TOLD])}"
            f"{more}",
            field(name),
        )
    return np.asarray(columns[name])


def numbers(columns: Columns, name: str) -> Floats:
    """A column as float64, missing cells as NaN.

    Raises InputError for a column that isn't there, text, or numbers beyond 1e50.
    """
    found = column(columns, name)
    if found.dtype.kind in "OUS":
        values = _numbers_of_text(found, name)
    else:
        values = found.astype(np.float64)
        if found.dtype == np.uint8:
            values[found == _MISSING_BYTE] = np.nan
    beyond = np.abs(values) > _LARGEST
    if beyond.any():
        row = int(np.argmax(beyond))
        raise InputError(
            f"row {row + 1}, column {name!r} is {values[row]:g}; wanted a finite "
            f"number up to {_LARGEST:g}: mend it, or take another unit",
            field(name, row),
        )
    return values


def _numbers_of_text(found: npt.NDArray[Any], name: str) -> Floats:
    values = np.full(len(found), np.nan)
    for row, cell in enumerate(found):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        try:
            values[row] = float(cell)
        except (TypeError, ValueError):
            raise InputError(
                f"row {row + 1}, column {name!r} is text, {str(cell)[:40]!r}; wanted a "
                "number. Code it in numbers, such as a column of 0 and 1 per value",
                field(name, row),
            ) from None
        if not np.isfinite(values[row]):
            raise InputError(
                f"row {row + 1}, column {name!r} is {cell!r}; wanted a finite number",
                field(name, row),
            )
    return values


def labels(columns: Columns, name: str) -> tuple[list[str], Ints]:
    """The distinct labels of a column, in order of appearance, and each cell's number.

    Returns (labels, codes of shape (rows,)); -1 where the cell is missing. Numbers are
    labels too: 1.0 reads "1".
    """
    found = column(columns, name)
    if found.dtype.kind in "OUS":
        cells = ["" if cell is None else str(cell).strip() for cell in found]
        places: dict[str, int] = {}
        codes = np.array(
            [places.setdefault(c, len(places)) if c else -1 for c in cells], np.int64
        )
        return list(places), codes
    values = numbers(columns, name)
    known = ~np.isnan(values)
    distinct, first, inverse = np.unique(
        values[known], return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    codes = np.full(len(values), -1, np.int64)
    codes[known] = rank[inverse]
    return [label_of(value) for value in distinct[order]], codes


def label_of(value: object) -> str:
    """How a value reads as a label: "1" for 1.0."""
    if isinstance(value, int | float | np.number):
        return f"{float(value):.15g}"
    return str(value).strip()

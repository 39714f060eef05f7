"""A table that was read: its columns, and their values where they are needed.

On disk a table is a folder: `table.json` says what the columns are; `binary.npy` holds
every cell as 0, 1, 254 (neither) or 255 (missing), shape (rows, columns);
`number-<i>.npy` the values of a numeric column, NaN where missing; `text-<i>.json`
those of a text column. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.data.checks import place_of, refuse_not_binary
from flask_api.domains.market.data.words import MISSING, OTHER
from flask_api.numerics.errors import InputError

__all__ = ["MISSING", "OTHER", "Table", "open_table"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp] | None


@dataclass(frozen=True)
class Table:
    """A table on disk.

    folder    where it lies
    facts     what `table.json` says
    """

    folder: Path
    facts: dict[str, Any]

    @property
    def n_rows(self) -> int:
        return int(self.facts["n_rows"])

    @property
    def sha256(self) -> str:
        """Of the bytes it was read from."""
        return str(self.facts["sha256"])

    @property
    def columns(self) -> list[dict[str, Any]]:
        """{name, kind, missing, ...} of each column, in order."""
        return list(self.facts["columns"])

    @property
    def names(self) -> list[str]:
        return [str(column["name"]) for column in self.facts["columns"]]

    def place(self, name: str, field: str = "columns") -> int:
        """Number of a column, from 0. Raises InputError naming those there are."""
        return place_of(name, self.facts["columns"], field)

    def cells(self) -> Bytes:
        """All cells as codes, shape (rows, columns), read from disk as needed."""
        found: Bytes = np.load(self.folder / "binary.npy", mmap_mode="r")
        return found

    def binary(self, names: Sequence[str], field: str = "product_columns") -> Bytes:
        """Columns as 0, 1 and 255 = missing, shape (rows, names).

        Raises InputError for an unknown column, and for a cell that is neither 0 nor
        1, by column and row.
        """
        at = {name: place for place, name in enumerate(self.names)}
        places = [at[name] if name in at else self.place(name, field) for name in names]
        for place in places:
            refuse_not_binary(self.facts["columns"][place], field)
        return np.ascontiguousarray(self.cells()[:, places])

    def numbers(self, names: Sequence[str], rows: Rows = None) -> Floats:
        """Columns as numbers, shape (rows, names).

        rows   those wanted, from 0; None = all

        Raises InputError for an unknown column, one that is text, and a missing value,
        by column and row.
        """
        wanted = np.arange(self.n_rows) if rows is None else rows
        found = np.empty((len(wanted), len(names)))
        for at, name in enumerate(names):
            found[:, at] = self.number(name)[wanted]
            gaps = np.isnan(found[:, at])
            if gaps.any():
                row = int(wanted[int(np.argmax(gaps))]) + 1
                raise InputError(
                    f"column {name!r} has no value in row {row}; fill it, or leave the "
                    "row out",
                    "columns",
                )
        return found

    def number(self, name: str) -> Floats:
        """One column as numbers, NaN where missing. Raises InputError for text."""
        place = self.place(name)
        column = self.facts["columns"][place]
        if column["kind"] == "text":
            raise InputError(
                f"column {name!r} is text (row {column['first_text']['row']} holds "
                f"{column['first_text']['value']!r}); wanted numbers: code it as "
                "numbers, such as one 0/1 column for each of its values",
                "columns",
            )
        if column["kind"] == "numeric":
            values: Floats = np.load(self.folder / f"number-{place}.npy")
            return values
        codes = self.cells()[:, place].astype(np.float64)
        codes[codes == MISSING] = np.nan
        return codes

    def texts(self, name: str) -> list[str]:
        """One column as it was written."""
        place = self.place(name)
        if self.facts["columns"][place]["kind"] == "text":
            found: list[str] = json.loads(
                (self.folder / f"text-{place}.json").read_text("utf-8")
            )
            return found
        return [f"{value:.15g}" for value in self.number(name).tolist()]

    def preview(self, rows: int) -> list[list[Any]]:
        """The first rows, as they were read: numbers, texts, None where missing."""
        found: list[list[Any]] = self.facts["preview"][:rows]
        return found


def open_table(folder: Path) -> Table:
    """The table that lies in a folder. Raises FileNotFoundError where there is none."""
    return Table(folder, json.loads((folder / "table.json").read_bytes()))

"""What a model found, as files: NumPy, Parquet and CSV, with labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv, parquet

from flask_api.domains.market.runs.model import Outcome

#: Arrays up to so many numbers stand in the result itself, too.
INLINE = 50_000
#: Spreadsheets take what begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Wider arrays are no table: they are kept as .npy alone.
_WIDEST = 5_000


@dataclass(frozen=True)
class Kept:
    """An array of an outcome.

    name, shape, dtype   as NumPy says
    inline               whether it is small enough for the result itself
    rows, columns        labels of a table made of it
    files                names of its files, below `arrays/`; none where nothing is kept
    """

    name: str
    values: npt.NDArray[Any]
    inline: bool
    rows: tuple[str, ...] | None
    columns: tuple[str, ...]
    files: tuple[str, ...]


def written(
    outcome: Outcome,
    products: Sequence[str],
    folder: Path | None,
    tell: Callable[[int], None] = lambda done: None,
) -> dict[str, Kept]:
    """Every array of an outcome, by name, written into a folder.

    folder   gets `arrays/<name>.npy`, `.parquet` and `.csv`; None = nothing is written
    tell     called before each array with the number of those before it
    """
    found: dict[str, Kept] = {}
    if folder is not None:
        (folder / "arrays").mkdir(parents=True, exist_ok=True)
    for name, given in outcome.arrays.items():
        tell(len(found))
        values = np.asarray(given)
        rows, columns = _labels(outcome, name, values, products)
        files: tuple[str, ...] = ()
        if folder is not None:
            files = _write(values, rows, columns, folder / "arrays", name)
        inline = values.size <= INLINE
        found[name] = Kept(name, values, inline, rows, columns, files)
    return found


def _labels(
    outcome: Outcome,
    name: str,
    values: npt.NDArray[Any],
    products: Sequence[str],
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Labels of rows (None = numbers) and columns."""
    rows, columns = outcome.labels.get(name, (None, None))
    width = values.shape[1] if values.ndim > 1 else 1
    if rows is None and values.ndim and len(values) == len(products) > 0:
        rows = products
    if columns is None and values.ndim == 2 and width == len(products) > 0:
        columns = products
    if columns is None:
        columns = [name] if values.ndim < 2 else [f"Dim_{i + 1}" for i in range(width)]
    return None if rows is None else tuple(map(str, rows)), tuple(map(str, columns))


def _write(
    values: npt.NDArray[Any],
    rows: tuple[str, ...] | None,
    columns: tuple[str, ...],
    folder: Path,
    name: str,
) -> tuple[str, ...]:
    np.save(folder / f"{name}.npy", values, allow_pickle=False)
    if values.ndim not in (1, 2) or len(columns) > _WIDEST:
        return (f"{name}.npy",)
    table = values if values.ndim == 2 else values[:, None]
    first: Any = np.arange(1, len(table) + 1) if rows is None else list(rows)
    head = "row" if rows is None else "label"
    fields = [pa.array(first)] + [
        pa.array(np.ascontiguousarray(column)) for column in table.T
    ]
    labelled = pa.Table.from_arrays(fields, names=[head, *_unlike(head, columns)])
    parquet.write_table(labelled, folder / f"{name}.parquet", compression="zstd")
    if rows is not None:
        text = pa.array([_no_formula(label) for label in rows])
        labelled = labelled.set_column(0, head, text)
    plain = labelled.rename_columns(
        [_no_formula(label) for label in labelled.schema.names]
    )
    with (folder / f"{name}.csv").open("wb") as out:
        csv.write_csv(plain, out)
    return f"{name}.npy", f"{name}.parquet", f"{name}.csv"


def _no_formula(label: str) -> str:
    """A label with an apostrophe where a spreadsheet would compute it."""
    return f"'{label}" if label.startswith(FORMULA) else label


def _unlike(head: str, columns: tuple[str, ...]) -> list[str]:
    return [f"{name}_" if name == head else name for name in columns]

"""The products of a table as a problem to fit: columns chosen, gaps settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.data.checks import (
    counting_column,
    nearly_binary,
    products,
    refuse_product_as_count,
    refuse_unfit,
    refuse_unusable,
)
from flask_api.domains.market.data.table import MISSING, Table
from flask_api.domains.market.data.words import counted
from flask_api.domains.market.runs.model import Problem
from flask_api.domains.market.runs.request_schema import columns_of
from flask_api.numerics.errors import InputError

Bytes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.intp]

#: Rows that counts may make of a table.
MOST_ROWS = 10_000_000


class Wanted(Protocol):
    """What of a request says which columns, and what to do about missing values."""

    product_columns: Any
    missing: Any
    count_column: Any


class Taking(Protocol):
    """What of a model says which data it takes."""

    @property
    def takes_missing(self) -> bool: ...
    @property
    def of_products(self) -> bool: ...
    @property
    def least_products(self) -> int: ...
    @property
    def numeric_columns(self) -> tuple[str, ...]: ...
    def columns_named(self, params: Mapping[str, Any]) -> list[str]: ...


def prepared(
    model: Taking,
    request: Wanted,
    settings: Mapping[str, Any],
    table: Table,
    seed: int,
    folder: Path | None,
    tell: Callable[[str], None],
) -> Problem:
    """What is to be fitted.

    settings   the `params` of the request, which may name covariates
    tell       called with whole sentences on what was left out or filled in

    Raises InputError for columns and cells that can't be used, by column and row.
    """
    if not model.of_products:
        empty = np.empty((table.n_rows, 0), np.uint8)
        return Problem(empty, (), seed, table, folder)
    counts = request.count_column
    covariates = model.columns_named(settings)
    names = products(
        table.columns,
        request.product_columns,
        least=model.least_products,
        beside=[*covariates, *([] if counts is None else [counts])],
    )
    for name in model.numeric_columns:
        wanted = columns_of(settings, name)
        refuse_unfit(table.columns, wanted, request.product_columns, f"params.{name}")
    if request.product_columns is None and (unlike := nearly_binary(table.columns)):
        tell(unlike)
    if counts is not None:
        refuse_product_as_count(counts, request.product_columns)
    refuse_unusable(table.columns, names, request.missing, model.takes_missing)
    values = table.binary(names)
    standing = None if counts is None else table.numbers([counts])[:, 0]
    values, rows = _settled(values, request.missing, tell, standing)
    if counts is not None:
        values, rows = _repeated(values, rows, table, counts)
    elif likely := counting_column(table.columns, names):
        tell(
            f"Column {likely!r} was not used: where it says how many households a row "
            "stands for, give it as count_column."
        )
    _refuse_constant(values, names, request.missing, counts)
    return Problem(values, tuple(names), seed, table, folder, rows)


def _repeated(
    values: Bytes, rows: Rows | None, table: Table, name: str
) -> tuple[Bytes, Rows]:
    """Each row as often as its count says, and which row of the data each one is."""
    of = np.arange(table.n_rows) if rows is None else rows
    counts = table.numbers([name])[of, 0]
    wrong = ~((counts >= 0) & (counts == np.floor(counts)))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"column {name!r}, row {of[row] + 1}: got {counts[row]:g}; wanted a whole "
            "number of households, 0 or more",
            "count_column",
        )
    total = float(counts.sum())
    if not 1 <= total <= MOST_ROWS:
        raise InputError(
            f"column {name!r} sums to {total:,.10g} households; wanted 1 to "
            f"{MOST_ROWS:,}",
            "count_column",
        )
    times = counts.astype(np.intp)
    return np.repeat(values, times, axis=0), np.repeat(of, times)


def _settled(
    values: Bytes,
    missing: str,
    tell: Callable[[str], None],
    standing: npt.NDArray[np.float64] | None,
) -> tuple[Bytes, Rows | None]:
    """The values to fit, and the rows that are left, None = all.

    standing   households that each row stands for, None = one
    """
    gaps = values == MISSING
    if not gaps.any() or missing == "mar":
        return values, None
    if missing == "drop":
        kept = np.flatnonzero(~gaps.any(axis=1))
        if not len(kept):
            raise InputError(
                "missing: every row has a missing value, so `drop` leaves none; take "
                "impute_mode, or fewer columns",
                "missing",
            )
        tell(_left_out(gaps.any(axis=1), standing))
        return values[kept], kept
    weight = np.ones(len(values)) if standing is None else standing
    ones, zeros = (
        np.array([weight[column == value].sum() for column in values.T])
        for value in (1, 0)
    )
    filled = np.where(gaps, (ones > zeros).astype(np.uint8), values)
    count = int(gaps.sum())
    tell(
        f"{counted(count, 'missing value')} {'was' if count == 1 else 'were'} filled "
        "with the more frequent value of the column: products look more alike than "
        "they are."
    )
    return filled, None


def _left_out(
    gone: npt.NDArray[np.bool_], standing: npt.NDArray[np.float64] | None
) -> str:
    """How much `drop` took away: rows, and the households they stand for."""
    said = f"{int(gone.sum()):,} of {counted(len(gone), 'row')}"
    if standing is not None:
        said += (
            f", which stand for {standing[gone].sum():,.10g} of "
            f"{standing.sum():,.10g} households,"
        )
    return f"{said} have missing values; they were left out."


def _refuse_constant(
    values: Bytes, names: list[str], missing: str, counts: str | None
) -> None:
    """What is left may be constant although the whole column was not."""
    constant = ~((values == 0).any(axis=0) & (values == 1).any(axis=0))
    if constant.any():
        name = names[int(np.argmax(constant))]
        raise InputError(
            f"column {name!r} is the same in every row {_left_by(missing, counts)}; "
            "leave it out of product_columns",
            "product_columns",
        )


def _left_by(missing: str, counts: str | None) -> str:
    """Which rows are left. Counts of 0 take rows away; so may what is missing."""
    said = [] if missing == "refuse" else [f"`missing: {missing}` leaves"]
    if counts is not None:
        said.append(f"{counts!r} counts at least once")
    return " and ".join(f"that {one}" for one in said) or "that is used"

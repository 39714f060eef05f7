"""Many plants at once: rows of varied inputs, checked, grouped and cut into blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.numerics.errors import InputError

#: Samples at a time: more would gain a tenth in time and double the memory, some 10 MB.
BLOCK = 8192
#: Whole years that fix how many years are counted: one plan for each pair of them.
COUNTED = ("plant_lifetime", "target_row")

Possible = NDArray[np.bool_]
Rows = NDArray[np.intp] | None


def checked(
    varied: Mapping[str, Array], refuse: Callable[[str, str], None]
) -> tuple[dict[str, Array], Possible]:
    """Varied inputs by canonical name, and which rows are possible at all.

    refuse   called with each name and its field; raises where it may not vary
    """
    arrays: dict[str, Array] = {}
    for given, column in varied.items():
        field = f"varied.{given}"
        name = canonical(given, field=field)
        refuse(name, field)
        array = np.asarray(column, dtype=float)
        if array.ndim != 1 or name in arrays:
            problem = "given twice" if name in arrays else f"of {array.ndim} axes"
            raise InputError(
                f"{name} is {problem}; want one array of shape (n,)", field=field
            )
        arrays[name] = array
    sizes = {array.size for array in arrays.values()} or {1}
    if len(sizes) > 1:
        raise InputError(
            f"the varied inputs have lengths {sorted(sizes)}; want one length",
            field="varied",
        )
    possible = np.ones(sizes.pop(), dtype=bool)
    for name, array in arrays.items():
        spec = INPUTS[name]
        possible &= np.isfinite(array)
        possible &= (array >= spec.low) & (array <= spec.high)
        if spec.integer:
            arrays[name] = np.rint(array)
    return arrays, possible


def groups(
    arrays: Mapping[str, Array], possible: Possible
) -> Iterator[tuple[dict[str, float], Rows]]:
    """Rows that share the years counted (`COUNTED`), with these; None = all rows."""
    rows = None if possible.all() else np.flatnonzero(possible)
    names = [name for name in COUNTED if name in arrays]
    if not names:
        yield {}, rows
        return
    if rows is None:
        rows = np.arange(possible.size)
    if not rows.size:
        return
    years = np.vstack([arrays[name][rows] for name in names])
    different, group = np.unique(years, axis=1, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=different.shape[1]))
    for shared, members in zip(different.T, np.split(order, ends[:-1]), strict=True):
        yield dict(zip(names, shared.tolist(), strict=True)), rows[members]


def blocks(arrays: Mapping[str, Array], rows: Rows) -> Iterator[tuple[Any, int]]:
    """Index and number of rows of each block, in flat memory."""
    count = len(rows) if rows is not None else length(arrays)
    for start in range(0, count, BLOCK):
        part = slice(start, min(start + BLOCK, count))
        yield part if rows is None else rows[part], part.stop - start


def length(arrays: Mapping[str, Array]) -> int:
    return next((array.size for array in arrays.values()), 1)

"""Prices of many plants at once, compiled: the fast twin of the numpy path.

Everything a plant needs happens inside the kernel, block by block of plants side by
side: amounts, ladder, ramp-up, loan, discounting, and the search for the price. Where
nothing follows income, all plants of a block are solved in step (`solve`);
where something does, each is simulated year by year (`years`).

numba is imported on first use only: the web process and small jobs never pay for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.arrays import Array

if TYPE_CHECKING:
    from flask_api.domains.price.kernel.plan import Plans
    from flask_api.domains.price.model import PriceModel

#: Rows at a time, some milliseconds of work.
CHUNK = 16_384
#: What the kernel computes.
OUTPUTS = ("price", "npv")


#: From so many plants on the kernel is worth its import.
LEAST = 512


def serves(plants: int) -> bool:
    """Whether so many plants at once are priced here, and not by numpy."""
    return plants >= LEAST and available()


def name(plants: int) -> str:
    """What prices so many plants at once, for a result's provenance."""
    return "numba" if serves(plants) else "numpy"


@functools.cache
def available() -> bool:
    """Whether numba can be imported, and is not told to leave functions as they are."""
    try:
        import numba
    except ImportError:
        return False
    return not getattr(numba.config, "DISABLE_JIT", False)


def warm() -> None:
    """Load the kernel, or compile it, so that no job has to wait for that."""
    from flask_api.domains.price.kernel.loop import plants

    plants()


def family(varied: tuple[str, ...]) -> Plans:
    """Plans for `evaluate` of models in which these inputs vary, made of shared parts.

    varied   canonical names
    """
    from flask_api.domains.price.kernel.loop import stamp
    from flask_api.domains.price.kernel.plan import Plans

    return Plans(varied, stamp())


def evaluate(
    model: PriceModel,
    arrays: Mapping[str, Array],
    possible: NDArray[np.bool_],
    outputs: Sequence[str] = ("price",),
    between: Callable[[], None] | None = None,
    plans: Plans | None = None,
) -> dict[str, Array]:
    """Prices, and NPV at the selling price, of many plants.

    arrays     varied inputs by canonical name, shape (n,); whole years are whole
    possible   rows whose values are all finite and within bounds, shape (n,)
    outputs    of `OUTPUTS`
    between    called after each part of the work, a few ms long; what it raises ends
               the work
    plans      of `family`, for the inputs of `arrays` in their order: where many models
               are priced one after another that differ in choices

    Returns arrays of shape (n,), NaN where a row is not possible or has no price. A
    row's result is the same to the last bit wherever it stands, and beside any others.
    """
    result = {name: np.full(possible.size, np.nan) for name in outputs}
    wanted = set(outputs)
    if model.structure.solves != "price":  # then the price is the selling price
        wanted.discard("price")
    if outputs and possible.any():
        run = _runner(model, arrays, possible, wanted, plans or family(tuple(arrays)))
        for start in range(0, possible.size, CHUNK):
            part = slice(start, min(start + CHUNK, possible.size))
            some = possible[part]
            rows = part if some.all() else start + some.nonzero()[0]
            for name, column in run(rows).items():
                result[name][rows] = column
            if "price" in outputs and "price" not in wanted:
                price = arrays.get("selling_price")
                result["price"][rows] = (
                    model.baseline()["selling_price"] if price is None else price[rows]
                )
            if between is not None:
                between()
    for column in result.values():
        column[~np.isfinite(column)] = np.nan
        column += 0.0  # makes -0 plain 0
    return result


def _runner(
    model: PriceModel,
    arrays: Mapping[str, Array],
    possible: NDArray[np.bool_],
    wanted: Set[str],
    plans: Plans,
) -> Callable[[slice | NDArray[np.intp]], dict[str, Array]]:
    """What computes the wanted outputs of some rows, all of them possible."""
    from flask_api.domains.price.kernel.loop import plants
    from flask_api.domains.price.kernel.plan import COUNTED

    ranges = {
        name: (int(column[possible].min()), int(column[possible].max()))
        for name, column in arrays.items()
        if name in COUNTED
    }
    made, solve = plans.of(model, ranges, wanted), plants()
    tables = (made.codes, made.segments, made.terms, made.tables, made.numbers)
    fresh = True

    def run(rows: slice | NDArray[np.intp]) -> dict[str, Array]:
        nonlocal fresh
        columns = np.array([column[rows] for column in arrays.values()])
        size = columns.shape[1] if arrays else 1
        found = {name: np.empty(size) for name in OUTPUTS}
        if size:
            at = (made.workspace, columns.ravel(), made.rows)
            if not solve(*at, *tables, fresh, *found.values()):
                raise RuntimeError("kernel and plan were made of different sources")
            fresh = False
        return {name: found[name] for name in wanted}

    return run

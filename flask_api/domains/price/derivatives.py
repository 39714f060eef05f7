"""How the solved price moves with its inputs: exact slopes by the implicit rule.

The price p of a plant with inputs x is where NPV(p, x) = 0, so

    dp/dx = -(dNPV/dx) / (dNPV/dp).

Both slopes are exact to rounding: NPV is evaluated at x + ih with h = 1e-30, where its
imaginary part is h dNPV/dx and nothing is subtracted (complex step; Squire and Trapp
1998, doi:10.1137/S003614459631241X). Whole years have no slope: theirs is half the
difference of the prices a year after and a year before.

Where taxes set in, losses or credits end, the price has a kink as a function of x. At
one, the slope given is that to the right; rounding decides whether x is at one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.calculation.flows import npv_at
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import PriceModel
from flask_api.numerics.richardson import slope, stencil

#: Imaginary step: its square is lost beside any number, so the slope is exact.
STEP = 1e-30
#: Plants evaluated in one call: some ms of work, some MB of memory.
ROWS = 4096
#: The implicit rule holds where NPV stays 0 along its slope, to this part of what the
#: input alone does to it: rounding is far below, a kink far above.
SETTLED = 1e-6

#: Inputs that a plan is made of: one number for all plants of a call.
PLANNED = ("plant_lifetime", "construction_years", "target_row")

Whole = NDArray[np.intp]
Rows = Mapping[str, Array]


def gradient(
    model: PriceModel, names: Sequence[str], rows: Rows | None = None
) -> tuple[Array, dict[str, Array]]:
    """The solved price of n plants and its derivative with respect to each input.

    names   inputs, in any spelling
    rows    arrays of shape (n,) by input, in which the plants differ from the model;
            None = the model's own plant, n = 1

    Returns prices, $/unit, and dp/dx by name as given, $/unit per unit of the input;
    all of shape (n,), NaN where no price exists or, for whole years, neither a year
    before nor after has one. Raises InputError for unknown or fixed inputs.
    """
    asked = {given: canonical(given, field="names") for given in names}
    for given, name in asked.items():
        model.refuse_fixed(name, field=given)
    varied = {
        canonical(given, field="rows"): np.asarray(column, dtype=float)
        for given, column in (rows or {}).items()
    }
    for name in varied:
        if INPUTS[name].integer:
            varied[name] = np.rint(varied[name])
    price = model.evaluate(rows or {})["price"]
    inputs = dict.fromkeys(asked.values())
    if model.structure.solves == "npv":
        found = {name: _as_given(name, price) for name in inputs}
    else:
        smooth = [name for name in inputs if not INPUTS[name].integer]
        with np.errstate(all="ignore"):  # rows that overflow come out as NaN
            found = _implicit(model, smooth, varied, price)
        for name in inputs:
            if INPUTS[name].integer:
                found[name] = _differenced(model, name, varied, price)
    return price, {given: found[name] for given, name in asked.items()}


def _as_given(name: str, price: Array) -> Array:
    """Slope where nothing is solved: the price is the input `selling_price`."""
    return np.where(np.isfinite(price), float(name == "selling_price"), np.nan)


def _implicit(
    model: PriceModel, names: Sequence[str], varied: Rows, price: Array
) -> dict[str, Array]:
    """dp/dx for inputs that are real numbers, each of shape (n,)."""
    plants = _Plants(model, names, varied, price)
    solved = np.flatnonzero(np.isfinite(price))
    which = np.arange(len(names)).repeat(solved.size)
    row = np.tile(solved, len(names))
    by_input = plants.npv_slope(which, row, np.zeros(row.size))
    by_price = np.full(price.size, np.nan)
    nothing = np.full(solved.size, -1)
    by_price[solved] = plants.npv_slope(nothing, solved, np.ones(solved.size))
    found = np.full((len(names), price.size), np.nan)
    moved = -by_input / by_price[row]
    left = np.abs(plants.npv_slope(which, row, moved))
    unsettled = left > SETTLED * np.abs(by_input)
    found[which, row] = moved
    found[~np.isfinite(found)] = np.nan
    for index in np.unique(which[unsettled]):
        rows = row[unsettled & (which == index)]
        found[index, rows] = _one_sided(model, names[index], varied, rows)
    return dict(zip(names, found + 0.0, strict=True))  # makes -0 plain 0


@dataclass(frozen=True)
class _Plants:
    """The solved plants of which NPV is differentiated."""

    model: PriceModel
    names: Sequence[str]
    varied: Rows
    price: Array

    def npv_slope(self, which: Whole, row: Whole, rise: Array) -> Array:
        """dNPV where input number `which` (-1: none) rises by 1, the price by `rise`.

        row   the plant, index into `price`; all of shape (m,)
        """
        result = np.empty(row.size)
        for start in range(0, row.size, ROWS):
            part = slice(start, start + ROWS)
            for shape, members in self._alike(row[part]):
                at = start + members
                result[at] = self._npv_slope(shape, which[at], row[at], rise[at])
        return result

    def _alike(self, row: Whole) -> Iterator[tuple[dict[str, float], Whole]]:
        """Values of `PLANNED` that differ between plants, with who shares them."""
        names = [name for name in PLANNED if name in self.varied]
        columns = np.array([self.varied[name][row] for name in names])
        if not names:
            yield {}, np.arange(row.size)
            return
        different, group = np.unique(columns, axis=1, return_inverse=True)
        for index, values in enumerate(different.T.tolist()):
            members = np.flatnonzero(group.ravel() == index)
            yield dict(zip(names, values, strict=True)), members

    def _npv_slope(
        self, shape: Mapping[str, float], which: Whole, row: Whole, rise: Array
    ) -> Array:
        values: dict[str, Any] = {**self.model.baseline(), **shape}
        values.update(
            (name, column[row])
            for name, column in self.varied.items()
            if name not in shape
        )
        for index, name in enumerate(self.names):
            if (which == index).any():
                values[name] = values[name] + 1j * STEP * (which == index)
        price = self.price[row] + 1j * STEP * rise
        plan = self.model.plan(values)
        return npv_at(plan, values, price, row.size).imag / STEP


def _one_sided(model: PriceModel, name: str, varied: Rows, rows: Whole) -> Array:
    """Slope to the right, or to the left where the input ends, at kinks of NPV itself.

    There NPV has other slopes where the input pulls it down than where the price lifts
    it up, so that the implicit rule does not hold.
    """
    spec, base = INPUTS[name], model.baseline()[name]
    x = varied[name][rows] if name in varied else np.full(rows.size, base)
    low = np.where(x < spec.high, x, spec.low)
    where = stencil(x, scale_of(model, name, x), low, spec.high)
    plants = {
        other: np.broadcast_to(column[rows], where.at.shape).ravel()
        for other, column in varied.items()
    }
    prices = model.evaluate({**plants, name: where.at.ravel()})["price"]
    return slope(where, prices.reshape(where.at.shape))[0]


def _differenced(model: PriceModel, name: str, varied: Rows, price: Array) -> Array:
    """Change of the price per year of an input that counts whole years."""
    at = varied.get(name, np.full(price.shape, model.baseline()[name]))
    before, after = (
        model.evaluate({**varied, name: at + step})["price"] for step in (-1.0, 1.0)
    )
    if name == "target_row":  # 0 stands for the last year, so it is no neighbour of 1
        before[at == 1] = np.nan
        after[at == 0] = np.nan
    return per_year(before, price, after)


def per_year(before: Array, now: Array, after: Array) -> Array:
    """Difference per year of what is known at three years in a row.

    Central where it is known on both sides, else to the side that is known.
    """
    central, forward, backward = (after - before) / 2, after - now, now - before
    one_sided = np.where(np.isfinite(forward), forward, backward)
    return np.where(np.isfinite(central), central, one_sided)


def scale_of(model: PriceModel, name: str, at: Array) -> Array:
    """A distance in which the price may change its course, > 0.

    A tenth of the input's size or range. Of an input that is 0 and has no range, as
    much as moves the price by a tenth: of a yearly cost, a tenth of the turnover.
    """
    entry = model.inputs.get(name)
    ends = [model.baseline()[name]]
    if entry is not None and entry.low is not None and entry.high is not None:
        ends += [entry.low, entry.high]
    largest = max(abs(end) for end in ends)
    return np.maximum(np.abs(at), 0.1 * largest or _as_moves_the_price(model, name))


def _as_moves_the_price(model: PriceModel, name: str) -> float:
    """Change of an input that moves the price by a tenth, by its slope; 1 if none."""
    price = model.evaluate({})["price"]
    if np.isfinite(INPUTS[name].high) or not np.isfinite(price[0]):
        return 1.0  # what has an upper end is a share or a rate
    plant, first = _Plants(model, [name], {}, price), np.zeros(1, dtype=np.intp)
    with np.errstate(all="ignore"):  # what is not finite is not taken
        by_price = plant.npv_slope(first - 1, first, np.ones(1))
        by_input = plant.npv_slope(first, first, np.zeros(1))
        distance = float(np.abs(0.1 * price * by_price / by_input)[0])
    return distance if 0 < distance < np.inf else 1.0

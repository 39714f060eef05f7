"""How the slope of the solved price itself moves: second derivatives, cross effects.

They are slopes of the exact first derivative of `derivatives.py`: extrapolated
differences, with the error these may have. Of whole years they are differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.calculation.arrays import Array
from flask_api.domains.price.derivatives import gradient, per_year, scale_of
from flask_api.domains.price.inputs import INPUTS, canonical
from flask_api.domains.price.model import PriceModel
from flask_api.numerics.richardson import slope, stencil

#: A second derivative is known if its error is below this part of the larger of itself
#: and of the first one over the input's size.
KNOWN = 1e-4


@dataclass(frozen=True)
class Along:
    """Price and slopes along the values of one input, all of shape (n,), NaN = none.

    error   bound of the error of `second`
    """

    price: Array
    first: Array
    second: Array
    error: Array


def along(model: PriceModel, name: str, grid: Array) -> Along:
    """Price, first and second derivative along the values of one input.

    grid   values of the input, shape (n,); whole years are rounded

    The second derivative is the slope of the exact first one, by extrapolated
    differences; at kinks, and as near to them as 1e-5 of the input, it is not defined.
    For whole years it is the second difference, one-sided at the ends.
    """
    name = canonical(name, field="name")
    grid = np.asarray(grid, dtype=float)
    if INPUTS[name].integer:
        return _along_years(model, name, np.rint(grid))
    spec, scale, n = INPUTS[name], scale_of(model, name, grid), grid.size
    where = stencil(grid, scale, spec.low, spec.high)
    points = np.concatenate([grid, where.at.ravel()])
    price, slopes = gradient(model, [name], {name: points})
    first = slopes[name][:n]
    second, error = slope(where, slopes[name][n:].reshape(where.at.shape))
    return Along(price[:n], first, *_known(second, error, first, scale))


def _known(
    found: Array, error: Array, first: Array, scale: Array
) -> tuple[Array, Array]:
    """What was found, 0 where it drowns in its error, NaN where that is too large."""
    size = np.maximum(np.abs(found), np.abs(first) / scale)
    known = (error <= KNOWN * size) | (error == 0)
    result = np.where(np.abs(found) > error, found, 0.0)
    return np.where(known, result, np.nan), np.where(known, error, np.nan)


def _along_years(model: PriceModel, name: str, grid: Array) -> Along:
    steps = np.arange(-2.0, 3.0)[:, None]
    around = (grid + steps).ravel()
    prices = model.evaluate({name: around})["price"].reshape(5, -1)
    if name == "target_row":
        prices[(around.reshape(5, -1) == 0) & (grid > 0)] = np.nan
        prices[:, grid == 0] = np.where(steps == 0, prices[:, grid == 0], np.nan)
    first = per_year(prices[1], prices[2], prices[3])
    bends = np.diff(prices, 2, axis=0)  # around the year before, this one, the next
    second = bends[1]
    for other in (bends[2], bends[0]):
        second = np.where(np.isfinite(second), second, other)
    return Along(prices[2], first, second, np.zeros_like(second))


def cross_effects(
    model: PriceModel, name: str, others: Sequence[str]
) -> dict[str, float]:
    """d2p / dx dy at the model's own values, by input y; NaN where it is not defined.

    As `along`: the slope along x of the exact dp/dy; where either counts whole years,
    the difference per year of the exact slope along the other.
    """
    name = canonical(name, field="name")
    asked = {given: canonical(given, field="others") for given in others}
    if INPUTS[name].integer:
        found = _across_years(model, name, list(asked.values()))
        return {given: found[other] for given, other in asked.items()}
    smooth = [other for other in asked.values() if not INPUTS[other].integer]
    found = _across(model, name, smooth)
    for other in asked.values():
        if INPUTS[other].integer:
            found[other] = _across_years(model, other, [name])[name]
    return {given: found[other] for given, other in asked.items()}


def _across(model: PriceModel, name: str, others: Sequence[str]) -> dict[str, float]:
    spec, x = INPUTS[name], np.array([model.baseline()[name]])
    scale = scale_of(model, name, x)
    where = stencil(x, scale, spec.low, spec.high)
    _, slopes = gradient(model, others, {name: np.append(x, where.at)})
    if not others:
        return {}
    table = np.array([slopes[other] for other in others]).T  # (1 + points, inputs)
    values = table[1:].reshape(*where.at.shape[:2], len(others))
    mixed, error = slope(where, values)
    mixed, _ = _known(mixed, error, table[0], scale)
    return dict(zip(others, mixed.tolist(), strict=True))


def _across_years(
    model: PriceModel, name: str, others: Sequence[str]
) -> dict[str, float]:
    """As `_across` for an input that counts whole years."""
    year = model.baseline()[name]
    _, slopes = gradient(model, others, {name: year + np.array([-1.0, 0.0, 1.0])})
    for column in slopes.values():
        if name == "target_row" and year <= 1:
            column[[0, 2] if year == 0 else [0]] = np.nan
    return {other: float(per_year(*slopes[other])) for other in others}

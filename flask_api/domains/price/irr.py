"""The internal rate of return of many cash flows at once."""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.arrays import Amount, Array

#: Rates are sought between a loss of 99 % and a gain of 10,000 % a year.
LOWEST, HIGHEST = -0.99, 100.0
#: Newton doubles the digits: after a step this small nothing is left to gain.
TOLERANCE = 1e-9
MAX_PASSES = 100
#: Three to six do; after so many, bisection ends it (35 passes).
NEWTON_PASSES = 30
_GRID = 48


def internal_rate(cash: Array, near: Amount) -> Array:
    """Rate at which each cash flow is worth nothing; NaN where there is none.

    cash   shape (years, samples), first year first
    near   where a flow has several such rates, the one closest to this is returned

    Money that comes before it is spent has no meaningful rate: only roots where NPV
    falls as the rate rises count. One change of sign means one root (Descartes).
    """
    near = np.broadcast_to(np.asarray(near, dtype=float), cash.shape[1:])
    low, high = np.full(near.shape, LOWEST), np.full(near.shape, HIGHEST)
    plain = _one_change_of_sign(cash)
    if not plain.all():
        low[~plain], high[~plain] = _nearest_fall(cash[:, ~plain], near[~plain])
    return _root(cash, low, high, near)


def _one_change_of_sign(cash: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a flow is spent first and earned after, without turning back."""
    earned = np.logical_or.accumulate(cash > 0, axis=0)
    return np.asarray(~(earned & (cash < 0)).any(axis=0))


def _worth(cash: Array, rate: Array) -> Array:
    """NPV in the first year, by Horner's rule."""
    step = 1 / (1 + rate)
    value: Array = cash[-1]
    for year in range(len(cash) - 2, -1, -1):
        value = value * step + cash[year]
    return value


def _nearest_fall(cash: Array, near: Array) -> tuple[Array, Array]:
    """Bracket of the root closest to `near` where NPV falls; NaN if there is none."""
    rates = np.geomspace(1 + LOWEST, 1 + HIGHEST, _GRID) - 1
    worth = np.array([_worth(cash, np.full(near.shape, rate)) for rate in rates])
    falls = (worth[:-1] > 0) & (worth[1:] <= 0)
    middle = (rates[:-1] + rates[1:])[:, None] / 2
    distance = np.where(falls, np.abs(middle - near), np.inf)
    best = distance.argmin(axis=0)
    found = falls.any(axis=0)
    low, high = rates[best], rates[best + 1]
    return np.where(found, low, np.nan), np.where(found, high, np.nan)


def _balance(earned: Array, spent: Array, x: Array) -> tuple[Array, Array]:
    """ln of what is earned over what is spent at rate exp(x) - 1, and its slope.

    Zero where NPV is, but nearly straight in x: NPV itself grows by so many powers of
    ten towards low rates that Newton's method would crawl there.
    """
    step = np.exp(-x)
    value, slope = [earned[-1], spent[-1]], [np.zeros(x.shape), np.zeros(x.shape)]
    for year in range(len(earned) - 2, -1, -1):
        for side, cash in enumerate((earned, spent)):
            slope[side] = slope[side] * step + value[side]
            value[side] = value[side] * step + cash[year]
    return (
        np.log(value[0] / value[1]),
        -step * (slope[0] / value[0] - slope[1] / value[1]),
    )


def _root(cash: Array, low: Array, high: Array, near: Array) -> Array:
    """Newton's method kept inside a bracket over which NPV falls from + to -."""
    ends = (_worth(cash, low) > 0) & (_worth(cash, high) <= 0)
    rows, result = np.flatnonzero(ends), np.full(near.shape, np.nan)
    earned = np.maximum(cash[:, rows], 0.0)
    spent = earned - cash[:, rows]
    low, high = np.log1p(low[rows]), np.log1p(high[rows])
    at = np.clip(np.log1p(near[rows]), low, high)
    for done in range(MAX_PASSES):
        value, slope = _balance(earned, spent, at)
        low, high = np.where(value >= 0, at, low), np.where(value <= 0, at, high)
        guess = at - value / slope
        inside = (guess >= low) & (guess <= high) & (done < NEWTON_PASSES)
        guess = np.where(inside, guess, (low + high) / 2)
        left = np.abs(guess - at) > TOLERANCE
        at = guess
        result[rows] = np.expm1(at)
        if not left.any():
            return result
        if left.mean() < 0.7:  # carry on with those not found yet
            rows, at, low, high = rows[left], at[left], low[left], high[left]
            earned, spent = earned[:, left], spent[:, left]
    return result

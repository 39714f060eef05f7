"""The internal rate of return of many cash flows at once."""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.arrays import Amount, Array

#: Rates are sought between a loss of 99 % and a gain of 10,000 % a year.
LOWEST, HIGHEST = -0.99, 100.0
#: Newton doubles the digits: after a step this small nothing is left to gain.
TOLERANCE = 1e-9
MAX_PASSES = 100
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


def _worth(cash: Array, rate: Array) -> tuple[Array, Array]:
    """NPV in the first year and its slope, both over the rate, by Horner's rule."""
    step = 1 / (1 + rate)
    value, slope = cash[-1].copy(), np.zeros(rate.shape)
    for year in range(len(cash) - 2, -1, -1):
        slope = slope * step + value
        value = value * step + cash[year]
    return value, -slope * step * step


def _nearest_fall(cash: Array, near: Array) -> tuple[Array, Array]:
    """Bracket of the root closest to `near` where NPV falls; NaN if there is none."""
    rates = np.geomspace(1 + LOWEST, 1 + HIGHEST, _GRID) - 1
    worth = np.array([_worth(cash, np.full(near.shape, rate))[0] for rate in rates])
    falls = (worth[:-1] > 0) & (worth[1:] <= 0)
    middle = (rates[:-1] + rates[1:])[:, None] / 2
    distance = np.where(falls, np.abs(middle - near), np.inf)
    best = distance.argmin(axis=0)
    found = falls.any(axis=0)
    low, high = rates[best], rates[best + 1]
    return np.where(found, low, np.nan), np.where(found, high, np.nan)


def _root(cash: Array, low: Array, high: Array, near: Array) -> Array:
    """Newton's method kept inside a bracket over which NPV falls from + to -."""
    ends = (_worth(cash, low)[0] > 0) & (_worth(cash, high)[0] <= 0)
    low, high = np.where(ends, low, np.nan), np.where(ends, high, np.nan)
    result = np.full(near.shape, np.nan)
    rows = np.flatnonzero(np.isfinite(low))
    cash, low, high = cash[:, rows], low[rows], high[rows]
    at = np.clip(near[rows], low, high)
    for _ in range(MAX_PASSES):
        value, slope = _worth(cash, at)
        low, high = np.where(value >= 0, at, low), np.where(value <= 0, at, high)
        guess = at - value / slope
        inside = (guess >= low) & (guess <= high)
        # the geometric middle: rates span four orders of magnitude
        guess = np.where(inside, guess, np.sqrt((1 + low) * (1 + high)) - 1)
        found = np.abs(guess - at) <= TOLERANCE * (1 + guess)
        at = guess
        result[rows] = at
        if found.all():
            break
        if found.mean() > 0.3:  # carry on with those not found yet
            left = ~found
            rows, cash, at = rows[left], cash[:, left], at[left]
            low, high = low[left], high[left]
    return result

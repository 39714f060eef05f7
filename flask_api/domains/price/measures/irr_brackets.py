"""Where the internal rates of many cash flows lie, with certainty, in floats.

A cash flow is a polynomial in x = 1 / (1 + rate), from 0 to 1 where the rate is a gain;
read backwards, it is one in 1 + rate, from 0 to 1 where the rate is a loss. Written in
Bernstein's basis, such a polynomial has in (0, 1) as many roots as its coefficients
have changes of sign, or fewer by an even number: none or one is certain, more are cut
in two halves. What rounding could have turned is not believed: those flows are named,
for `real_roots` to decide.

Lane & Riesenfeld (1981), "Bounds on a polynomial", BIT 21, 112-117,
doi:10.1007/BF01934076.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.arrays import Array

Rows = NDArray[np.intp]
#: Rates closer to each other than 2^-16 of 1 + rate are left to exact numbers.
_HALVINGS = 16


def falling_brackets(
    cash: Array, lowest: float, highest: float
) -> tuple[Rows, Array, Array, Rows]:
    """Brackets of all rates from `lowest` to `highest` where NPV falls through zero.

    cash   shape (years, samples), finite, first year first

    Returns the sample, the low and the high end of each bracket, which holds one rate;
    and the samples for which floats can't tell.
    """
    doubtful = np.zeros(cash.shape[1], dtype=bool)
    found: list[tuple[Rows, Array, Array]] = []
    for gains in (True, False):
        rows, left, right, falls, lost = _isolated(cash if gains else cash[::-1], gains)
        doubtful[lost] = True
        rows, left, right = rows[falls], left[falls], right[falls]
        if gains:
            with np.errstate(divide="ignore"):  # no end to the rate
                left, right = 1 / right - 1, 1 / left - 1
        else:
            left, right = left - 1, right - 1
        low, high = np.maximum(left, lowest), np.minimum(right, highest)
        crossed = (_worth(cash, rows, low) > 0) & (_worth(cash, rows, high) <= 0)
        doubtful[rows[~crossed & (low == left) & (high == right)]] = True
        found.append((rows[crossed], low[crossed], high[crossed]))
    rows, low, high = (np.concatenate(parts) for parts in zip(*found, strict=True))
    sure = ~doubtful[rows]
    return rows[sure], low[sure], high[sure], np.flatnonzero(doubtful)


def _worth(cash: Array, rows: Rows, rate: Array) -> Array:
    """NPV of some flows, by Horner's rule."""
    step = 1 / (1 + rate)
    value: Array = cash[-1, rows]
    for year in range(len(cash) - 2, -1, -1):
        value = value * step + cash[year, rows]
    return value


def _isolated(
    cash: Array, gains: bool
) -> tuple[Rows, Array, Array, NDArray[np.bool_], Rows]:
    """Intervals within (0, 1) that hold one root of a polynomial.

    cash    coefficients, shape (powers, samples), lowest power first
    gains   the variable falls as the rate rises

    Returns sample, left and right end of each interval, whether NPV falls there as the
    rate rises, and the samples that could not be decided.
    """
    basis, halves = _bernstein(len(cash)), _halves(len(cash))
    size, part = basis @ np.abs(cash), basis @ cash
    rows, left = np.arange(cash.shape[1]), np.zeros(cash.shape[1])
    found: list[tuple[Rows, Array, Array, NDArray[np.bool_]]] = []
    for level in range(_HALVINGS + 1):
        # each product of matrices rounds len(cash) times; twice that for what follows
        trust = 2 * (level + 1) * (len(cash) + 5) * np.finfo(float).eps
        changes, begins, unsure = _changes(part, trust * size)
        one = (changes == 1) & ~unsure
        width = 0.5**level
        falls = begins[one] < 0 if gains else begins[one] > 0
        found.append((rows[one], left[one], left[one] + width, falls))
        open_ = unsure | (changes > 1)
        if level == _HALVINGS or not open_.any():
            break
        rows, left = rows[open_], left[open_]
        part, size = part[:, open_], size[:, open_]
        part = np.concatenate([half @ part for half in halves], axis=1)
        size = np.concatenate([half @ size for half in halves], axis=1)
        rows, left = np.tile(rows, 2), np.concatenate([left, left + width / 2])
    where, low, high, falls = (
        np.concatenate(each) for each in zip(*found, strict=True)
    )
    return where, low, high, falls, np.unique(rows[open_])


def _changes(
    part: Array, error: Array
) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
    """Changes of sign along axis 0, the first sign, and whether they are in doubt.

    error   how far each coefficient may be off. One that may have either sign matters
            unless its neighbours have different signs anyhow.
    """
    signs = np.where(np.abs(part) > error, np.sign(part), 0.0)
    unknown = (signs == 0) & (error > 0)
    count = np.zeros(part.shape[1], dtype=np.int64)
    first, last = np.zeros(part.shape[1]), np.zeros(part.shape[1])
    waits, unsure = np.zeros((2, part.shape[1]), dtype=bool)
    for sign, dim in zip(signs, unknown, strict=True):
        known = sign != 0
        turned = sign * last < 0
        count += turned
        unsure |= known & waits & ~turned
        waits = dim | (waits & ~known)
        first = np.where(first == 0, sign, first)
        last = np.where(known, sign, last)
    return count, first, unsure | waits


def _bernstein(size: int) -> Array:
    """Matrix from the coefficients of powers to those of Bernstein's basis."""
    top = size - 1
    return np.array(
        [
            [math.comb(j, i) / math.comb(top, i) for i in range(size)]
            for j in range(size)
        ]
    )


def _halves(size: int) -> tuple[Array, Array]:
    """Matrices to the coefficients on the left and the right half (de Casteljau)."""
    left = np.array(
        [[math.comb(j, i) / 2**j for i in range(size)] for j in range(size)]
    )
    return left, left[::-1, ::-1].copy()

"""The internal rate of return: of many cash flows at once, or all rates of one."""

from __future__ import annotations

import functools
import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from flask_api.domains.price.calculation.arrays import Amount, Array
from flask_api.domains.price.measures.irr_brackets import falling_brackets
from flask_api.domains.price.measures.real_roots import (
    odd_part,
    square_free,
    unit_roots,
)
from flask_api.numerics.errors import InputError

#: Rates are sought between a loss of 99 % and a gain of 10,000 % a year.
LOWEST, HIGHEST = -0.99, 100.0
#: Newton doubles the digits: after a step this small nothing is left to gain.
TOLERANCE = 3e-8
#: Bisection doesn't: it goes on to the last digits.
HALVED = 1e-14
MAX_PASSES = 100
#: Three to six do; after so many, bisection ends it (50 passes).
NEWTON_PASSES = 30
#: From so many flows on, numba's import (half a second) is soon earned back.
COMPILED_FROM = 257

#: The ends of what a float can say of a rate above -100 %.
_ABOVE_TOTAL_LOSS = Fraction(math.nextafter(-1.0, 0.0))
_LARGEST = Fraction(sys.float_info.max)


def internal_rate(cash: Array, near: Amount) -> Array:
    """Rate at which each cash flow is worth nothing; NaN where there is none.

    cash   shape (years, samples), first year first
    near   where a flow has several such rates, the one closest to this is returned
           (of two that are equally close, the lower one)

    A rate counts where NPV changes from positive to negative as the rate rises, between
    -99 % and 10,000 %. Not counted: rates where NPV rises (money that comes before it
    is spent: a dearer loan would make the plant better), and rates where NPV touches
    zero without crossing it. `all_rates` lists those too.

    A flow that turns from spending to earning once has one rate (Descartes). Where it
    turns back, all its rates are found for certain before one is chosen.
    """
    near = np.broadcast_to(np.asarray(near, dtype=float), cash.shape[1:])
    with np.errstate(all="ignore"):  # infinite flows and rates that don't exist: NaN
        compiled = _kernel() if near.size >= COMPILED_FROM else None
        if compiled is None:
            result = _plain_rates(cash, near)
        else:
            result = compiled(
                np.ascontiguousarray(cash, dtype=float),
                np.log1p(near),
                *(LOWEST, HIGHEST, TOLERANCE, HALVED, NEWTON_PASSES, MAX_PASSES),
            )
        rows = np.flatnonzero(np.isnan(result))
        if rows.size:
            others = cash[:, rows]
            turns = ~_one_change_of_sign(others) & np.isfinite(others).all(axis=0)
            rows = rows[turns]
            result[rows] = _nearest(others[:, turns], near[rows])
    return result


def all_rates(cash: Sequence[float]) -> list[float]:
    """All internal rates of one cash flow above -100 %, sorted.

    cash   first year first; each number is taken as the decimal that is written for it
           (2.2 means 22/10, not the nearest binary number)

    A rate is listed once, also where NPV touches zero without crossing it. None is
    missed and none made up: they are isolated in whole numbers (`real_roots`), then
    narrowed to 1e-15 of 1 + rate. Returns [] where NPV is zero at no rate. Raises
    InputError for a flow that is empty, not finite, or zero in every year (its NPV is
    zero at every rate).
    """
    return sorted(set(_rates(square_free(_whole_numbers(cash)))))


def _whole_numbers(cash: Sequence[float]) -> list[int]:
    """The flow in a currency so small that all amounts are whole; the last is not 0."""
    for year, amount in enumerate(cash):
        if not math.isfinite(amount):
            raise InputError(
                f"the cash flow of year {year} (the first is year 0) is {amount}; want "
                "finite numbers",
                field="cash",
            )
    written = [Decimal(repr(float(amount))).as_integer_ratio() for amount in cash]
    while written and written[-1][0] == 0:
        written.pop()
    if not written:
        raise InputError(
            "the cash flow is zero in every year, so every rate is an internal rate of "
            "return; want an amount in at least one year",
            field="cash",
        )
    scale = math.lcm(*(below for _, below in written))
    return [above * (scale // below) for above, below in written]


def _rates(p: Sequence[int]) -> list[float]:
    """Rates at which sum(p[t] / (1 + rate)^t) is 0, sorted; no root repeats in p."""
    losses = [growth - 1 for growth in unit_roots(p[::-1])]
    even = [Fraction(0)] if sum(p) == 0 else []
    gains = [1 / step - 1 for step in reversed(unit_roots(p))]
    return [
        float(min(max(rate, _ABOVE_TOTAL_LOSS), _LARGEST))
        for rate in (*losses, *even, *gains)
    ]


def _nearest_exactly(cash: Array, near: float) -> float:
    """The rate of one flow that `internal_rate` wants, in whole numbers throughout."""
    whole = _whole_numbers(cash.tolist())
    rates = _rates(odd_part(whole))  # NPV crosses zero at each: falling, rising, ...
    falling = rates[0::2] if whole[-1] > 0 else rates[1::2]
    within = [rate for rate in falling if LOWEST <= rate <= HIGHEST]
    return min(within, key=lambda rate: abs(rate - near), default=math.nan)


@functools.cache
def _kernel() -> Callable[..., Array] | None:
    """The compiled twin of `_plain_rates`; None where numba is not installed."""
    if importlib.util.find_spec("numba") is None:
        return None
    module = importlib.import_module("flask_api.domains.price.measures.irr_kernel")
    return cast(Callable[..., Array], module.plain_rates())


def _plain_rates(cash: Array, near: Array) -> Array:
    """Rates of the flows that turn from spending to earning just once, else NaN."""
    plain = _one_change_of_sign(cash)
    low, high = np.full(near.shape, LOWEST), np.full(near.shape, HIGHEST)
    return _root(cash, np.where(plain, low, np.nan), high, near)


def _nearest(cash: Array, near: Array) -> Array:
    """`internal_rate` of flows that turn more than once."""
    rows, low, high, doubtful = falling_brackets(cash, LOWEST, HIGHEST)
    found = _root(cash[:, rows], low, high, near[rows])
    order = np.lexsort((found, np.abs(found - near[rows]), rows))
    first, where = np.unique(rows[order], return_index=True)
    result = np.full(near.shape, np.nan)
    result[first] = found[order[where]]
    for row in doubtful:
        result[row] = _nearest_exactly(cash[:, row], float(near[row]))
    return result


def _one_change_of_sign(cash: Array) -> NDArray[np.bool_]:
    """Whether a flow is spent first and earned after, without turning back."""
    earned = np.logical_or.accumulate(cash > 0, axis=0)
    return np.asarray(~(earned & (cash < 0)).any(axis=0))


def worth(cash: Array, rate: Array) -> Array:
    """NPV in the first year, by Horner's rule."""
    step = 1 / (1 + rate)
    value: Array = cash[-1]
    for year in range(len(cash) - 2, -1, -1):
        value = value * step + cash[year]
    return value


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
    ends = (worth(cash, low) > 0) & (worth(cash, high) <= 0)
    rows, result = np.flatnonzero(ends), np.full(near.shape, np.nan)
    earned = np.maximum(cash[:, rows], 0.0)
    spent = earned - cash[:, rows]
    low, high = np.log1p(low[rows]), np.log1p(high[rows])
    at = np.clip(np.log1p(near[rows]), low, high)
    for done in range(MAX_PASSES):
        value, slope = _balance(earned, spent, at)
        low, high = np.where(value >= 0, at, low), np.where(value <= 0, at, high)
        guess = at - value / slope
        trusted = (guess >= low) & (guess <= high) & (done < NEWTON_PASSES)
        trusted |= np.abs(guess - at) <= TOLERANCE  # else its last bits throw it out
        guess = np.where(trusted, guess, (low + high) / 2)
        left = np.abs(guess - at) > np.where(trusted, TOLERANCE, HALVED)
        at = guess
        result[rows] = np.expm1(at)
        if not left.any():
            return result
        if left.mean() < 0.7:  # carry on with those not found yet
            rows, at, low, high = rows[left], at[left], low[left], high[left]
            earned, spent = earned[:, left], spent[:, left]
    return result

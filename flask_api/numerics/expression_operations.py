"""What the operations of a formula do to whole columns, and to their slopes.

A truth is a number too: 1, 0, or NaN where an operand of a comparison is NaN. So a row
without an answer never passes for a false one. A pole (division by zero, log of zero, a
negative power of zero) is NaN at once; what is merely too large stays infinite, so that
`1 / (1 + exp(-x))` is 0 far to the left, as it should be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: A column of shape (n,), or one number for all rows.
Column = Any
#: A column of slopes; None = 0 in all rows.
Slope = Any


def _undefined(y: Column, where: Column) -> Column:
    """`y` with NaN in the rows of `where`."""
    return np.where(where, np.nan, y) if np.any(where) else y


def _divide(a: Column, b: Column) -> Column:
    return _undefined(np.divide(a, b), np.equal(b, 0))


def _power(a: Column, b: Column) -> Column:
    if np.ndim(b) == 0 and b == 2:
        return np.square(a)  # np.power takes 40 times as long
    return _undefined(np.power(a, b), np.equal(a, 0) & np.less(b, 0))


def _compared(compare: Callable[[Column, Column], Column]) -> Callable[..., Column]:
    def apply(a: Column, b: Column) -> Column:
        truth = compare(a, b).astype(np.float64)
        return _undefined(truth, np.isnan(a) | np.isnan(b))

    return apply


def _truth(a: Column) -> Column:
    return _undefined(np.not_equal(a, 0).astype(np.float64), np.isnan(a))


def _and(a: Column, b: Column) -> Column:
    """False if one is, whatever the other: NaN too (Kleene's logic)."""
    a, b = _truth(a), _truth(b)
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _or(a: Column, b: Column) -> Column:
    a, b = _truth(a), _truth(b)
    return np.where((a == 1) | (b == 1), 1.0, a + b)


def _not(a: Column) -> Column:
    return 1.0 - _truth(a)


def _where(c: Column, a: Column, b: Column) -> Column:
    return _undefined(np.where(np.not_equal(c, 0), a, b), np.isnan(c))


def _log(a: Column) -> Column:
    return _undefined(np.log(a), np.equal(a, 0))


def _log10(a: Column) -> Column:
    return _undefined(np.log10(a), np.equal(a, 0))


#: Operations by name: columns in, a column out.
VALUES: Mapping[str, Callable[..., Column]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    "**": _power,
    "negative": np.negative,
    "<": _compared(np.less),
    "<=": _compared(np.less_equal),
    ">": _compared(np.greater),
    ">=": _compared(np.greater_equal),
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
    "and": _and,
    "or": _or,
    "not": _not,
    "where": _where,
    "min": np.minimum,
    "max": np.maximum,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": _log,
    "log10": _log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "floor": np.floor,
    "ceil": np.ceil,
}


def _known(slope: Slope) -> Column:
    return 0.0 if slope is None else slope


def _of_sum(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    return _known(da) + _known(db)


def _of_difference(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    return _known(da) - _known(db)


def _of_product(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    if da is None:
        return a * db
    return da * b if db is None else da * b + a * db


def _of_quotient(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    return (_known(da) - (0.0 if db is None else y * db)) / b


def _of_power(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    base = 0.0
    if da is not None:  # x**0 is flat at 0 too, where x**-1 is a pole
        base = np.where(np.equal(b, 0), 0.0, b * _power(a, b - 1.0)) * da
    return base if db is None else base + y * np.log(a) * db


def _jump(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    """A truth is flat, but has no slope where its two sides are just equal."""
    apart = _known(da) - _known(db)
    return np.where(np.equal(a, b) & np.not_equal(apart, 0), np.nan, 0.0)


def _of_truths(y: Column, *rest: Any) -> Column:
    slopes = rest[len(rest) // 2 :]
    return sum(0.0 * _known(slope) for slope in slopes)


def _of_where(
    y: Column, c: Column, a: Column, b: Column, dc: Slope, da: Slope, db: Slope
) -> Column:
    return np.where(np.not_equal(c, 0), _known(da), _known(db)) + 0.0 * _known(dc)


def _of_choice(y: Column, a: Column, b: Column, da: Slope, db: Slope) -> Column:
    """Of `min` and `max`: the slope of the one taken; none where they cross."""
    da, db = _known(da), _known(db)
    crossing = np.equal(a, b) & np.not_equal(da, db)
    return _undefined(np.where(np.equal(y, a), da, db), crossing)


def _of_abs(y: Column, a: Column, da: Slope) -> Column:
    return _undefined(np.sign(a) * da, np.equal(a, 0) & np.not_equal(da, 0))


def _of_step(y: Column, a: Column, da: Slope) -> Column:
    whole = np.equal(y, a) & np.not_equal(da, 0)
    return np.where(whole, np.nan, 0.0)


#: Slope of each operation: its value, its operands, their slopes (not all None).
SLOPES: Mapping[str, Callable[..., Column]] = {
    "+": _of_sum,
    "-": _of_difference,
    "*": _of_product,
    "/": _of_quotient,
    "**": _of_power,
    "negative": lambda y, a, da: -da,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), _jump),
    **dict.fromkeys(("and", "or", "not"), _of_truths),
    "where": _of_where,
    **dict.fromkeys(("min", "max"), _of_choice),
    "abs": _of_abs,
    "sqrt": lambda y, a, da: da / (2 * y),
    "exp": lambda y, a, da: y * da,
    "log": lambda y, a, da: da / a,
    "log10": lambda y, a, da: da / (a * math.log(10)),
    "sin": lambda y, a, da: np.cos(a) * da,
    "cos": lambda y, a, da: -np.sin(a) * da,
    "tan": lambda y, a, da: (1 + y * y) * da,
    "tanh": lambda y, a, da: (1 - y * y) * da,
    **dict.fromkeys(("floor", "ceil"), _of_step),
}

"""Sums over years of quantities that may or may not differ between samples.

A *pattern* is what happens per operating year to one dollar of an amount: shape
(years,) when it is the same for all samples, else (years, samples). An *amount* is a
number, or an array of shape (samples,). What does not vary is never repeated.

Nothing here or in the modules that build on it turns an amount into a float: called
with complex arrays they give complex sums (numpy's larger, smaller and < look at the
real part first), so that an imaginary step differentiates them exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Amount = float | Array
Values = Mapping[str, Amount]
Term = tuple[Amount, Array]


def discount_factors(rate: Amount, years: int) -> Array:
    """What a dollar of operating year 1, 2, ... is worth at the start of operation.

    Returns shape (years,) or (years, samples).
    """
    step = 1 / (1 + np.asarray(rate))
    factors = np.empty((years, *step.shape), step.dtype)
    factors[0] = step
    for year in range(1, years):
        factors[year] = factors[year - 1] * step
    return factors


def present_value(factors: Array, pattern: Array) -> Amount:
    """Sum over the years of factor times pattern: a number, or one per sample."""
    if factors.ndim == 1 and pattern.ndim == 1:
        worth: Amount = factors @ pattern
        return worth
    if factors.ndim == 1:
        return np.asarray(factors @ pattern)
    if pattern.ndim == 1:
        return np.asarray(pattern @ factors)
    return np.asarray(np.einsum("ys,ys->s", factors, pattern))


def total(
    terms: Sequence[Term], years: int, samples: int, room: Array | None = None
) -> Array:
    """Sum of amount times pattern over the terms, shape (years, samples).

    room   where to put it if it fits: a new array of this size costs more than the sum,
           as the system hands its memory over page by page

    Terms whose pattern is common to all samples go through one matrix product.
    """
    kind = np.result_type(float, *(part for term in terms for part in term))
    constant = np.zeros(years, kind)
    common: list[Term] = []
    single: list[Term] = []
    for amount, pattern in terms:
        if np.ndim(amount) == 0 and pattern.ndim == 1:
            constant += amount * pattern
        else:
            (common if pattern.ndim == 1 else single).append((amount, pattern))
    if room is None or room.shape != (years, samples) or room.dtype != kind:
        room = np.empty((years, samples), kind)
    if common:
        patterns = np.column_stack([pattern for _, pattern in common])
        amounts = np.vstack([amount for amount, _ in common])
        result = np.matmul(patterns, amounts, out=room)
    else:
        result = room
        result[:] = 0.0
    for amount, pattern in single:
        result += amount * pattern
    if constant.any():
        result += constant[:, None]
    return result


def to_date(pattern: Array) -> Array:
    """Sum over the years so far. Row by row: numpy's own is 30 times slower here."""
    result = pattern.copy()
    for year in range(1, len(result)):
        result[year] += result[year - 1]
    return result


def spread(pattern: Array) -> Array:
    """The pattern with a samples axis of length 1 where it had none."""
    return pattern[:, None] if pattern.ndim == 1 else pattern


def aligned(left: Array, right: Array) -> Array:
    """Product of two patterns, of which either may lack the samples axis."""
    if left.ndim == right.ndim:
        return np.asarray(left * right)
    return np.asarray(spread(left) * spread(right))

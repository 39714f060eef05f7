"""A distribution given that its number lies in a part of its range."""

from __future__ import annotations

import math

import numpy as np

from flask_api.numerics.distribution import Continuous, Distribution, is_continuous
from flask_api.numerics.distributions_given import Discrete, Empirical, Truncated
from flask_api.numerics.distributions_plain import Constant, Uniform
from flask_api.numerics.errors import InputError


def conditioned(
    distribution: Distribution, low: float, high: float, whole: bool = False
) -> tuple[Distribution, float]:
    """`distribution` given that it lies from `low` to `high`, and how likely that is.

    low, high   both included; infinite = no end there
    whole       draws are rounded to whole numbers, and the rounded one is meant

    Raises InputError, which tells the range there is, where nothing of it lies there.
    """
    first, last = _before_rounding(low, high) if whole else (low, high)
    probability = _probability(distribution, first, last) if first <= last else 0.0
    # as `Truncated`: a part below what double precision can tell is no part
    if probability <= 1e-300:
        raise InputError(
            f"no draw lies {_said(low, high)}: {_range(distribution, whole)}; give a "
            "part of that"
        )
    least, most = distribution.support
    if first <= least and most <= last:
        return distribution, 1.0
    if isinstance(distribution, Discrete | Empirical):
        return distribution.within(first, last), probability
    if isinstance(distribution, Uniform):
        return Uniform(max(first, least), min(last, most)), probability
    whole_one = distribution
    if isinstance(distribution, Truncated):
        inner, outer = distribution.ends
        whole_one, first, last = distribution.base, max(first, inner), min(last, outer)
    return Truncated(whole_one, _finite(first), _finite(last)), probability


def _before_rounding(low: float, high: float) -> tuple[float, float]:
    """Ends of the numbers whose rounded ones lie from `low` to `high`."""
    first = math.ceil(low) - 0.5 if math.isfinite(low) else low
    last = math.floor(high) + 0.5 if math.isfinite(high) else high
    # halves are rounded to the even neighbour
    if math.isfinite(first) and np.rint(first) < low:
        first = math.nextafter(first, math.inf)
    if math.isfinite(last) and np.rint(last) > high:
        last = math.nextafter(last, -math.inf)
    return first, last


def _probability(distribution: Distribution, low: float, high: float) -> float:
    """The share of draws from `low` to `high`, both included."""
    if isinstance(distribution, Truncated):
        inner, outer = distribution.ends
        inside = max(low, inner), min(high, outer)
        if inside[0] > inside[1]:
            return 0.0
        # both of what is under it: a share of a share
        part = _probability(distribution.base, *inside)
        return min(1.0, part / _probability(distribution.base, inner, outer))
    if isinstance(distribution, Discrete):
        inside_weights = [
            weight
            for value, weight in zip(
                distribution.values, distribution.weights, strict=True
            )
            if low <= value <= high
        ]
        return math.fsum(inside_weights) / math.fsum(distribution.weights)
    if isinstance(distribution, Empirical):
        inside_data = sum(low <= value <= high for value in distribution.data)
        return inside_data / len(distribution.data)
    if is_continuous(distribution):
        return _share(distribution, low, high)
    assert isinstance(distribution, Constant)
    return float(low <= distribution.value <= high)


def _share(distribution: Continuous, low: float, high: float) -> float:
    """Exact in both tails."""
    ends = np.clip(np.array([low, high]), *distribution.support)
    below = distribution.cdf(ends)
    if below[0] > 0.5:
        above = distribution.sf(ends)
        return float(above[0] - above[1])
    return float(below[1] - below[0])


def _finite(end: float) -> float | None:
    return end if math.isfinite(end) else None


def _said(low: float, high: float) -> str:
    if not math.isfinite(low):
        return f"up to {high:g}"
    return f"from {low:g}" + (f" to {high:g}" if math.isfinite(high) else " on")


def _range(distribution: Distribution, whole: bool) -> str:
    """The range there is: whole, or what nearly all draws keep to."""
    least, most = distribution.support
    if math.isfinite(least) and math.isfinite(most):
        rounded = ", rounded" if whole else ""
        return f"it goes from {least:g} to {most:g}{rounded}"
    ends = distribution.ppf(np.array([0.001, 0.999]))
    return f"99.8 % of it lie from {ends[0]:.6g} to {ends[1]:.6g}"

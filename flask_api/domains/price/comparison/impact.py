"""What changes do to a price: formulas of the linear form, and of what follows.

p, p'   price before and after
w       weight: relative change of a parameter, 0 to 1
s       sensitivity: relative change of the price per relative change of it
u       uncertainty: relative standard deviation of the parameter
e       own-price elasticity of demand
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from flask_api.numerics.errors import InputError

#: Standard deviations on each side that hold 95 % of a normal distribution.
Z95 = 1.96

#: New value of an input with value x, by change_type.
CHANGES: Mapping[str, Callable[[float, float], float]] = {
    # not x * (1 + change / 100): 10 % more than 200,000 is 220,000 to the last digit
    "percentage": lambda x, change: x + x * change / 100,
    "directvalue": lambda _, change: change,
    "absolutedeparture": lambda x, change: x + change,
}


def changed(value: float, change: float, kind: str, field: str | None = None) -> float:
    """The value of an input after a change; see CHANGES. InputError if it overflows."""
    if not math.isfinite(result := CHANGES[kind](value, change)):
        raise InputError(
            f"a change of {change:g} leads beyond all numbers; make it less",
            field=field,
        )
    return result


def propagated(
    price: float, weights: Sequence[float], sensitivities: Sequence[float]
) -> float:
    """p' = p (1 + sum of w s): the price to first order in the relative changes."""
    return price * (1 + math.fsum(map(_product, weights, sensitivities)))


def half_width(
    price: float, sensitivities: Sequence[float], uncertainties: Sequence[float]
) -> float:
    """1.96 sqrt(sum of (s u p)^2): half of the 95 % interval around p'.

    Independent parameters, to first order.
    """
    spreads = (s * u * price for s, u in zip(sensitivities, uncertainties, strict=True))
    return Z95 * math.hypot(*spreads)


def weighted_elasticity(
    weights: Sequence[float], sensitivities: Sequence[float]
) -> float | None:
    """-(sum of w s) / (sum of w), the seed's stand-in for e; None if all w are 0."""
    total = math.fsum(weights)
    if total == 0:
        return None
    return -math.fsum(map(_product, weights, sensitivities)) / total


def volume(price: float, after: float, elasticity: float | None) -> float:
    """max(0, 1 + e d) with d = (p' - p) / p: what is sold, relative to before.

    Demand is a straight line with the elasticity e at p, down to nothing; None = it
    stays as it is. p is not 0.
    """
    return max(0.0, 1 + (elasticity or 0.0) * (after - price) / price)


def revenue_impact(
    price: float, after: float, elasticity: float | None
) -> float | None:
    """(p' v - p) / p with the volume v: relative change of revenue, at least -1.

    None where p is 0 or p' is below: nothing is earned by selling at such a price.
    """
    if price == 0 or after < 0:
        return None
    return after / price * volume(price, after, elasticity) - 1


def within(
    price: float, low: float | None, high: float | None
) -> tuple[float, str | None]:
    """The price within its constraints, and which of them binds, or None."""
    if low is not None and price < low:
        return low, "min_price"
    if high is not None and price > high:
        return high, "max_price"
    return price, None


def _product(weight: float, sensitivity: float) -> float:
    return weight * sensitivity

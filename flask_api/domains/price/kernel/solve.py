"""Compiled: the price at which net present value is 0, for all lanes at once.

With losses carried forward without limit, income taxed to date is the running maximum
of taxable income to date, and NPV a concave, piecewise linear function of the price:
Newton's method from the left never overshoots. `solve.py` is its twin.
"""

from __future__ import annotations

import math

from flask_api.domains.price.calculation.solve import MAX_PASSES, TOLERANCE
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.compiling import Floats, compiled
from flask_api.domains.price.kernel.lanes import (
    Lanes,
    absolute,
    anywhere,
    get,
    spread,
    where,
)
from flask_api.domains.price.kernel.layout import LANES


@compiled
def worth(w: Floats, years: int, price: Lanes) -> tuple[Lanes, Lanes]:
    """NPV at a price, and its slope."""
    reached, slope = spread(0.0), spread(0.0)
    taxed, taxed_slope = spread(0.0), spread(0.0)
    for y in range(1, years + 1):
        here = y * LANES
        sales, weight = get(w, at.TO_DATE + here), get(w, at.WEIGHT + here)
        income = sales * price - get(w, at.SHIELD + here)
        higher = income > reached
        reached, slope = where(higher, income, reached), where(higher, sales, slope)
        taxed = taxed + weight * reached
        taxed_slope = taxed_slope + weight * slope
    rate, untaxed = get(w, at.TAX_RATE), get(w, at.WORTH)
    npv = get(w, at.INVESTED) + untaxed * price - rate * taxed
    return npv, untaxed - rate * taxed_slope


@compiled
def solve(w: Floats, years: int) -> Lanes:
    """The price, NaN where there is none, as where tax takes all of a dollar.

    It is sought from the left of the root: from the larger of the roots without tax,
    and with losses refunded at once. A lane that has its price stands still: what it
    finds must not depend on how long its neighbours search.
    """
    rate, invested, value = get(w, at.TAX_RATE), get(w, at.INVESTED), get(w, at.WORTH)
    untaxed = where(rate < 1.0, -invested / value, math.nan)
    refunded = -(invested + rate * get(w, at.SHIELDED)) / ((1.0 - rate) * value)
    price = where(refunded > untaxed, refunded, untaxed)
    slack = TOLERANCE * absolute(untaxed)
    searching = price == price
    for _ in range(MAX_PASSES):
        npv, slope = worth(w, years, price)
        step = where(slope > 0.0, -npv / slope, math.nan)
        price = where(searching, price + step, price)
        open_ = absolute(step) > slack + TOLERANCE * absolute(price)
        searching = searching & open_
        if not anywhere(searching):
            return price
    return where(searching, math.nan, price)

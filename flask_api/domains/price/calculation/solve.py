"""The price at which net present value is exactly zero, for many plants at once.

With losses carried forward without limit, income taxed to date is the running maximum
of taxable income to date. NPV is then a concave, increasing, piecewise linear function
of the price: Newton's method started left of the root never overshoots, and ends after
finitely many pieces, two or three in practice.

Where a rule follows income or price NPV still rises, but is not concave: then a bracket
around its root is narrowed by interpolation or by halves, whichever is safe.
Chandrupatla (1997), Adv. Eng. Softw. 28, 145-149, doi:10.1016/S0965-9978(96)00051-8.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from flask_api.domains.price.calculation.arrays import Amount, Array
from flask_api.domains.price.calculation.flows import Flows
from flask_api.domains.price.calculation.operation import Years, untaxed_root, worth_at

#: Relative step at which a root counts as found: some hundred roundings.
TOLERANCE = 2e-14
#: Bisection alone needs 60 passes from the widest bracket to the last bit.
MAX_PASSES = 120
#: Doublings of the first guess of a bracket; further out, roundings pass for roots.
_DOUBLINGS = 30


def net_present_value(flows: Flows, revenue: Array) -> tuple[Array, Array]:
    """NPV and its slope at a yearly net revenue, both of shape (samples,)."""
    taxed, taxed_slope = _taxed(flows, revenue)
    value = flows.other + flows.value * revenue - flows.tax_rate * taxed
    return value, flows.value - flows.tax_rate * taxed_slope


def _taxed(flows: Flows, revenue: Array) -> tuple[Array, Array]:
    """Present value of all income taxed, and its slope.

    Summed by parts: discount * (taxed to date - taxed to date a year before) becomes
    taxed to date * (discount - next year's discount), so the running maximum is enough.
    """
    years = len(flows.deductions)
    per_dollar = np.broadcast_to(flows.revenue, flows.deductions.shape)
    reached, slope = np.zeros(revenue.shape), np.zeros(revenue.shape)
    value, value_slope = np.zeros(revenue.shape), np.zeros(revenue.shape)
    higher, part = np.empty(revenue.shape, dtype=bool), np.empty(revenue.shape)
    for year in range(years):
        # one row at a time: it stays in the processor's cache
        income = np.multiply(flows.revenue[year], revenue, out=part)
        income -= flows.deductions[year]
        np.greater(income, reached, out=higher)
        np.maximum(income, reached, out=reached)
        np.copyto(slope, per_dollar[year], where=higher)
        if year == years - 1:
            break
        value += np.multiply(flows.discount[year], reached, out=part)
        value_slope += np.multiply(flows.discount[year], slope, out=part)
    last = flows.discount[-1]
    return (
        flows.step * value + last * reached,
        flows.step * value_slope + last * slope,
    )


def required_price(flows: Flows) -> Array:
    """Price at which NPV is 0, shape (samples,); NaN where none is.

    None is where nothing is sold, or where every further dollar is taxed away.
    """
    untaxed = -flows.other / flows.value
    start = np.fmax(untaxed, _refund_root(flows))
    start = np.where(np.asarray(flows.tax_rate) < 1, start, np.nan)
    revenue = _newton_from_left(flows, start, TOLERANCE * np.abs(untaxed))
    return np.asarray(revenue / flows.per_price)


def _refund_root(flows: Flows) -> Array:
    """Root if losses were refunded at once: the exact one where there are no losses."""
    years = len(flows.deductions)
    weights = flows.discount * flows.step
    weights[-1] = flows.discount[-1]
    if weights.shape[1] == 1:
        shield = weights[:, 0] @ flows.deductions
    else:
        shield = np.einsum("ys,ys->s", weights[:years], flows.deductions)
    kept = (1 - flows.tax_rate) * flows.value
    return np.asarray(-(flows.other + flows.tax_rate * shield) / kept)


def _newton_from_left(flows: Flows, start: Array, tolerance: Array) -> Array:
    """Root of a concave increasing NPV from a point at or left of it."""
    at = np.where(np.isfinite(start), start, np.nan)
    for _ in range(MAX_PASSES):
        value, slope = net_present_value(flows, at)
        step = -value / slope
        step[~(slope > 0)] = np.nan
        at = at + step
        going_on = np.abs(step) > tolerance + TOLERANCE * np.abs(at)
        if not going_on.any():
            return at
    at[going_on] = np.nan
    return at


def required_price_by_year(years: Years) -> Array:
    """Price at which NPV is 0 under any rules, shape (samples,); NaN where none is.

    None is where nothing is sold, or taxes of some year take every further dollar.
    Agrees with `required_price` where that one applies.
    """

    def worth(price: Array) -> Array:
        return worth_at(years, price)

    untaxed, slope = untaxed_root(years)
    kept = 1 - np.max(np.broadcast_arrays(*years.tax_rates), axis=0)
    solvable = np.isfinite(untaxed) & (slope > 0) & (kept > 0)
    low = np.where(solvable, untaxed, np.nan)
    short = -worth(low)
    # an NPV of 0 at `low` bar roundings: no tax is due, this is the root
    step = np.maximum(short / (kept * slope), 0.0)
    high, value = _beyond(worth, low, step * (1 + 1e-9))
    return _between(worth, (low, -short), (high, value), TOLERANCE * np.abs(untaxed))


def _beyond(
    worth: Callable[[Array], Array], low: Array, step: Array
) -> tuple[Array, Array]:
    """A price above each `low` where NPV is not negative, or NaN, and its NPV."""
    high = low + step
    value = worth(high)
    for _ in range(_DOUBLINGS):
        short = value < 0
        if not short.any():
            break
        step = np.where(short, 2 * step, step)
        high = low + step
        value = worth(high)
    return np.where(value >= 0, high, np.nan), value


def _between(
    worth: Callable[[Array], Array],
    low: tuple[Array, Array],
    high: tuple[Array, Array],
    tolerance: Array,
) -> Array:
    """Root between two points, each with its value: <= 0 at `low`, >= 0 at `high`.

    a is the latest point, b lies across the root from it, c is the point before.
    """
    a, f_a = high
    b, f_b = low
    found = np.where(f_b >= 0, b, np.nan)
    part: Amount = f_b / (f_b - f_a)  # first by secant: NPV is nearly straight
    part = np.where(np.isfinite(part), part, 0.5)
    a, b, f_a, f_b = b, a, f_b, f_a
    for _ in range(MAX_PASSES):
        at = a + part * (b - a)
        f_at = worth(at)
        same = (f_at > 0) == (f_a > 0)
        c, f_c = np.where(same, a, b), np.where(same, f_a, f_b)
        b, f_b = np.where(same, b, a), np.where(same, f_b, f_a)
        a, f_a = at, f_at
        nearest = np.where(np.abs(f_a) <= np.abs(f_b), a, b)
        width = (tolerance + TOLERANCE * np.abs(nearest)) / np.abs(b - a)
        done = ((width >= 1) | (f_a == 0)) & np.isnan(found)
        found = np.where(done, nearest, found)
        if (~np.isnan(found) | np.isnan(a)).all():
            return found
        part = np.clip(
            _inverse_quadratic(a, b, c, f_a, f_b, f_c), width / 2, 1 - width / 2
        )
    return found


def _inverse_quadratic(
    a: Array, b: Array, c: Array, f_a: Array, f_b: Array, f_c: Array
) -> Array:
    """Where between a (0) and b (1) to look next; the middle where it is not safe."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
    part = f_a / (f_b - f_a) * f_c / (f_b - f_c)
    part += (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
    return np.where(safe & np.isfinite(part), part, 0.5)

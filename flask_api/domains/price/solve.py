"""The price at which net present value is exactly zero, for many plants at once.

With losses carried forward without limit, income taxed to date is the running maximum
of taxable income to date. NPV is then a concave, increasing, piecewise linear function
of the price: Newton's method started left of the root never overshoots, and ends after
finitely many pieces, two or three in practice. Write-offs that follow income make NPV
monotone but not concave: there the same step is kept inside a bracket.
"""

from __future__ import annotations

import numpy as np

from flask_api.domains.price.arrays import Amount, Array
from flask_api.domains.price.flows import Flows

#: Relative step at which a root counts as found: some hundred roundings.
TOLERANCE = 2e-14
#: Bisection alone needs 60 passes from the widest bracket to the last bit.
MAX_PASSES = 120


def net_present_value(flows: Flows, revenue: Array) -> tuple[Array, Array]:
    """NPV and its slope at a yearly net revenue, both of shape (samples,)."""
    if flows.follows_income is not None:
        taxed, taxed_slope = _taxed_as_income_allows(
            flows, flows.follows_income, revenue
        )
    else:
        taxed, taxed_slope = _taxed(flows, revenue)
    value = flows.other + flows.value * revenue - flows.tax_rate * taxed
    return value, flows.value - flows.tax_rate * taxed_slope


def _taxed(flows: Flows, revenue: Array) -> tuple[Array, Array]:
    """Present value of all income taxed, and its slope.

    Summed by parts: discount * (taxed to date - taxed to date a year before) becomes
    taxed to date * (discount - next year's discount), so the running maximum is enough.
    """
    income = flows.revenue * revenue
    income -= flows.deductions
    years, per_dollar = len(income), np.broadcast_to(flows.revenue, income.shape)
    reached, slope = np.zeros(revenue.shape), np.zeros(revenue.shape)
    value, value_slope = np.zeros(revenue.shape), np.zeros(revenue.shape)
    higher, part = np.empty(revenue.shape, dtype=bool), np.empty(revenue.shape)
    for year in range(years):
        np.greater(income[year], reached, out=higher)
        np.maximum(income[year], reached, out=reached)
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


def _taxed_as_income_allows(
    flows: Flows, capital: Amount, revenue: Array
) -> tuple[Array, Array]:
    """As `_taxed`, with capital that is written off as fast as income allows."""
    shape = revenue.shape
    profit, profit_slope = np.zeros(shape), np.zeros(shape)
    loss, loss_slope = np.zeros(shape), np.zeros(shape)
    reached, slope = np.zeros(shape), np.zeros(shape)
    value, value_slope = np.zeros(shape), np.zeros(shape)
    to_date = np.zeros(shape)
    sales_to_date = np.zeros(shape)
    years = len(flows.deductions)
    for year in range(years):
        income = flows.revenue[year] * revenue - flows.deductions[year]
        this_year = income - to_date
        sales = flows.revenue[year] - sales_to_date
        to_date, sales_to_date = income, np.broadcast_to(flows.revenue[year], shape)
        earns = this_year > 0
        profit += np.where(earns, this_year, 0.0)
        profit_slope += np.where(earns, sales, 0.0)
        loss += np.where(earns, 0.0, this_year)
        loss_slope += np.where(earns, 0.0, sales)
        beyond = profit > capital
        taxable = np.where(beyond, profit - capital, 0.0) + loss
        higher = taxable > reached
        np.maximum(taxable, reached, out=reached)
        np.copyto(slope, np.where(beyond, profit_slope, 0.0) + loss_slope, where=higher)
        weight = flows.discount[year] * (flows.step if year < years - 1 else 1.0)
        value += weight * reached
        value_slope += weight * slope
    return value, value_slope


def required_revenue(flows: Flows) -> Array:
    """Yearly net revenue at which NPV is 0, shape (samples,); NaN where none is.

    None is where nothing is sold, or where every further dollar is taxed away.
    """
    untaxed = -flows.other / flows.value
    if flows.follows_income is None:
        start = np.fmax(untaxed, _refund_root(flows))
        return _newton_from_left(flows, start, TOLERANCE * np.abs(untaxed))
    return _bracketed(flows, untaxed, TOLERANCE * np.abs(untaxed))


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


def _bracketed(flows: Flows, untaxed: Array, tolerance: Array) -> Array:
    """Root of an increasing NPV whose slope lies in [(1 - tax) value, value]."""
    at = np.where(np.isfinite(untaxed), untaxed, np.nan)
    value, slope = net_present_value(flows, at)
    low = at
    high = low - np.minimum(value, 0.0) / ((1 - flows.tax_rate) * flows.value)
    high = np.where(np.isfinite(high) & (high >= low), high, np.nan)
    for _ in range(MAX_PASSES):
        low, high = np.where(value <= 0, at, low), np.where(value >= 0, at, high)
        guess = at - value / slope
        inside = (guess >= low) & (guess <= high)
        guess = np.where(inside, guess, (low + high) / 2)
        going_on = np.abs(guess - at) > tolerance + TOLERANCE * np.abs(guess)
        at = guess
        if not going_on.any():
            return at
        value, slope = net_present_value(flows, at)
    at[going_on] = np.nan
    return at

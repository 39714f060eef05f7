"""Compiled: plants year by year, for rules that follow income or price, lane by lane.

Losses within limits, credits that wait for tax, write-offs and loan payments that
follow what is earned. `operation.py` and `solve.py` are its twins.
"""

from __future__ import annotations

import math

from flask_api.domains.price.calculation.solve import MAX_PASSES, TOLERANCE
from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.compiling import Codes, Floats, compiled
from flask_api.domains.price.kernel.flows import taxed_at_end
from flask_api.domains.price.kernel.lanes import (
    Lanes,
    absolute,
    anywhere,
    get,
    put,
    spread,
    where,
)
from flask_api.domains.price.kernel.layout import LANES
from flask_api.domains.price.kernel.patterns import deducted_of

_LIMIT = at.ROWS["loss_limit"]
_EXPIRE = at.ROWS["loss_years"]
_SHARE = at.ROWS["repayment_of_revenue"]
_INTEREST_PART = at.ROWS["interest_proportion"]
#: Of the first guess of a bracket; further out roundings would pass for roots.
_DOUBLINGS = 30


@compiled
def worth_at(
    w: Floats, codes: Codes, segments: Codes, years: int, price: Lanes
) -> Lanes:
    """NPV at a price."""
    value, waiting = get(w, at.BUILT), spread(0.0)
    made, gone = spread(0.0), spread(0.0)  # losses to date, and those used or expired
    left, life, term = get(w, at.BY_INCOME), get(w, at.LIFE), get(w, at.TERM)
    owed, limit = get(w, at.LOAN) * get(w, at.OWED), get(w, _LIMIT)
    put(w, at.LOSSES, made)
    for y in range(1, years + 1):
        here, year = y * LANES, float(y)
        earned = get(w, at.REVENUE + here) * price
        income, cash = (
            earned + get(w, at.INCOME + here),
            earned + get(w, at.CASH + here),
        )
        if codes[at.HAS_REVENUE_LOAN]:
            interest = owed * get(w, at.LOAN_RATE + segments[y] * at.SEGMENT)
            due = owed + interest
            share = get(w, _SHARE) * _gain(get(w, at.GROSS + here) * price)
            # a payment smaller than the interest raises what is owed
            paid = where(term > year, _least(share, due), due)
            part, owed = get(w, _INTEREST_PART), due - paid
            income = income - deducted_of(codes[at.DEDUCTION], interest, paid, part)
            cash = cash - paid
        if codes[at.FOLLOWS_INCOME]:
            written_off = _least(_gain(income), left)
            left, income = left - written_off, income - written_off
        if codes[at.HAS_END]:
            salvage, book = get(w, at.SALVAGE), get(w, at.BOOK) + left
            taxed, rest = codes[at.SALVAGE_TAX], codes[at.WRITTEN_OFF_AT_END]
            at_end = taxed_at_end(taxed, rest, salvage, book)
            income = income + where(life == year, at_end, 0.0)
        gain = _gain(income)
        offset = _least(limit * gain, made - gone)
        made, gone = made + (gain - income), gone + offset
        if codes[at.LOSSES_EXPIRE]:
            put(w, at.LOSSES + here, made)
            if codes[at.EXPIRY_VARIES]:
                old = _too_old(w, y)
            else:
                old = get(w, at.LOSSES + max(y - int(w[_EXPIRE]), 0) * LANES)
            gone = where(old > gone, old, gone)
        tax = (gain - offset) * get(w, at.TAX + here)
        cash = cash - tax
        if codes[at.CREDITS_WAIT] and codes[at.HAS_CREDITS]:
            waiting = waiting + get(w, at.CREDIT + here)
            used = _least(tax, waiting)
            waiting, cash = waiting - used, cash + used
        value = value + get(w, at.DISCOUNT + here) * cash
    return value


@compiled
def _gain(income: Lanes) -> Lanes:
    return where(income > 0.0, income, 0.0)


@compiled
def _least(a: Lanes, b: Lanes) -> Lanes:
    return where(a < b, a, b)


@compiled
def _too_old(w: Floats, y: int) -> Lanes:
    """Losses made so long ago that no year after `y` may use them."""
    for i in range(LANES):
        year = max(y - int(w[_EXPIRE + i]), 0)
        w[at.SUM + i] = w[at.LOSSES + year * LANES + i]
    return get(w, at.SUM)


@compiled
def solve_by_year(w: Floats, codes: Codes, segments: Codes, years: int) -> Lanes:
    """Price at which NPV is 0, NaN where none is, or a year's taxes take all.

    As taxes less credits used are never below 0, no plant breaks even below the price
    at which it would untaxed: the bracket reaches from there.
    """
    value, rates = get(w, at.WORTH), spread(0.0)
    for y in range(1, years + 1):
        rate = where(get(w, at.HORIZON) >= float(y), get(w, at.TAX + y * LANES), 0.0)
        rates = where(rate > rates, rate, rates)
    low = -get(w, at.INVESTED) / value
    solvable = (value > 0.0) & (rates < 1.0) & (absolute(low) < math.inf)
    low = where(solvable, low, math.nan)
    f_low = worth_at(w, codes, segments, years, low)
    # an NPV of 0 at `low` bar roundings: no tax is due, this is the root
    step = _gain(-f_low / ((1.0 - rates) * value)) * (1.0 + 1e-9)
    high, f_high = low + step, spread(0.0)
    for _ in range(_DOUBLINGS + 1):
        f_high = worth_at(w, codes, segments, years, high)
        short = f_high < 0.0
        if not anywhere(short):
            break
        step = where(short, 2.0 * step, step)
        high = where(short, low + step, high)
    high = where(f_high < 0.0, math.nan, high)
    slack = TOLERANCE * absolute(low)
    found = _between(w, codes, segments, years, low, f_low, high, f_high, slack)
    return where(f_low >= 0.0, low, found)


@compiled
def _between(
    w: Floats,
    codes: Codes,
    segments: Codes,
    years: int,
    low: Lanes,
    f_low: Lanes,
    high: Lanes,
    f_high: Lanes,
    slack: Lanes,
) -> Lanes:
    """Root between two prices, each with its NPV: < 0 at `low`, >= 0 at `high`.

    a is the latest price, b lies across the root from it, c is the one before. What a
    lane finds is kept from then on, however long its neighbours search.
    Chandrupatla (1997), Adv. Eng. Softw. 28, 145-149,
    doi:10.1016/S0965-9978(96)00051-8.
    """
    a, f_a, b, f_b = high, f_high, low, f_low
    part = f_a / (f_a - f_b)  # first by secant: NPV is nearly straight
    searching, found = (f_low < 0.0) & (high == high), spread(math.nan)
    for _ in range(MAX_PASSES):
        x = a + part * (b - a)
        f_x = worth_at(w, codes, segments, years, x)
        same = (f_x > 0.0) == (f_a > 0.0)
        c, f_c = where(same, a, b), where(same, f_a, f_b)
        b, f_b = where(same, b, a), where(same, f_b, f_a)
        a, f_a = x, f_x
        nearest = where(absolute(f_b) < absolute(f_a), b, a)
        found = where(searching, nearest, found)
        width = (slack + TOLERANCE * absolute(nearest)) / absolute(b - a)
        searching = searching & (width < 1.0) & (absolute(f_a) > 0.0)
        if not anywhere(searching):
            return found
        part = _look(a, b, c, f_a, f_b, f_c)
        part = where(part > 0.5 * width, part, 0.5 * width)
        part = _least(part, 1.0 - 0.5 * width)
    return where(searching, math.nan, found)


@compiled
def _look(a: Lanes, b: Lanes, c: Lanes, f_a: Lanes, f_b: Lanes, f_c: Lanes) -> Lanes:
    """Where between a (0) and b (1) to look next; the middle where it is not safe."""
    xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
    part = f_a / (f_b - f_a) * f_c / (f_b - f_c)
    part = part + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
    rest = 1.0 - phi
    safe = (phi * phi < xi) & (rest * rest < 1.0 - xi)
    return where(safe & (absolute(part) < math.inf), part, 0.5)

"""Compiled: what happens per dollar and year to all plants of a block."""

from __future__ import annotations

from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.compiling import Codes, Floats, compiled
from flask_api.domains.price.kernel.lanes import (
    Lanes,
    get,
    highest,
    put,
    spread,
    where,
)
from flask_api.domains.price.kernel.layout import LANES

_LIFETIME = at.ROWS["plant_lifetime"]
_TARGET = at.ROWS["target_row"]
_INFLATION = at.ROWS["inflation_rate"]
_REQUIRED = at.ROWS["required_irr"]
_MONTHS = at.ROWS["startup_months"]
_EARLY_SALES = at.ROWS["startup_sales_fraction"]
_EARLY_VARIABLE = at.ROWS["startup_variable_fraction"]
_EARLY_FIXED = at.ROWS["startup_fixed_fraction"]
_CONSTRUCTION = at.ROWS["construction_years"]
_LOAN_RATE = at.ROWS["loan_rate"]
_LOAN_YEARS = at.ROWS["loan_years"]
_INTEREST_PART = at.ROWS["interest_proportion"]
_YEARS = at.YEARS


@compiled
def horizon(w: Floats) -> int:
    """Fill in lives and horizons; the longest horizon of the block."""
    life, target = get(w, _LIFETIME), get(w, _TARGET)
    term = get(w, _LOAN_YEARS)
    counted = where((target > 0.0) & (target < life), target, life)
    put(w, at.LIFE, life)
    put(w, at.HORIZON, counted)
    put(w, at.TERM, where(term < life, term, life))
    return int(highest(counted))


@compiled
def write_offs(w: Floats, codes: Codes, tables: Floats, years: int) -> None:
    """Fill in tables of depreciation and replacements, and what they leave over.

    tables   for each life from the shortest: three lists of a number per year
             (written off, replaced, replacements written off), of which the year 0
             holds what is left of the basis, nothing, and what is left of replacements
    """
    shortest, size = codes[at.SHORTEST], 3 * _YEARS
    replaces = codes[at.HAS_REPLACEMENTS] != 0
    if codes[at.LIFE_VARIES]:
        for i in range(LANES):
            table = (int(w[at.LIFE + i]) - shortest) * size
            for y in range(years + 1):
                here = y * LANES + i
                w[at.WRITE_OFF + here] = tables[table + y]
                if replaces or y == 0:
                    w[at.REPLACED + here] = tables[table + _YEARS + y]
                    w[at.REPLACED_OFF + here] = tables[table + 2 * _YEARS + y]
        return
    for y in range(years + 1):
        here = y * LANES
        put(w, at.WRITE_OFF + here, tables[y])
        put(w, at.REPLACED + here, tables[_YEARS + y])
        put(w, at.REPLACED_OFF + here, tables[2 * _YEARS + y])


@compiled
def ramps(w: Floats, years: int) -> None:
    """Fill in ramp-up and price level of each year.

    A year of which the part s lies in the ramp-up counts 1 - s (1 - fraction).
    """
    inflated, ramp_up = 1.0 + get(w, _INFLATION), get(w, _MONTHS) / 12.0
    lost_sales = 1.0 - get(w, _EARLY_SALES)
    lost_variable = 1.0 - get(w, _EARLY_VARIABLE)
    lost_fixed = 1.0 - get(w, _EARLY_FIXED)
    level = spread(1.0)
    for y in range(1, years + 1):
        here = y * LANES
        level = level * inflated
        inside = ramp_up - (y - 1.0)
        inside = where(inside > 0.0, inside, 0.0)
        inside = where(inside < 1.0, inside, 1.0)
        volume = 1.0 - inside * lost_sales
        put(w, at.LEVEL + here, level)
        put(w, at.VOLUME + here, volume)
        put(w, at.SALES + here, volume * level)
        put(w, at.VARIABLE + here, (1.0 - inside * lost_variable) * level)
        put(w, at.FIXED + here, (1.0 - inside * lost_fixed) * level)


@compiled
def discounts(w: Floats, codes: Codes, years: int) -> None:
    """Fill in discount factors, and the weights of income taxed to date."""
    growth = 1.0 + get(w, _REQUIRED)
    if codes[at.REAL_RATE]:
        growth = growth * (1.0 + get(w, _INFLATION))
    step, last = 1.0 / growth, get(w, at.HORIZON)
    later = 1.0 - step
    put(w, at.GROWTH, growth)
    factor = spread(1.0)
    for y in range(1, years + 1):
        here, year = y * LANES, float(y)
        factor = factor * step
        counted = where(last >= year, factor, 0.0)
        put(w, at.DISCOUNT + here, counted)
        put(w, at.WEIGHT + here, where(last == year, counted, counted * later))


@compiled
def spending(w: Floats, codes: Codes, schedule: Floats) -> None:
    """Fill in what a dollar of capital and loan comes to when operation begins.

    schedule   share of each construction year, where the file fixes it
    """
    own, custom = codes[at.OWN_SCHEDULE] != 0, codes[at.CONSTRUCTION_INTEREST]
    span, growth = get(w, _CONSTRUCTION), get(w, at.GROWTH)
    even, rate = 1.0 / span, 1.0 + get(w, _LOAN_RATE)
    spent, interest, drawn = spread(0.0), spread(0.0), spread(0.0)
    begins, owed = spread(0.0), spread(0.0)
    for ahead in range(int(highest(span)), 0, -1):
        year = float(ahead)
        share = where(span >= year, even, 0.0)
        if own:
            share = spread(schedule[len(schedule) - ahead])
        drawn = drawn + share
        charged = spread(0.0)
        if custom == 0:
            charged = drawn
        elif custom == 1:
            charged = share
        elif custom == 2:
            owed = owed * rate
        spent = spent * growth + share
        interest = interest * growth + charged
        begins = begins * growth + where(span == year, 1.0, 0.0)
        owed = owed + share
    put(w, at.SPENT, spent)
    put(w, at.INTEREST, interest)
    put(w, at.BEGINS, begins)
    # a sum of shares would be 1 but for roundings that differ from block to block
    put(w, at.OWED, owed if custom == 2 else spread(1.0))


@compiled
def _first_repaid(w: Floats, growth: Lanes, left: Lanes, y: int) -> Lanes:
    """What year `y` repays where equal payments clear what is left by the term.

    As interest falls by what was repaid, each year repays `growth` times as much as
    the one before: the first is 1 over the sum of these powers. Nothing cancels.
    """
    term = get(w, at.TERM)
    factor, total = spread(1.0), spread(0.0)
    for year in range(y, int(highest(term)) + 1):
        total = total + where(term >= float(year), factor, 0.0)
        factor = factor * growth
    return where(total > 0.0, left / total, 0.0)


@compiled
def deducted_of(deduction: int, interest: Lanes, paid: Lanes, part: Lanes) -> Lanes:
    """What of a payment lowers taxable income."""
    if deduction == 0:
        return interest
    return part * paid if deduction == 2 else paid


@compiled
def loans(w: Floats, codes: Codes, segments: Codes, years: int) -> None:
    """Fill in payments and their deducted part, per dollar borrowed.

    segments   of each year, the segment whose loan rate applies
    """
    method, deduction = codes[at.REPAYMENT], codes[at.DEDUCTION]
    owed, term, part = get(w, at.OWED), get(w, at.TERM), get(w, _INTEREST_PART)
    left, repaid = owed, owed / term
    for y in range(1, years + 1):
        here, year = y * LANES, float(y)
        rate = get(w, at.LOAN_RATE + segments[y] * at.SEGMENT)
        if method == 0:
            growth = 1.0 + rate
            if y == 1 or segments[y] != segments[y - 1]:
                repaid = _first_repaid(w, growth, left, y)
            else:  # not payment less interest: that would add up roundings likewise
                repaid = repaid * growth
        elif method == 2:
            repaid = where(term == year, owed, 0.0)
        interest = left * rate
        paid = interest + repaid
        deducted = deducted_of(deduction, interest, paid, part)
        left = left - repaid
        put(w, at.PAYMENT + here, where(term >= year, paid, 0.0))
        put(w, at.DEDUCTED + here, where(term >= year, deducted, 0.0))

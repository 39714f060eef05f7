"""Compiled: the dollars of all plants of a block, year by year."""

from __future__ import annotations

from flask_api.domains.price.kernel import layout as at
from flask_api.domains.price.kernel.compiling import Codes, Floats, compiled
from flask_api.domains.price.kernel.lanes import Lanes, get, put, spread, where
from flask_api.domains.price.kernel.layout import LANES

_BARE = at.ROWS["bare_erected_cost"]
_EPC = at.ROWS["epc"]
_PROCESS = at.ROWS["process_contingency"]
_PROJECT = at.ROWS["project_contingency"]
_OWNERS = at.ROWS["owners_costs"]
_WORKING = at.ROWS["working_capital_fraction"]
_LOAN = at.ROWS["loan_fraction"]
_LOAN_RATE = at.ROWS["loan_rate"]
_LAND = at.ROWS["land_cost"]
_STARTUP = at.ROWS["startup_costs"]
_SALVAGE = at.ROWS["salvage_fraction"]
_CREDIT = at.ROWS["investment_credit"]
_REDUCTION = at.ROWS["investment_credit_basis_reduction"]
_REPLACEMENT = at.ROWS["replacement_factor"]
_STATE = at.ROWS["state_tax_rate"]
_FEDERAL = at.ROWS["federal_tax_rate"]
_YEARS_45Q = at.ROWS["credit_45q_years"]
_YEARS_45V = at.ROWS["credit_45v_years"]


@compiled
def sums(w: Floats, segments: int, terms: Codes) -> None:
    """Fill in the yearly amounts of each segment.

    terms   rows of three offsets: to the first is added the product of the others
    """
    for n in range(segments):
        for offset in range(0, at.SEGMENT, LANES):
            put(w, at.UNITS + n * at.SEGMENT + offset, 0.0)
    for k in range(len(terms)):
        to, one, other = terms[k, 0], terms[k, 1], terms[k, 2]
        put(w, to, get(w, to) + get(w, one) * get(w, other))


@compiled
def capital(w: Floats, codes: Codes, income_share: float) -> None:
    """Fill in the capital ladder, the loan, and the value of construction."""
    bare = get(w, _BARE)
    with_epc = bare + bare * get(w, _EPC)
    if codes[at.CONTINGENCY_ON_BARE]:
        process, project = bare * get(w, _PROCESS), bare * get(w, _PROJECT)
    else:
        process = with_epc * get(w, _PROCESS)
        project = (with_epc + process) * get(w, _PROJECT)
    overnight = with_epc + process + project
    fixed = overnight + get(w, _OWNERS)
    working, loan = fixed * get(w, _WORKING), fixed * get(w, _LOAN)
    basis = overnight * (1.0 - get(w, _CREDIT) * get(w, _REDUCTION))
    book = basis * get(w, at.WRITE_OFF)
    book = book + get(w, _REPLACEMENT) * get(w, at.REPLACED_OFF)
    spent = (loan - fixed) * get(w, at.SPENT)
    interest = loan * (get(w, _LOAN_RATE) * get(w, at.INTEREST))
    land = get(w, _LAND) * get(w, at.BEGINS)
    put(w, at.OVERNIGHT, overnight)
    put(w, at.WORKING, working)
    put(w, at.LOAN, loan)
    put(w, at.BASIS, basis)
    put(w, at.SALVAGE, overnight * get(w, _SALVAGE))
    put(w, at.BOOK, book)
    put(w, at.BY_INCOME, basis * income_share)
    put(w, at.BUILT, spent - interest - land - working - get(w, _STARTUP))
    deductible = codes[at.STATE_DEDUCTIBLE]
    put(w, at.TAX_RATE, combined_rate(deductible, get(w, _STATE), get(w, _FEDERAL)))


@compiled
def combined_rate(deductible: int, state: Lanes, federal: Lanes) -> Lanes:
    """Tax on a dollar of taxed income, both taxes together."""
    if deductible:
        return state + federal * (1.0 - state)
    return state + federal


@compiled
def tax_rates(w: Floats, codes: Codes, segments: Codes, years: int) -> None:
    """Fill in the tax rate of each year, where it differs between years."""
    for y in range(1, years + 1):
        s = segments[y] * at.SEGMENT
        state, federal = get(w, at.STATE_TAX + s), get(w, at.FEDERAL_TAX + s)
        put(
            w,
            at.TAX + y * LANES,
            combined_rate(codes[at.STATE_DEDUCTIBLE], state, federal),
        )


@compiled
def flows(w: Floats, codes: Codes, segments: Codes, years: int) -> None:
    """Fill in sales, costs, write-offs and credits of each year."""
    basis, replaced, loan = get(w, at.BASIS), get(w, _REPLACEMENT), get(w, at.LOAN)
    years_45q, years_45v = get(w, _YEARS_45Q), get(w, _YEARS_45V)
    invested = get(w, at.OVERNIGHT) * get(w, _CREDIT)
    for y in range(1, years + 1):
        here, s = y * LANES, segments[y] * at.SEGMENT
        sales, fixed = get(w, at.SALES + here), get(w, at.FIXED + here)
        kept = 1.0 - get(w, at.COST_SHARE + s)
        gross = get(w, at.UNITS + s) * sales
        byproducts = get(w, at.BYPRODUCTS + s) * sales
        byproducts = byproducts + get(w, at.FIXED_REVENUE + s) * fixed
        cost = get(w, at.VARIABLE_COST + s) * get(w, at.VARIABLE + here)
        cost = cost + get(w, at.FIXED_COST + s) * fixed
        cash = byproducts * kept - cost
        income = cash - get(w, at.WRITE_OFF + here) * basis
        if codes[at.HAS_LOAN]:
            cash = cash - get(w, at.PAYMENT + here) * loan
            income = income - get(w, at.DEDUCTED + here) * loan
        if codes[at.HAS_REPLACEMENTS]:
            cash = cash - get(w, at.REPLACED + here) * replaced
            income = income - get(w, at.REPLACED_OFF + here) * replaced
        if codes[at.HAS_CREDITS]:
            q, v = get(w, at.CREDIT_45Q + s), get(w, at.CREDIT_45V + s)
            earned = where(years_45q >= float(y), q, 0.0)
            earned = earned + where(years_45v >= float(y), v, 0.0)
            earned = earned * get(w, at.VOLUME + here)
            if codes[at.CREDITS_GROW]:
                earned = earned * get(w, at.LEVEL + here)
            if y == 1:
                earned = earned + invested
            if codes[at.CREDITS_WAIT]:
                put(w, at.CREDIT + here, earned)
            else:
                cash = cash + earned
        put(w, at.GROSS + here, gross)
        put(w, at.REVENUE + here, gross * kept)
        put(w, at.CASH + here, cash)
        put(w, at.INCOME + here, income)


@compiled
def ends(w: Floats, codes: Codes, years: int) -> None:
    """Add what comes back in the last year, and its tax where no income changes it."""
    back = get(w, at.WORKING) + get(w, _LAND) + get(w, at.SALVAGE)
    taxed = spread(0.0)
    if codes[at.HAS_END] and not codes[at.GENERAL]:
        rule, rest = codes[at.SALVAGE_TAX], codes[at.WRITTEN_OFF_AT_END]
        taxed = taxed_at_end(rule, rest, get(w, at.SALVAGE), get(w, at.BOOK))
    if not codes[at.LIFE_VARIES]:
        here = int(w[at.LIFE]) * LANES
        if here <= years * LANES:
            put(w, at.CASH + here, get(w, at.CASH + here) + back)
            put(w, at.INCOME + here, get(w, at.INCOME + here) + taxed)
        return
    put(w, at.RETURNED, back)
    put(w, at.TAXED_AT_END, taxed)
    for i in range(LANES):
        life = int(w[at.LIFE + i])
        if life <= years:
            w[at.CASH + life * LANES + i] += w[at.RETURNED + i]
            w[at.INCOME + life * LANES + i] += w[at.TAXED_AT_END + i]


@compiled
def taxed_at_end(taxed: int, written_off: int, salvage: Lanes, book: Lanes) -> Lanes:
    """What salvage and capital not depreciated add to the last year's income.

    taxed         as `CHOICES["salvage_tax"]` counts: gain, whole, none
    written_off   1: what is not depreciated by then is deducted, 0: it is lost
    """
    gain = salvage - book
    if written_off:
        return -book if taxed == 2 else gain
    if taxed == 0:
        return where(gain > 0.0, gain, 0.0)
    return salvage if taxed == 1 else spread(0.0)


@compiled
def values(w: Floats, years: int) -> None:
    """Fill in what all flows are worth at the start, and those to date."""
    invested, worth, shielded = get(w, at.BUILT), spread(0.0), spread(0.0)
    to_date, shield = spread(0.0), spread(0.0)
    for y in range(1, years + 1):
        here = y * LANES
        discount, revenue = get(w, at.DISCOUNT + here), get(w, at.REVENUE + here)
        income = get(w, at.INCOME + here)
        invested = invested + discount * get(w, at.CASH + here)
        worth = worth + discount * revenue
        shielded = shielded - discount * income
        to_date, shield = to_date + revenue, shield - income
        put(w, at.TO_DATE + here, to_date)
        put(w, at.SHIELD + here, shield)
    put(w, at.INVESTED, invested)
    put(w, at.WORTH, worth)
    put(w, at.SHIELDED, shielded)

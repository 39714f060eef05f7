"""Levelised cost by NREL's Annual Technology Baseline: one rate stands for all finance.

The fixed charge rate is the share of the capital that must be earned each year, before
tax, so that the owners get their rate of return, and the tax is paid. It knows neither
losses nor loans of their own, and every year is like the others: for such a plant it
gives the price that the cash flow gives.

Source: NREL, Annual Technology Baseline 2024, "Equations and Variables in the ATB",
atb.nrel.gov/electricity/2024/equations_&_variables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flask_api.numerics.errors import InputError

#: A schedule is written with decimals; thirds don't sum to 1 exactly.
_SUM_TOLERANCE = 1e-9


def weighted_cost_of_capital(
    debt_fraction: float,
    interest_rate: float,
    return_on_equity: float,
    tax_rate: float,
    inflation_rate: float = 0.0,
) -> float:
    """Real rate that owners and lenders get together, interest being deducted from tax.

    debt_fraction      share of the capital that is borrowed, 0 to 1
    interest_rate      of the loan, and
    return_on_equity   of the owners, both nominal, 1/year
    tax_rate           federal and state together, 0 to below 1
    inflation_rate     1/year; with 0 the answer is nominal
    """
    _within(debt_fraction, "debt_fraction", 0, 1)
    _tax(tax_rate)
    owners = (1 - debt_fraction) * return_on_equity
    lenders = debt_fraction * interest_rate * (1 - tax_rate)
    return (1 + owners + lenders) / (1 + inflation_rate) - 1


def capital_recovery_factor(rate: float, years: float) -> float:
    """Yearly payment, at the end of each year, that is worth one dollar at the start.

    rate    1/year, above -1; real where prices are in money of one year
    years   over which the capital is recovered, above 0
    """
    _within(rate, "rate", -1, math.inf)
    _within(years, "years", 0, math.inf)
    if rate <= -1 or years == 0:
        raise InputError(
            f"rate is {rate:g} and years {years:g}; want a rate above -1 and years "
            "above 0",
            field="rate" if rate <= -1 else "years",
        )
    if rate == 0:
        return 1 / years
    return rate / -math.expm1(-years * math.log1p(rate))


def present_value_of_depreciation(shares: Sequence[float], rate: float) -> float:
    """What a dollar's write-offs are worth at the start of operation.

    shares   written off in year 1, 2, ... (`depreciation.shares`)
    rate     nominal, 1/year: write-offs do not grow with inflation
    """
    _within(rate, "rate", -0.99, math.inf)
    return math.fsum(
        share / (1 + rate) ** year for year, share in enumerate(shares, start=1)
    )


def project_finance_factor(
    tax_rate: float, pv_depreciation: float, investment_credit: float = 0.0
) -> float:
    """Earnings before tax that leave one dollar of capital cost after tax.

    tax_rate            federal and state together, 0 to below 1
    pv_depreciation     `present_value_of_depreciation`, at least 0; above 1 only at a
                        rate below 0
    investment_credit   share of the capital that comes back at the start as a tax
                        credit; half of it cannot be written off
    """
    _tax(tax_rate)
    _within(pv_depreciation, "pv_depreciation", 0, math.inf)
    _within(investment_credit, "investment_credit", 0, 1)
    written_off = pv_depreciation * (1 - investment_credit / 2)
    return (1 - tax_rate * written_off - investment_credit) / (1 - tax_rate)


def construction_finance_factor(
    schedule: Sequence[float], interest_rate: float, tax_rate: float
) -> float:
    """Capital at the start of operation for each dollar spent on construction.

    schedule        share spent in each year of construction, first year first, sum 1
    interest_rate   of the loan during construction, nominal; it runs from the middle of
                    the year in which the dollar is spent, and is deducted from tax
    tax_rate        federal and state together, 0 to below 1
    """
    _tax(tax_rate)
    _within(interest_rate, "interest_rate", 0, math.inf)
    total = math.fsum(schedule)
    if abs(total - 1) > _SUM_TOLERANCE or min(schedule, default=0.0) < 0:
        raise InputError(
            f"the shares of the schedule sum to {total:.12g}, the smallest is "
            f"{min(schedule, default=0.0):g}; want shares from 0 to 1 that sum to 1",
            field="schedule",
        )
    return math.fsum(
        share * (1 + (1 - tax_rate) * ((1 + interest_rate) ** (ahead + 0.5) - 1))
        for ahead, share in enumerate(reversed(schedule))
    )


def fixed_charge_rate(
    rate: float,
    years: float,
    tax_rate: float,
    pv_depreciation: float,
    investment_credit: float = 0.0,
) -> float:
    """Share of the capital to be earned each year, before tax, 1/year.

    rate    real where cost and price are in money of one year; the other arguments are
            those of `capital_recovery_factor` and `project_finance_factor`
    """
    return capital_recovery_factor(rate, years) * project_finance_factor(
        tax_rate, pv_depreciation, investment_credit
    )


def levelised_cost(
    fixed_charge: float,
    capital: float,
    fixed_cost: float,
    units: float,
    cost_per_unit: float = 0.0,
    credit_per_unit: float = 0.0,
) -> float:
    """Cost of a unit when capital and operation are spread evenly over all units.

    fixed_charge      `fixed_charge_rate`, 1/year
    capital           $, at the start of operation: what construction costs, times
                      `construction_finance_factor`
    fixed_cost        $/year
    units             sold a year, above 0
    cost_per_unit     $/unit, variable cost and fuel
    credit_per_unit   $/unit before tax, levelised over the plant's life
    """
    if not units > 0:
        raise InputError(
            f"units is {units:g}; want more than 0: no units, no cost of one",
            field="units",
        )
    yearly = fixed_charge * capital + fixed_cost
    return yearly / units + cost_per_unit - credit_per_unit


def _tax(rate: float) -> None:
    _within(rate, "tax_rate", 0, 1)
    if rate == 1:
        raise InputError(
            "tax_rate is 1; want less: no earnings leave anything after it",
            field="tax_rate",
        )


def _within(value: float, name: str, low: float, high: float) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        end = "" if math.isinf(high) else f" and at most {high:g}"
        raise InputError(
            f"{name} is {value:g}; want a number of at least {low:g}{end}", field=name
        )

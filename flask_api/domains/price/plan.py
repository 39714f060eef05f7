"""A plant's shape in time: what happens in which year to a dollar of each amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flask_api.domains.price import debt, depreciation
from flask_api.domains.price.arrays import Amount, Array, Values
from flask_api.domains.price.conventions import Conventions
from flask_api.domains.price.depreciation import AssetClass

#: Inputs that shape a pattern: where one varies, patterns carry a samples axis.
PATTERN_INPUTS = (
    "inflation_rate",
    "construction_years",
    "loan_years",
    "loan_rate",
    "startup_months",
    "startup_sales_fraction",
    "startup_variable_fraction",
    "startup_fixed_fraction",
)


@dataclass(frozen=True)
class Plan:
    """All that is counted in whole years or chosen by name.

    operating_years         life of the plant
    schedule                share of fixed capital in each construction year, shape
                            (years,), or (years, samples) if construction_years varies
    assets                  classes of depreciable capital
    replacements            $ by operating year; those after the plant's end fall away
    replacement_method      how replacements are written off, from their year on; None =
                            not at all
    """

    operating_years: int
    schedule: Array
    assets: tuple[AssetClass, ...]
    conventions: Conventions
    replacements: Mapping[int, float] = field(default_factory=dict)
    replacement_method: str | None = None


@dataclass(frozen=True)
class Patterns:
    """Per operating year and dollar: shape (years,), or (years, samples) if it varies.

    sales, variable, fixed    ramp-up and inflation
    depreciation              of total overnight cost, by fixed tables
    replacement, written_off  $ spent on replacements, and $ of them depreciated
    last_year                 1 in the last operating year
    """

    sales: Array
    variable: Array
    fixed: Array
    depreciation: Array
    income_share: float
    replacement: Array
    written_off: Array
    last_year: Array
    loan: debt.LoanPatterns
    loan_deduction: Array


def patterns(plan: Plan, values: Values) -> Patterns:
    """All patterns of a plan for the values that shape them (`PATTERN_INPUTS`)."""
    years, choice = plan.operating_years, plan.conventions
    price_level = _growth(values["inflation_rate"], years)
    loan = debt.loan(
        plan.schedule,
        values["loan_rate"],
        values["loan_years"],
        years,
        choice.loan_repayment,
        choice.construction_interest,
    )
    replacement, written_off = np.zeros(years), np.zeros(years)
    for year, dollars in plan.replacements.items():
        if year <= years:
            replacement[year - 1] += dollars
            if plan.replacement_method is not None:
                written_off += dollars * depreciation.pattern(
                    plan.replacement_method, years, start=year
                )
    last_year = np.zeros(years)
    last_year[-1] = 1.0
    deducted = (
        loan.payment if choice.loan_deduction == "whole_payment" else loan.interest
    )
    return Patterns(
        sales=_ramp(values, "sales", years, price_level),
        variable=_ramp(values, "variable", years, price_level),
        fixed=_ramp(values, "fixed", years, price_level),
        depreciation=depreciation.fixed_pattern(plan.assets, years),
        income_share=depreciation.share_as_income_allows(plan.assets),
        replacement=replacement,
        written_off=written_off,
        last_year=last_year,
        loan=loan,
        loan_deduction=deducted,
    )


def _growth(rate: Amount, years: int) -> Array:
    """Price level of each operating year; today's prices hold when operation begins."""
    steps = np.arange(1.0, years + 1)
    base = 1.0 + np.asarray(rate, dtype=float)
    return base**steps if base.ndim == 0 else base ** steps[:, None]


def _ramp(values: Values, what: str, years: int, price_level: Array) -> Array:
    """Share of a full year's flow in each operating year, at that year's prices.

    A year of which the part s lies in the ramp-up counts 1 - s (1 - fraction).
    """
    months: Amount = np.asarray(values["startup_months"], dtype=float)
    fraction: Amount = np.asarray(values[f"startup_{what}_fraction"], dtype=float)
    before = np.arange(years, dtype=float)
    if np.ndim(months) or np.ndim(fraction):
        before = before[:, None]
    inside = np.clip(months / 12 - before, 0.0, 1.0)
    ramp = 1 - inside * (1 - fraction)
    if ramp.ndim > price_level.ndim:
        price_level = price_level[:, None]
    elif ramp.ndim < price_level.ndim:
        ramp = ramp[:, None]
    return np.asarray(ramp * price_level)

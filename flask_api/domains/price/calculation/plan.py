"""A plant's shape in time: what happens in which year to a dollar of each amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from flask_api.domains.price.calculation import debt, depreciation
from flask_api.domains.price.calculation.arrays import Amount, Array, Values, aligned
from flask_api.domains.price.calculation.depreciation import AssetClass
from flask_api.domains.price.conventions import Conventions

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
    "credit_45q_years",
    "credit_45v_years",
)
#: A table's shares sum to 1 but for its rounding: what that leaves is nothing.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Span:
    """Operating years in which the same values apply.

    changes   values that replace those of the other years, by input
    years     1 in these years, else 0, shape (operating years,); None = in all years
    """

    changes: Mapping[str, float]
    years: Array | None

    def of(self, pattern: Array) -> Array:
        """The pattern in these years, 0 in all others."""
        if self.years is None:
            return pattern
        return aligned(pattern, self.years)


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
    target_row              operating year by which net present value is to be 0; 0, or
                            one after the plant's end: the last year
    changes                 values that apply in single operating years, by input: a
                            mapping for each year, or none at all
    off                     slots that cost nothing: V1 to V10, F1 to F5
    """

    operating_years: int
    schedule: Array
    assets: tuple[AssetClass, ...]
    conventions: Conventions
    replacements: Mapping[int, float] = field(default_factory=dict)
    replacement_method: str | None = None
    target_row: int = 0
    changes: Sequence[Mapping[str, float]] = ()
    off: frozenset[str] = frozenset()

    @property
    def horizon(self) -> int:
        """Operating years that count in net present value."""
        return min(self.target_row or self.operating_years, self.operating_years)

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Years of equal values, in the order in which they first come."""
        if not any(self.changes):
            return (Span({}, None),)
        found: dict[tuple[tuple[str, float], ...], Array] = {}
        for year in range(self.operating_years):
            key = tuple(sorted(self.changes[year].items()))
            found.setdefault(key, np.zeros(self.operating_years))[year] = 1.0
        return tuple(Span(dict(key), years) for key, years in found.items())

    def changed(self, *names: str) -> bool:
        """Whether one of these inputs has another value in some operating years."""
        return any(name in span.changes for span in self.spans for name in names)


@dataclass(frozen=True)
class Patterns:
    """Per operating year and dollar: shape (years,), or (years, samples) if it varies.

    sales, variable, fixed    ramp-up and inflation
    volume                    ramp-up of sales alone
    credit_45q, credit_45v    the years in which a credit is paid, at its price level
    depreciation              of the depreciable basis, by fixed tables
    undepreciated             part of the basis that these tables leave after the last
                              year; what no asset class holds is none of it
    income_share              part of the basis written off as fast as income allows
    replacement, written_off  $ spent on replacements, and $ of them depreciated
    replacement_left          $ of replacements still to be depreciated after that
    first_year, last_year     1 in the first, the last operating year
    loan_rates                interest in each operating year
    loan_deduction            part of a loan's payment that lowers taxable income
    """

    sales: Array
    variable: Array
    fixed: Array
    volume: Array
    credit_45q: Array
    credit_45v: Array
    depreciation: Array
    undepreciated: float
    income_share: float
    replacement: Array
    written_off: Array
    replacement_left: float
    first_year: Array
    last_year: Array
    loan: debt.LoanPatterns
    loan_rates: Sequence[Amount]
    loan_deduction: Array


def patterns(plan: Plan, values: Values) -> Patterns:
    """All patterns of a plan for the values that shape them (`PATTERN_INPUTS`)."""
    years, choice = plan.operating_years, plan.conventions
    level = price_level(values["inflation_rate"], years)
    volume = _ramp(values, "sales", years)
    rates = _loan_rates(plan, values)
    loan = debt.loan(
        plan.schedule,
        values["loan_rate"],
        values["loan_years"],
        years,
        choice.loan_repayment,
        choice.construction_interest,
        rates if _varies(plan) else None,
    )
    replacement, written_off, replacement_left = _replacements(plan)
    table = depreciation.fixed_pattern(plan.assets, years)
    share = depreciation.share_as_income_allows(plan.assets)
    left = sum(asset.share for asset in plan.assets) - share - float(table.sum())
    paid = aligned(volume, level) if choice.credit_indexation == "inflation" else volume
    interest = choice.loan_deduction == "interest"
    return Patterns(
        sales=aligned(volume, level),
        variable=aligned(_ramp(values, "variable", years), level),
        fixed=aligned(_ramp(values, "fixed", years), level),
        volume=volume,
        credit_45q=_until(values["credit_45q_years"], paid),
        credit_45v=_until(values["credit_45v_years"], paid),
        depreciation=table,
        undepreciated=left if abs(left) > _NOTHING else 0.0,
        income_share=share,
        replacement=replacement,
        written_off=written_off,
        replacement_left=replacement_left,
        first_year=_single(0, years),
        last_year=_single(years - 1, years),
        loan=loan,
        loan_rates=rates,
        loan_deduction=loan.interest if interest else loan.payment,
    )


def discount_rate(plan: Plan, values: Values) -> Amount:
    """The required rate, with inflation on top of it where it is meant as real."""
    rate = values["required_irr"]
    if plan.conventions.required_rate == "real":
        return (1 + rate) * (1 + values["inflation_rate"]) - 1
    return rate


def price_level(rate: Amount, years: int) -> Array:
    """Price level of each operating year; today's prices hold when operation begins."""
    steps = np.arange(1.0, years + 1)
    base = 1.0 + np.asarray(rate)
    return base**steps if base.ndim == 0 else base ** steps[:, None]


def _single(year: int, years: int) -> Array:
    pattern = np.zeros(years)
    pattern[year] = 1.0
    return pattern


def _ramp(values: Values, what: str, years: int) -> Array:
    """Share of a full year's flow in each operating year.

    A year of which the part s lies in the ramp-up counts 1 - s (1 - fraction).
    """
    months: Amount = np.asarray(values["startup_months"])
    fraction: Amount = np.asarray(values[f"startup_{what}_fraction"])
    before = np.arange(years, dtype=float)
    if np.ndim(months) or np.ndim(fraction):
        before = before[:, None]
    inside = np.minimum(np.maximum(months / 12 - before, 0.0), 1.0)
    return np.asarray(1 - inside * (1 - fraction))


def _until(last: Amount, pattern: Array) -> Array:
    """The pattern up to and with operating year `last`, 0 after it."""
    year = np.arange(1.0, len(pattern) + 1)
    window = year <= last if np.ndim(last) == 0 else year[:, None] <= last
    return aligned(pattern, np.asarray(window, dtype=float))


def _varies(plan: Plan) -> bool:
    """Whether the loan has another rate in some operating years."""
    return plan.conventions.interest_type == "variable" and plan.changed("loan_rate")


def _loan_rates(plan: Plan, values: Values) -> list[Amount]:
    """Interest rate of the loan in each operating year."""
    rate = values["loan_rate"]
    if not _varies(plan):
        return [rate] * plan.operating_years
    return [year.get("loan_rate", rate) for year in plan.changes]


def _replacements(plan: Plan) -> tuple[Array, Array, float]:
    """$ spent on replacements by year, $ of them depreciated, and $ left in the end."""
    years, method = plan.operating_years, plan.replacement_method
    spent, written_off = np.zeros(years), np.zeros(years)
    for year, dollars in plan.replacements.items():
        if year <= years:
            spent[year - 1] += dollars
            if method is not None:
                share = depreciation.pattern(method, years, start=year)
                written_off += dollars * share
    total = float(spent.sum())
    left = 0.0 if method is None else total - float(written_off.sum())
    return spent, written_off, left if abs(left) > _NOTHING * total else 0.0

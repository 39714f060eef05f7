"""Everything a price depends on, boiled down to the few sums its solver needs.

Money is counted at the start of operation: operating year y is discounted by
(1+r)^-y, construction years are compounded forward, the last of them stands at t = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flask_api.domains.price import capital, taxes
from flask_api.domains.price.arrays import (
    Amount,
    Array,
    Term,
    Values,
    discount_factors,
    present_value,
    spread,
    to_date,
    total,
)
from flask_api.domains.price.capital import first_year
from flask_api.domains.price.plan import Patterns, Plan

VARIABLE_SLOTS = tuple((f"v{n}_quantity", f"v{n}_unit_cost") for n in range(1, 11))
FIXED_COSTS = (
    "raw_material_cost",
    "labor_cost",
    "utility_cost",
    "maintenance_cost",
    "insurance_cost",
    "fixed_cost",
)


@dataclass(frozen=True)
class Amounts:
    """Dollars that the patterns spread over the years, one number or one per sample.

    revenue_per_price   $ of net revenue in a full year at a price of 1
    """

    overnight: Amount
    fixed_capital: Amount
    working_capital: Amount
    loan: Amount
    variable: Amount
    fixed: Amount
    byproduct: Amount
    replacement: Amount
    revenue_per_price: Amount
    tax_rate: Amount


def amounts(plan: Plan, values: Values) -> Amounts:
    """The dollar amounts of a plant."""
    choice = plan.conventions
    rungs = capital.ladder(values, choice.contingency_basis)
    itemised = choice.operating_cost == "itemised"
    variable = values["variable_cost"] + sum(
        values[quantity] * values[cost] for quantity, cost in VARIABLE_SLOTS
    )
    fixed = sum(values[name] for name in FIXED_COSTS)
    net = 1.0 if itemised else 1.0 - values["operating_cost_fraction"]
    return Amounts(
        overnight=rungs["total_overnight_cost"],
        fixed_capital=rungs["fixed_capital"],
        working_capital=rungs["working_capital"],
        loan=rungs["fixed_capital"] * values["loan_fraction"],
        variable=variable if itemised else 0.0,
        fixed=fixed if itemised else 0.0,
        byproduct=values["byproduct_revenue"] * net,
        replacement=values["replacement_factor"],
        revenue_per_price=values["number_of_units"] * net,
        tax_rate=taxes.combined_rate(
            values["state_tax_rate"],
            values["federal_tax_rate"],
            choice.state_deductible,
        ),
    )


@dataclass(frozen=True)
class Flows:
    """NPV as a function of yearly net revenue R at full capacity, for each sample.

    NPV(R) = other + value R - tax * sum over years of discount * income taxed, where
    taxable income to date is  revenue R - deductions.

    other        value of all flows that depend on neither price nor tax, shape (s,)
    value        of a dollar of yearly revenue, number or (s,)
    discount     (years, 1) or (years, s)
    step         1 - discount factor of one year: what delaying a tax by a year saves
    revenue      to date per dollar of yearly revenue, (years, 1) or (years, s)
    deductions   to date, (years, s)
    follows_income   $ to be written off as fast as income allows, or None
    """

    other: Array
    value: Amount
    discount: Array
    step: Amount
    revenue: Array
    deductions: Array
    follows_income: Amount | None
    tax_rate: Amount


def _terms(
    values: Values, pattern: Patterns, money: Amounts
) -> tuple[list[Term], list[Term]]:
    """What lowers taxable income, and what is paid, while operating; sales aside."""
    operating: list[Term] = [
        (money.variable, pattern.variable),
        (money.fixed, pattern.fixed),
        (-money.byproduct, pattern.sales),
    ]
    deducted: list[Term] = [
        *operating,
        (money.overnight, pattern.depreciation),
        (money.replacement, pattern.written_off),
        (money.loan, pattern.loan_deduction),
    ]
    paid: list[Term] = [
        *operating,
        (money.loan, pattern.loan.payment),
        (money.replacement, pattern.replacement),
        (-money.working_capital - values["land_cost"], pattern.last_year),
    ]
    return deducted, paid


def flows(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts, samples: int
) -> Flows:
    """The sums behind NPV for `samples` plants of one plan."""
    years, rate = plan.operating_years, values["required_irr"]
    discount = discount_factors(rate, years)
    deducted, paid = _terms(values, pattern, money)
    other = before_start(plan, values, pattern, money)
    for amount, shape in paid:
        if np.ndim(amount) or amount:
            other = other - amount * present_value(discount, shape)
    so_far = [(amount, to_date(shape)) for amount, shape in deducted if shape.any()]
    share = pattern.income_share
    return Flows(
        other=np.broadcast_to(np.asarray(other, dtype=float), (samples,)),
        value=present_value(discount, pattern.sales),
        discount=spread(discount),
        step=1 - 1 / (1 + np.asarray(rate)),
        revenue=spread(to_date(pattern.sales)),
        deductions=total(so_far, years, samples),
        follows_income=money.overnight * share if share else None,
        tax_rate=money.tax_rate,
    )


def after_tax_cash(
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    price: Amount,
    samples: int,
) -> Array:
    """Cash flow of every year at a price, shape (construction + operation, samples)."""
    years, ahead = plan.operating_years, len(plan.schedule)
    deducted, paid = _terms(values, pattern, money)
    revenue = spread(pattern.sales) * (price * money.revenue_per_price)
    taxable = revenue - total(deducted, years, samples)
    if pattern.income_share:
        capital_left = money.overnight * pattern.income_share
        taxable -= taxes.depreciation_as_income_allows(taxable, capital_left)
    taxed, _ = taxes.taxed_income(taxable)
    cash = np.empty((ahead + years, samples))
    cash[:ahead] = construction_cash(plan, values, pattern, money)
    cash[ahead:] = revenue - total(paid, years, samples) - money.tax_rate * taxed
    return cash


def construction_cash(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts
) -> Array:
    """Cash flow of the construction years, shape (years, 1) or (years, samples)."""
    interest, begins = pattern.loan.construction_interest, first_year(plan.schedule)
    flow = []
    for year, share in enumerate(plan.schedule):
        drawn = share * (money.loan - money.fixed_capital)
        bought = begins[year] * values["land_cost"]
        flow.append(drawn - money.loan * interest[year] - bought)
    flow[-1] = flow[-1] - money.working_capital - values["startup_costs"]
    return spread(np.array(np.broadcast_arrays(*flow), dtype=float))


def before_start(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts
) -> Amount:
    """Value at the start of operation of all flows during construction."""
    growth = 1 + np.asarray(values["required_irr"], dtype=float)
    result: Amount = 0.0
    for flow in construction_cash(plan, values, pattern, money):
        result = result * growth + flow
    return result

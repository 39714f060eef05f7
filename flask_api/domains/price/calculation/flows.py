"""Everything a price depends on, boiled down to the few sums its solver needs.

Money is counted at the start of operation: operating year y is discounted by
(1+r)^-y, construction years are compounded forward, the last of them stands at t = 0.

`npv_at(plan, values, price, samples)` is NPV as a function of price and inputs, for
real or complex arrays: what derivatives are taken of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.calculation.amounts import (
    Amounts,
    amounts,
    credit_terms,
    deducted_terms,
    paid_terms,
    revenue_term,
)
from flask_api.domains.price.calculation.arrays import (
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
from flask_api.domains.price.calculation.capital import first_year
from flask_api.domains.price.calculation.debt import RevenueLoan
from flask_api.domains.price.calculation.operation import (
    End,
    Years,
    worth_at,
    year_by_year,
)
from flask_api.domains.price.calculation.plan import (
    Patterns,
    Plan,
    discount_rate,
    patterns,
)
from flask_api.domains.price.calculation.taxes import taxed_income


def npv_at(plan: Plan, values: Values, price: Amount, samples: int) -> Array:
    """NPV at a price, $ at the start of operation, shape (samples,).

    plan      from `PriceModel.plan(values)`
    values    every input: a number, or an array of shape (samples,), real or complex;
              whole years (`InputSpec.integer`) stay real, and lifetime, target_row and
              construction_years as in `plan`
    price     $ per unit in the money of the start of operation: number or (samples,)

    Nothing is cast: with x + 1e-30j in place of x, the imaginary part over 1e-30 is the
    derivative by x, exact to rounding; at a kink it is that of one side.
    """
    pattern = patterns(plan, values)
    money = amounts(plan, values, pattern)
    found = worth_at(years(plan, values, pattern, money, samples), price)
    return np.broadcast_to(found, (samples,))


def plain(plan: Plan, values: Values, money: Amounts) -> bool:
    """Whether NPV is concave in the price, so that the short way finds its root.

    It is while losses may be used without limit, credits are paid out, and neither loan
    payments nor write-offs nor tax rates follow income, price or year.
    """
    choice = plan.conventions
    return bool(
        np.all(np.asarray(values["loss_limit"]) >= 1)
        and np.all(np.asarray(values["loss_years"]) >= plan.horizon)
        and (choice.credit_use == "refundable" or not _earns_credits(money))
        and (choice.loan_repayment != "revenue_share" or not np.any(money.loan))
        and not any(asset.method == "as_income_allows" for asset in plan.assets)
        and not plan.changed("state_tax_rate", "federal_tax_rate")
    )


def _earns_credits(money: Amounts) -> bool:
    return bool(np.any(money.investment_credit)) or any(
        np.any(year.credit_45q) or np.any(year.credit_45v) for year in money.yearly
    )


# -- the short way: sums to date -------------------------------------------------------


@dataclass(frozen=True)
class Flows:
    """NPV as a function of yearly net revenue R at full capacity, for each sample.

    NPV(R) = other + value R - tax * sum over years of discount * income taxed, where
    taxable income to date is  revenue R - deductions.

    other        value of all flows that depend on neither price nor tax, shape (s,)
    per_price    R at a price of 1
    value        of a dollar of yearly revenue, number or (s,)
    discount     (years, 1) or (years, s)
    step         1 - discount factor of one year: what delaying a tax by a year saves
    revenue      to date per dollar of yearly revenue, (years, 1) or (years, s)
    deductions   to date, (years, s)
    """

    other: Array
    per_price: Amount
    value: Amount
    discount: Array
    step: Amount
    revenue: Array
    deductions: Array
    tax_rate: Amount


def flows(
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    samples: int,
    room: Array | None = None,
) -> Flows:
    """The sums behind NPV for `samples` plants of one plan that is `plain`.

    room   for the deductions, shape (years, samples); they are worth one block only
    """
    last, rate = plan.horizon, discount_rate(plan, values)
    discount = discount_factors(rate, last)
    credits = [(-amount, shape) for amount, shape in credit_terms(plan, pattern, money)]
    other = before_start(plan, values, pattern, money)
    for amount, shape in [*paid_terms(plan, pattern, money), *credits]:
        if np.ndim(amount) or amount:
            other = other - amount * present_value(discount, shape[:last])
    per_price, sales = revenue_term(plan, pattern, money)
    deducted = _to_date(deducted_terms(plan, pattern, money), last)
    return Flows(
        other=np.broadcast_to(np.asarray(other), (samples,)),
        per_price=per_price,
        value=present_value(discount, sales[:last]),
        discount=spread(discount),
        step=1 - 1 / (1 + np.asarray(rate)),
        revenue=spread(to_date(sales[:last])),
        deductions=total(deducted, last, samples, room),
        tax_rate=money.yearly[0].tax_rate,
    )


def _to_date(terms: list[Term], last: int) -> list[Term]:
    """Sums over the years so far of the terms that are something."""
    return [
        (amount, to_date(shape[:last]))
        for amount, shape in terms
        if shape[:last].any() and (np.ndim(amount) or amount)
    ]


# -- the long way: year by year --------------------------------------------------------


def years(
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    samples: int,
    last: int | None = None,
) -> Years:
    """What `year_by_year` walks through, for `samples` plants of one plan.

    last   operating year to end with; None = the last that counts in NPV
    """
    last, choice = plan.horizon if last is None else last, plan.conventions
    lived = last == plan.operating_years

    def rows(terms: list[Term]) -> Array:
        cut = [(amount, shape[:last]) for amount, shape in terms]
        return total(cut, last, samples)

    rates: list[Amount] = [0.0] * last
    for span, year in zip(plan.spans, money.yearly, strict=True):
        for t in range(last):
            if span.years is None or span.years[t]:
                rates[t] = year.tax_rate
    share = pattern.income_share
    by_revenue = choice.loan_repayment == "revenue_share"
    deduction: dict[str, Amount | str] = {
        "interest": "interest",
        "whole_payment": 1.0,
        "proportion": values["interest_proportion"],
    }
    return Years(
        start=before_start(plan, values, pattern, money),
        discount=spread(discount_factors(discount_rate(plan, values), last)),
        revenue=rows([revenue_term(plan, pattern, money, kept=False)]),
        kept=rows([revenue_term(plan, pattern, money)]),
        cash=-rows(paid_terms(plan, pattern, money)),
        deducted=rows(deducted_terms(plan, pattern, money)),
        credits=rows(credit_terms(plan, pattern, money)),
        refundable=choice.credit_use == "refundable",
        tax_rates=rates,
        loss_limit=values["loss_limit"],
        loss_years=values["loss_years"],
        follows_income=money.basis * share if share else None,
        loan=_revenue_loan(plan, values, pattern, money) if by_revenue else None,
        loan_deduction=deduction[choice.loan_deduction],
        end=(
            End(
                money.salvage,
                money.book_value,
                choice.salvage_tax,
                choice.book_value_at_end,
            )
            if share and lived
            else None
        ),
    )


def _revenue_loan(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts
) -> RevenueLoan:
    return RevenueLoan(
        owed=money.loan * pattern.loan.principal,
        rates=pattern.loan_rates,
        term=np.minimum(values["loan_years"], plan.operating_years),
        share=values["repayment_of_revenue"],
    )


def after_tax_cash(
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    price: Amount,
    samples: int,
) -> Array:
    """Cash flow of every year that counts in NPV at a price.

    Returns shape (construction + operation, samples).
    """
    ahead, last = len(plan.schedule), plan.horizon
    parts = years(plan, values, pattern, money, samples)
    cash = np.empty((ahead + last, samples))
    cash[:ahead] = construction_cash(plan, pattern, money)
    if plain(plan, values, money):
        income = parts.kept * price
        taxed, _ = taxed_income(income - parts.deducted)
        tax = money.yearly[0].tax_rate * taxed
        cash[ahead:] = income + parts.cash + parts.credits - tax
    else:
        for t, year in enumerate(year_by_year(parts, [price] * last)):
            cash[ahead + t] = year.cash
    return cash


# -- before operation ------------------------------------------------------------------


def construction_cash(plan: Plan, pattern: Patterns, money: Amounts) -> Array:
    """Cash flow of the construction years, shape (years, 1) or (years, samples)."""
    interest, begins = pattern.loan.construction_interest, first_year(plan.schedule)
    flow = []
    for year, share in enumerate(plan.schedule):
        drawn = share * (money.loan - money.fixed_capital)
        bought = begins[year] * money.land
        flow.append(drawn - money.loan * interest[year] - bought)
    flow[-1] = flow[-1] - money.working_capital - money.startup_costs
    return spread(np.array(np.broadcast_arrays(*flow)))


def before_start(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts
) -> Amount:
    """Value at the start of operation of all flows during construction."""
    growth = 1 + np.asarray(discount_rate(plan, values))
    result: Amount = 0.0
    for flow in construction_cash(plan, pattern, money):
        result = result * growth + flow
    return result

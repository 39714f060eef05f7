"""The year table: every flow of a plant at a given price, in $."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from flask_api.domains.price.calculation.amounts import Amounts, credit_terms
from flask_api.domains.price.calculation.arrays import (
    Amount,
    Array,
    Values,
    spread,
    to_date,
    total,
)
from flask_api.domains.price.calculation.flows import years
from flask_api.domains.price.calculation.operation import year_by_year
from flask_api.domains.price.calculation.plan import (
    Patterns,
    Plan,
    discount_rate,
    price_level,
)

#: Columns in the order of the table, with what each is; all in $ but
#: `discount_factor` and `price`.
COLUMNS: Mapping[str, str] = {
    "fixed_capital": "Fixed capital and replacements",
    "working_capital": "Working capital paid (+) and returned (-)",
    "land": "Land bought (+) and sold (-)",
    "startup_costs": "Start-up costs",
    "price": "Price of a unit in the year's money, $/unit",
    "revenue": "Sales of the product, and of others whose price follows it",
    "byproduct_revenue": "Sales of by-products",
    "operating_cost": "Variable and fixed operating cost",
    "depreciation": "Depreciation",
    "salvage": "Proceeds of what is left of the plant",
    "loan": "Loan drawn",
    "loan_interest": "Interest that falls due",
    "loan_payment": "Interest and repayment while operating",
    "loan_balance": "Loan owed at the end of the year",
    "taxable_income": "Income less all deductions, before losses carried forward",
    "taxed_income": "Income that is taxed",
    "forwarded_losses": "Losses still to be used at the end of the year, <= 0",
    "expired_losses": "Losses that may no longer be used after the year, >= 0",
    "state_tax": "State tax",
    "federal_tax": "Federal tax",
    "tax": "Both taxes",
    "credits_earned": "Tax credits of the year",
    "credits_used": "Tax credits paid out or set off against tax",
    "cash_flow": "After-tax cash flow",
    "discount_factor": "Value at the start of operation of a dollar of this year",
    "discounted_cash_flow": "Cash flow times discount factor",
    "cumulative_npv": "Sum of discounted cash flows so far",
}


def columns(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts, price: Amount
) -> dict[str, Array]:
    """All columns of `COLUMNS`, each of shape (construction + operating years, s).

    price   $ per unit in the money of the start of operation, number or (s,); years
            after `target_row` sell at the selling price
    """
    ahead, samples = len(plan.schedule), _samples(values, price)
    shape = (ahead + plan.operating_years, samples)
    table = {name: np.zeros(shape) for name in COLUMNS}
    late = plan.operating_years - plan.horizon
    prices = [price] * plan.horizon + [values["selling_price"]] * late
    _construction(table, plan, values, pattern, money)
    op = {name: column[ahead:] for name, column in table.items()}
    _operation(op, plan, values, pattern, money, prices)
    _taxes(op, plan, values, pattern, money, prices)
    table["cash_flow"] += (
        table["revenue"]
        + table["byproduct_revenue"]
        + table["salvage"]
        - table["operating_cost"]
        - table["tax"]
        + table["credits_used"]
        + table["loan"]
        - table["loan_payment"]
        - table["fixed_capital"]
        - table["working_capital"]
        - table["land"]
        - table["startup_costs"]
    )
    table["cash_flow"][:ahead] -= table["loan_interest"][:ahead]
    exponent = np.arange(1.0 - ahead, plan.operating_years + 1)[:, None]
    growth = 1 + np.asarray(discount_rate(plan, values))
    table["discount_factor"] += growth**-exponent
    table["discounted_cash_flow"] += table["cash_flow"] * table["discount_factor"]
    table["cumulative_npv"] += to_date(table["discounted_cash_flow"])
    return table


def _samples(values: Values, price: Amount) -> int:
    return max((np.size(value) for value in (*values.values(), price)), default=1)


def _construction(
    table: Mapping[str, Array],
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
) -> None:
    """Fill in what happens before the first operating year."""
    ahead = len(plan.schedule)
    share = spread(plan.schedule)
    table["fixed_capital"][:ahead] += share * money.fixed_capital
    table["working_capital"][ahead - 1] += money.working_capital
    table["startup_costs"][ahead - 1] += money.startup_costs
    table["land"][0] += money.land
    table["loan"][:ahead] += share * money.loan
    table["loan_interest"][:ahead] += money.loan * spread(
        pattern.loan.construction_interest
    )
    if plan.conventions.construction_interest == "capitalised":
        owed = np.zeros(table["loan"].shape[1])
        for year in range(ahead):
            # the last draw bears none before operation begins
            owed = owed * (1 + values["loan_rate"]) + table["loan"][year]
            table["loan_balance"][year] += owed
    else:
        table["loan_balance"][:ahead] += to_date(table["loan"][:ahead])


def _operation(
    op: Mapping[str, Array],
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    prices: Sequence[Amount],
) -> None:
    """Fill in what no tax touches: sales, costs, fixed depreciation, credits, loan."""
    for row, price in zip(op["price"], prices, strict=True):
        row[:] = price
    for span, year in zip(plan.spans, money.yearly, strict=True):
        sales, fixed = spread(span.of(pattern.sales)), spread(span.of(pattern.fixed))
        revenue = sales * year.units * op["price"]
        byproducts = sales * year.byproducts + fixed * year.rent
        op["revenue"][:] += revenue
        op["byproduct_revenue"][:] += byproducts
        op["operating_cost"][:] += (1 - year.kept) * (revenue + byproducts)
        op["operating_cost"][:] += spread(span.of(pattern.variable)) * year.variable
        op["operating_cost"][:] += fixed * year.fixed
    op["price"][:] *= spread(price_level(values["inflation_rate"], len(prices)))
    op["fixed_capital"][:] += spread(pattern.replacement) * money.replacement
    op["working_capital"][-1] -= money.working_capital
    op["land"][-1] -= money.land
    op["salvage"][-1] += money.salvage
    op["loan_interest"][:] += spread(pattern.loan.interest) * money.loan
    op["loan_payment"][:] += spread(pattern.loan.payment) * money.loan
    op["loan_balance"][:] += spread(pattern.loan.balance) * money.loan
    op["depreciation"][:] += spread(pattern.depreciation) * money.basis
    op["depreciation"][:] += spread(pattern.written_off) * money.replacement
    earned = credit_terms(plan, pattern, money)
    op["credits_earned"][:] += total(earned, *op["credits_earned"].shape)


def _taxes(
    op: Mapping[str, Array],
    plan: Plan,
    values: Values,
    pattern: Patterns,
    money: Amounts,
    prices: Sequence[Amount],
) -> None:
    """Fill in what follows income: taxes, losses, credits used, and such loans."""
    count, samples = op["tax"].shape
    by_year = years(plan, values, pattern, money, samples, last=count)
    for t, year in enumerate(year_by_year(by_year, prices)):
        op["depreciation"][t] += year.written_off
        op["loan_interest"][t] += year.interest
        op["loan_payment"][t] += year.payment
        op["loan_balance"][t] += year.owed
        op["taxable_income"][t] += year.taxable
        op["taxed_income"][t] += year.taxed
        op["forwarded_losses"][t] -= year.losses
        op["expired_losses"][t] += year.expired
        op["credits_used"][t] += year.used
    for span, rates in zip(plan.spans, money.yearly, strict=True):
        taxed = op["taxed_income"] * (1.0 if span.years is None else spread(span.years))
        state = taxed * rates.state
        base = taxed - state if plan.conventions.state_deductible else taxed
        op["state_tax"][:] += state
        op["federal_tax"][:] += base * rates.federal
    op["tax"][:] += op["state_tax"] + op["federal_tax"]

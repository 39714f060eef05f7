"""The year table: every flow of a plant at a given price, in $."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flask_api.domains.price import taxes
from flask_api.domains.price.arrays import Amount, Array, Values, spread, to_date
from flask_api.domains.price.flows import Amounts
from flask_api.domains.price.plan import Patterns, Plan

#: Columns in the order of the table, with what each is; all in $ but `discount_factor`.
COLUMNS: Mapping[str, str] = {
    "fixed_capital": "Fixed capital and replacements",
    "working_capital": "Working capital paid (+) and returned (-)",
    "land": "Land bought (+) and sold (-)",
    "startup_costs": "Start-up costs",
    "revenue": "Sales of the product",
    "byproduct_revenue": "Sales of by-products",
    "operating_cost": "Variable and fixed operating cost",
    "depreciation": "Depreciation",
    "loan": "Loan drawn",
    "loan_interest": "Interest paid",
    "loan_payment": "Interest and repayment while operating",
    "loan_balance": "Loan owed at the end of the year",
    "taxable_income": "Income less all deductions, before losses carried forward",
    "taxed_income": "Income that is taxed",
    "forwarded_losses": "Losses still to be used at the end of the year",
    "state_tax": "State tax",
    "federal_tax": "Federal tax",
    "tax": "Both taxes",
    "cash_flow": "After-tax cash flow",
    "discount_factor": "Value at the start of operation of a dollar of this year",
    "discounted_cash_flow": "Cash flow times discount factor",
    "cumulative_npv": "Sum of discounted cash flows so far",
}


def columns(
    plan: Plan, values: Values, pattern: Patterns, money: Amounts, price: Amount
) -> dict[str, Array]:
    """All columns of `COLUMNS`, each of shape (construction + operating years, s).

    price   $ per unit in the money of the start of operation, number or (s,)
    """
    ahead, samples = len(plan.schedule), _samples(values, price)
    shape = (ahead + plan.operating_years, samples)
    table = {name: np.zeros(shape) for name in COLUMNS}
    _construction(table, plan, values, pattern, money)
    op = {name: column[ahead:] for name, column in table.items()}
    _operation(op, plan, values, pattern, money, price)
    _taxes(op, plan, values, money, pattern.income_share)
    table["cash_flow"] += (
        table["revenue"]
        + table["byproduct_revenue"]
        - table["operating_cost"]
        - table["tax"]
        + table["loan"]
        - table["loan_payment"]
        - table["fixed_capital"]
        - table["working_capital"]
        - table["land"]
        - table["startup_costs"]
    )
    table["cash_flow"][:ahead] -= table["loan_interest"][:ahead]
    exponent = np.arange(1.0 - ahead, plan.operating_years + 1)[:, None]
    growth = 1 + np.asarray(values["required_irr"], dtype=float)
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
    table["startup_costs"][ahead - 1] += values["startup_costs"]
    table["land"][0] += values["land_cost"]
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
    price: Amount,
) -> None:
    """Fill in sales, costs, loan and fixed depreciation of the operating years."""
    sales = spread(pattern.sales)
    gross = sales * values["number_of_units"] * price
    op["revenue"][:] += gross
    op["byproduct_revenue"][:] += sales * values["byproduct_revenue"]
    if plan.conventions.operating_cost == "fraction_of_revenue":
        share = values["operating_cost_fraction"]
        op["operating_cost"][:] += share * (op["revenue"] + op["byproduct_revenue"])
    op["operating_cost"][:] += spread(pattern.variable) * money.variable
    op["operating_cost"][:] += spread(pattern.fixed) * money.fixed
    op["fixed_capital"][:] += spread(pattern.replacement) * money.replacement
    op["working_capital"][-1] -= money.working_capital
    op["land"][-1] -= values["land_cost"]
    op["loan_interest"][:] += spread(pattern.loan.interest) * money.loan
    op["loan_payment"][:] += spread(pattern.loan.payment) * money.loan
    op["loan_balance"][:] += spread(pattern.loan.balance) * money.loan
    op["depreciation"][:] += spread(pattern.depreciation) * money.overnight
    op["depreciation"][:] += spread(pattern.written_off) * money.replacement


def _taxes(
    op: Mapping[str, Array],
    plan: Plan,
    values: Values,
    money: Amounts,
    income_share: float,
) -> None:
    """Fill in what is written off as income allows, and the taxes on what is left."""
    whole = plan.conventions.loan_deduction == "whole_payment"
    income = op["revenue"] + op["byproduct_revenue"] - op["operating_cost"]
    income -= op["depreciation"] + op["loan_payment" if whole else "loan_interest"]
    if income_share:
        written_off = taxes.depreciation_as_income_allows(
            income, money.overnight * income_share
        )
        op["depreciation"][:] += written_off
        income -= written_off
    op["taxable_income"][:] += income
    taxed, losses = taxes.taxed_income(income)
    op["taxed_income"][:] += taxed
    op["forwarded_losses"][:] += losses
    op["state_tax"][:] += taxed * values["state_tax_rate"]
    base = taxed - op["state_tax"] if plan.conventions.state_deductible else taxed
    op["federal_tax"][:] += base * values["federal_tax_rate"]
    op["tax"][:] += op["state_tax"] + op["federal_tax"]

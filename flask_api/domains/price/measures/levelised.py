"""The levelised cost of a price model: its inputs in the terms of `lcoe`."""

from __future__ import annotations

from flask_api.domains.price.calculation.amounts import credit_terms
from flask_api.domains.price.calculation.arrays import Array, discount_factors
from flask_api.domains.price.calculation.plan import Patterns, Plan, discount_rate
from flask_api.domains.price.measures import lcoe
from flask_api.domains.price.model import PriceModel


def levelised_cost(model: PriceModel) -> float | None:
    """Cost of a unit by the Annual Technology Baseline's formula, $ in today's money.

    One rate, that of owners and lenders together, stands for loan and taxes; ramp-up,
    replacements, working capital, land and losses are not in it. The whole life counts;
    what differs by year is averaged with the weights of discounting; by-products and
    credits lower the cost. Beside the solved price it tells how much all that matters.

    None where the formula has no value: nothing is sold, operation or taxes take all
    revenue, or capital is written off as fast as income allows. No input that a plant
    may have is refused.
    """
    values, plan, pattern, money = model.parts()
    tax = float(max(year.tax_rate for year in money.yearly))
    sold = [float(year.units * year.kept) for year in money.yearly]
    if not sum(sold) > 0 or not tax < 1 or pattern.income_share:
        return None
    nominal, real = _rates(model, plan, tax)
    weights = _weights(plan, discount_factors(real, plan.operating_years))
    units = _mean(weights, sold)
    if not units > 0:  # all years that sell something are too far off to weigh
        return None
    yearly = [
        float(year.fixed + year.variable - (year.byproducts + year.rent) * year.kept)
        for year in money.yearly
    ]
    capital = float(money.fixed_capital + money.startup_costs)
    share = float(money.overnight) / capital if capital else 0.0
    basis = float(money.basis) / capital if capital else 0.0
    credit = values["investment_credit"] * share
    written_off = basis * lcoe.present_value_of_depreciation(
        pattern.depreciation.tolist(), nominal
    )
    # not `lcoe.project_finance_factor`: there half of the credit lowers the basis; here
    # `written_off` knows which part does, and is above 1 where the rate is below 0
    factor = (1 - tax * written_off - credit) / (1 - tax)
    charge = lcoe.capital_recovery_factor(real, plan.operating_years) * factor
    finance = lcoe.construction_finance_factor(
        plan.schedule.tolist(), values["loan_rate"], tax
    )
    after_tax = _yearly_credits(model, plan, pattern, nominal, real)
    return lcoe.levelised_cost(
        charge,
        capital * finance,
        _mean(weights, yearly),
        units,
        credit_per_unit=after_tax / (1 - tax) / units,
    )


def _rates(model: PriceModel, plan: Plan, tax: float) -> tuple[float, float]:
    """What owners and lenders get together, with inflation and without it."""
    values = model.baseline()
    inflation = values["inflation_rate"]
    terms = (
        values["loan_fraction"],
        values["loan_rate"],
        float(discount_rate(plan, values)),
        tax,
    )
    return (
        lcoe.weighted_cost_of_capital(*terms),
        lcoe.weighted_cost_of_capital(*terms, inflation),
    )


def _weights(plan: Plan, discount: Array) -> list[float]:
    """Part that the years of each span have in an average over the plant's life."""
    return [
        1.0 if span.years is None else float(discount @ span.years / discount.sum())
        for span in plan.spans
    ]


def _mean(weights: list[float], amounts: list[float]) -> float:
    return sum(weight * amount for weight, amount in zip(weights, amounts, strict=True))


def _yearly_credits(
    model: PriceModel, plan: Plan, pattern: Patterns, nominal: float, real: float
) -> float:
    """45Q and 45V as an equal amount each year of life, $/year after tax."""
    _, _, _, money = model.parts()
    years = plan.operating_years
    discount = discount_factors(nominal, years)
    worth = sum(
        float(amount) * float(discount @ shape)
        for amount, shape in credit_terms(plan, pattern, money)
        if shape is not pattern.first_year  # the investment credit is in the charge
    )
    return worth / float(discount_factors(real, years).sum())

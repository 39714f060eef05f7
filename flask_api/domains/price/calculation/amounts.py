"""The dollars of a plant that its patterns spread over the years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flask_api.domains.price.calculation import capital, taxes
from flask_api.domains.price.calculation.arrays import Amount, Term, Values, spread
from flask_api.domains.price.calculation.plan import Patterns, Plan

FIXED_SLOTS = {
    "F1": "raw_material_cost",
    "F2": "labor_cost",
    "F3": "utility_cost",
    "F4": "maintenance_cost",
    "F5": "insurance_cost",
}
_SLOTS = range(1, 11)
_PRODUCTS = range(2, 6)
_FIXED_REVENUES = tuple(f"rf{n}_revenue" for n in range(1, 6))
#: Inputs whose change from year to year bends revenue, and not only costs.
REVENUE_INPUTS = (
    "number_of_units",
    "operating_cost_fraction",
    *(f"product_{n}_units" for n in _PRODUCTS),
)


@dataclass(frozen=True)
class Yearly:
    """Amounts of a full operating year, $/year; one for each of the plan's spans.

    units        of the first product, others counted by their relative price
    kept         part of revenue left after costs that are a fraction of it
    byproducts   that follow sales; `rent` those that don't (RF1 to RF5)
    """

    units: Amount
    kept: Amount
    variable: Amount
    fixed: Amount
    byproducts: Amount
    rent: Amount
    credit_45q: Amount
    credit_45v: Amount
    state: Amount
    federal: Amount
    tax_rate: Amount


@dataclass(frozen=True)
class Amounts:
    """Dollars of a plant, one number or one per sample.

    basis           capital that may be depreciated
    replacement     multiple of the plan's replacements
    loan_deducted   the loan, by the part of its payments that may be deducted
    book_value      not yet depreciated after the last year by fixed tables
    yearly          amounts of the plan's spans, in their order
    """

    overnight: Amount
    basis: Amount
    fixed_capital: Amount
    working_capital: Amount
    land: Amount
    startup_costs: Amount
    loan: Amount
    loan_deducted: Amount
    replacement: Amount
    salvage: Amount
    book_value: Amount
    investment_credit: Amount
    yearly: tuple[Yearly, ...]


def amounts(plan: Plan, values: Values, pattern: Patterns) -> Amounts:
    """The dollar amounts of a plant."""
    choice = plan.conventions
    rungs = capital.ladder(values, choice.contingency_basis)
    overnight = rungs["total_overnight_cost"]
    credit = values["investment_credit"]
    basis = overnight * (1 - credit * values["investment_credit_basis_reduction"])
    loan, replacement = (
        rungs["fixed_capital"] * values["loan_fraction"],
        values["replacement_factor"],
    )
    part = values["interest_proportion"] if choice.loan_deduction == "proportion" else 1
    return Amounts(
        overnight=overnight,
        basis=basis,
        fixed_capital=rungs["fixed_capital"],
        working_capital=rungs["working_capital"],
        land=values["land_cost"],
        startup_costs=values["startup_costs"],
        loan=loan,
        loan_deducted=loan * part,
        replacement=replacement,
        salvage=overnight * values["salvage_fraction"],
        book_value=basis * pattern.undepreciated
        + replacement * pattern.replacement_left,
        investment_credit=overnight * credit,
        yearly=tuple(
            _yearly(plan, {**values, **span.changes} if span.changes else values)
            for span in plan.spans
        ),
    )


def units_sold(values: Values) -> Amount:
    """Units of the first product that bring the revenue of all products."""
    units = values["number_of_units"]
    for n in _PRODUCTS:
        others = values[f"product_{n}_units"]
        if np.ndim(others) or others:
            units = units + others * values[f"product_{n}_relative_price"]
    return units


def _yearly(plan: Plan, values: Values) -> Yearly:
    choice, off = plan.conventions, plan.off
    slots: list[Amount] = [
        0.0 if f"V{n}" in off else values[f"v{n}_quantity"] * values[f"v{n}_unit_cost"]
        for n in _SLOTS
    ]
    credit_45q: Amount = 0.0
    credit_45v: Amount = 0.0
    if choice.v4_v5 == "credits":
        (credit_45q, credit_45v), slots[3:5] = slots[3:5], (0.0, 0.0)
    variable = values["variable_cost"] + sum(slots)
    variable = variable + values["carbon_capture_cost"] + values["convenience_fee"]
    fixed = values["fixed_cost"] + sum(
        values[name] for slot, name in FIXED_SLOTS.items() if slot not in off
    )
    byproducts = values["byproduct_revenue"] + sum(
        values[f"r{n}_quantity"] * values[f"r{n}_unit_price"] for n in _SLOTS
    )
    itemised = choice.operating_cost == "itemised"
    state, federal = values["state_tax_rate"], values["federal_tax_rate"]
    return Yearly(
        units=units_sold(values),
        kept=1.0 if itemised else 1.0 - values["operating_cost_fraction"],
        variable=variable if itemised else 0.0,
        fixed=fixed if itemised else 0.0,
        byproducts=byproducts,
        rent=sum(values[name] for name in _FIXED_REVENUES),
        credit_45q=credit_45q,
        credit_45v=credit_45v,
        state=state,
        federal=federal,
        tax_rate=taxes.combined_rate(state, federal, choice.state_deductible),
    )


# -- what is paid and what lowers taxes, as terms: an amount times a pattern -----------


def operating_terms(plan: Plan, pattern: Patterns, money: Amounts) -> list[Term]:
    """Costs less by-products of operation, those that are a part of revenue aside."""
    terms: list[Term] = []
    for span, year in zip(plan.spans, money.yearly, strict=True):
        fixed = year.fixed - year.rent * year.kept
        terms += [
            (year.variable, span.of(pattern.variable)),
            (fixed, span.of(pattern.fixed)),
            (-year.byproducts * year.kept, span.of(pattern.sales)),
        ]
    return terms


def credit_terms(plan: Plan, pattern: Patterns, money: Amounts) -> list[Term]:
    """Tax credits earned."""
    terms: list[Term] = [(money.investment_credit, pattern.first_year)]
    for span, year in zip(plan.spans, money.yearly, strict=True):
        terms.append((year.credit_45q, span.of(pattern.credit_45q)))
        terms.append((year.credit_45v, span.of(pattern.credit_45v)))
    return [(amount, shape) for amount, shape in terms if np.ndim(amount) or amount]


def deducted_terms(plan: Plan, pattern: Patterns, money: Amounts) -> list[Term]:
    """What lowers taxable income, but for what follows the price."""
    choice = plan.conventions
    terms = [
        *operating_terms(plan, pattern, money),
        (money.basis, pattern.depreciation),
        (money.replacement, pattern.written_off),
        (money.loan_deducted, pattern.loan_deduction),
    ]
    if not pattern.income_share:
        end = taxes.taxed_at_end(
            money.salvage,
            money.book_value,
            choice.salvage_tax,
            choice.book_value_at_end,
        )
        terms.append((-end, pattern.last_year))
    return terms


def paid_terms(plan: Plan, pattern: Patterns, money: Amounts) -> list[Term]:
    """What operation pays, but for taxes, credits and what follows the price."""
    back = money.working_capital + money.land + money.salvage
    return [
        *operating_terms(plan, pattern, money),
        (money.loan, pattern.loan.payment),
        (money.replacement, pattern.replacement),
        (-back, pattern.last_year),
    ]


def revenue_term(
    plan: Plan, pattern: Patterns, money: Amounts, kept: bool = True
) -> Term:
    """Revenue at a price of 1.

    kept   less the costs that are a fraction of it
    """
    parts: list[Term] = [
        (year.units * (year.kept if kept else 1.0), span.of(pattern.sales))
        for span, year in zip(plan.spans, money.yearly, strict=True)
    ]
    if not plan.changed(*REVENUE_INPUTS):
        return parts[0][0], pattern.sales
    if any(np.ndim(amount) for amount, _ in parts):
        parts = [(amount, spread(shape)) for amount, shape in parts]
    return 1.0, np.asarray(sum(amount * shape for amount, shape in parts))

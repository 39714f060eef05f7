"""Plants that nobody chose, drawn over all inputs, choices, periods and switches."""

from __future__ import annotations

import random

from flask_api.domains.price.calculation.depreciation import AssetClass
from flask_api.domains.price.conventions import CHOICES, Conventions
from flask_api.domains.price.inputs import INPUTS, YEARLY
from flask_api.domains.price.model import ModelInput, Period, PriceModel, Structure

METHODS = (
    "straight_line",
    "straight_line_5",
    "macrs_3",
    "macrs_7",
    "double_declining_10",
    "sum_of_years_digits_8",
    "custom",
    "as_income_allows",
)


def drawn(seed: int) -> PriceModel:
    """A plant for which there is a price: its taxes leave something, it sells some."""
    rng = random.Random(seed)
    life = rng.choice([1, 2, 5, 12, 20, 40])
    values = _values(rng, life)
    return PriceModel(
        version="drawn",
        extension=None,
        title="drawn",
        inputs={
            name: ModelInput(name, float(value), INPUTS[name].unit, name)
            for name, value in values.items()
        },
        structure=_structure(rng, life, values),
    )


def _values(rng: random.Random, life: int) -> dict[str, float]:
    some = rng.uniform
    scale, units = 10 ** some(3, 9), 10 ** some(2, 7)
    values: dict[str, float] = {
        "plant_lifetime": life,
        "bare_erected_cost": scale,
        "number_of_units": units,
        "selling_price": scale / units * some(0.1, 1),
        "required_irr": rng.choice([0.0, 0.08, 0.3]),
        "inflation_rate": rng.choice([0.0, some(-0.05, 0.1)]),
        "loan_fraction": rng.choice([0.0, some(0, 1), some(0, 1)]),
        "loan_rate": rng.choice([0.0, some(0.01, 0.2)]),
        "loan_years": rng.randint(1, 50),
        "interest_proportion": some(0, 1),
        "repayment_of_revenue": rng.choice([some(0.01, 0.2), some(0, 1)]),
        "state_tax_rate": some(0, 0.3),
        "federal_tax_rate": some(0, 0.5),
        "startup_months": rng.choice([0, 5, 12, 30.5]),
        "startup_sales_fraction": some(0.1, 1),
        "startup_variable_fraction": some(0, 1.5),
        "startup_fixed_fraction": some(0, 1.5),
        "operating_cost_fraction": some(0, 0.9),
        "replacement_factor": some(0.5, 2),
        "working_capital_fraction": some(0, 0.3),
        "target_row": rng.choice([0, 0, 0, 1, max(1, life - 1), life + 3]),
        "investment_credit": rng.choice([0.0, some(0, 0.5)]),
        "investment_credit_basis_reduction": rng.choice([0.5, some(0, 1)]),
        "credit_45q_years": rng.choice([0, 3, 12, 100]),
        "credit_45v_years": rng.choice([0, 4, 10]),
        "loss_limit": rng.choice([1.0, 1.0, 0.8, some(0, 1)]),
        "loss_years": rng.choice([100, 100, 0, 1, 3, 20]),
        "salvage_fraction": rng.choice([0.0, some(0, 0.6)]),
    }
    for name in ("epc", "process_contingency", "project_contingency"):
        values[name] = some(0, 0.4)
    for name in INPUTS:
        if name in values:
            continue
        if name.startswith("product_"):
            values[name] = (
                some(0, 0.5 * units) if name.endswith("units") else some(0, 2)
            )
        elif name.endswith("_quantity"):
            values[name] = some(0, 9)
        elif name.startswith("v") and name != "variable_cost":
            values[name] = scale * rng.choice([0.0, some(0, 0.005)])
        elif INPUTS[name].unit in ("$", "$/year"):
            values[name] = scale * rng.choice([0.0, some(0, 0.03)])
    return values


def _structure(rng: random.Random, life: int, values: dict[str, float]) -> Structure:
    scale = values["bare_erected_cost"]
    choices = {name: rng.choice(of) for name, of in CHOICES.items()}
    weights = [rng.uniform(0, 1) for _ in range(rng.randint(1, 4))]
    shares = rng.choice([(1.0,), (0.7, 0.3), (0.5, 0.2)])
    assets = []
    for n, share in enumerate(shares):
        method = rng.choice(METHODS)
        table = (0.5, 0.3, 0.2) if method == "custom" else None
        assets.append(AssetClass(f"class {n}", method, share, table))
    return Structure(
        conventions=Conventions(**choices),  # type: ignore[arg-type]
        assets=tuple(assets),
        schedule=tuple(weight / sum(weights) for weight in weights),
        # the last year, the first, and one that the plant does not see
        replacements={life: 0.05 * scale, 1: 0.03 * scale, life + 1: scale},
        replacement_method=rng.choice([None, "straight_line_5", "macrs_3"]),
        periods=_periods(rng, life, values),
        off=frozenset(
            rng.sample(["V1", "V4", "V5", "V9", "F1", "F3"], rng.randint(0, 3))
        ),
    )


def _periods(
    rng: random.Random, life: int, values: dict[str, float]
) -> tuple[Period, ...]:
    """Up to three periods, of which no year has two values for one input."""
    names = rng.sample(sorted(YEARLY), 12)
    found = []
    for part in range(rng.randint(0, 3)):
        mine = {
            name: (
                min(values[name] * rng.uniform(0.3, 1.5), 0.5)
                if INPUTS[name].high == 1
                else values[name] * rng.uniform(0.3, 1.5)
            )
            for name in names[4 * part : 4 * part + 4]
        }
        if rng.random() < 0.5:
            mine["loan_rate"] = rng.uniform(0, 0.15)
        start = 1 + 7 * part  # apart, for the loan's rate stands in several
        found.append(Period(start, start + rng.randint(0, 6), mine))
    return tuple(found)

"""Plants drawn over the whole space of options, priced here and year by year."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.conventions import CHOICES
from flask_api.domains.price.model import PriceModel
from tests.domains.price.by_hand import cash_flow, net_present_value


def drawn(seed: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Inputs and structure of a plant that nobody chose."""
    rng = random.Random(seed)
    some = rng.uniform
    life = rng.choice([1, 2, 5, 12, 20, 40])
    weights = [some(0, 1) for _ in range(rng.randint(1, 4))]
    inputs: dict[str, float] = {
        "plant_lifetime": life,
        "bare_erected_cost": 10 ** some(3, 9),
        "number_of_units": 10 ** some(2, 7),
        "required_irr": rng.choice([0.0, 0.08, 0.3]),
        "inflation_rate": rng.choice([0.0, some(-0.05, 0.1)]),
        "loan_fraction": some(0, 1),
        "loan_rate": rng.choice([0.0, some(0.01, 0.2)]),
        "loan_years": rng.randint(1, 50),
        "state_tax_rate": some(0, 0.3),
        "federal_tax_rate": some(0, 0.5),
        "startup_months": rng.choice([0, 5, 12, 30.5]),
        "startup_sales_fraction": some(0.1, 1),
        "startup_variable_fraction": some(0, 1.5),
        "startup_fixed_fraction": some(0, 1.5),
        "operating_cost_fraction": some(0, 0.9),
        "replacement_factor": some(0.5, 2),
        "v1_quantity": some(0, 9),
        "v10_quantity": some(0, 9),
        "working_capital_fraction": some(0, 0.3),
    }
    scale = inputs["bare_erected_cost"]
    for name in ("epc", "process_contingency", "project_contingency"):
        inputs[name] = some(0, 0.4)
    for name in ("labor_cost", "fixed_cost", "owners_costs", "land_cost",
                 "startup_costs", "byproduct_revenue", "variable_cost",
                 "v1_unit_cost", "v10_unit_cost"):  # fmt: skip
        inputs[name] = scale * some(0, 0.1)
    inputs["selling_price"] = scale / inputs["number_of_units"] * some(0.1, 1)
    plant: dict[str, Any] = {key: rng.choice(of) for key, of in CHOICES.items()}
    plant |= {
        "schedule": [weight / sum(weights) for weight in weights],
        "depreciation": rng.choice(
            ["straight_line", "SL5", "MACRS3", "MACRS7", "as_income_allows"]
        ),
        # the last year, the first, and one that the plant does not see
        "replacements": {life: 0.05 * scale, 1: 0.03 * scale, life + 1: scale},
        "replacement_depreciation": rng.choice(["none", "SL5", "MACRS3"]),
    }
    return inputs, plant


def written(
    folder: Path, inputs: dict[str, float], plant: dict[str, Any]
) -> PriceModel:
    """The plant as a file of the catalogue, loaded."""
    chosen = {key: str(plant[key]).lower() for key in CHOICES}
    lines = [
        "title: drawn",
        f"conventions: {{{', '.join(f'{k}: {v}' for k, v in chosen.items())}}}",
        f"construction_schedule: {plant['schedule']}",
        f"depreciation: {plant['depreciation']}",
        f"replacements: {plant['replacements']}",
        f"replacement_depreciation: {plant['replacement_depreciation']}",
        "inputs:",
        *(f"  {name}: {value!r}" for name, value in inputs.items()),
    ]
    (folder / "drawn.yaml").write_text("\n".join(lines), encoding="utf-8")
    return load("drawn", models_dir=str(folder))


@pytest.mark.parametrize("seed", range(40))
def test_a_drawn_plant_is_priced_as_by_hand(seed: int, tmp_path: Path) -> None:
    inputs, plant = drawn(seed)
    model = written(tmp_path, inputs, plant)
    values, rate = model.baseline(), inputs["required_irr"]
    by_hand = cash_flow(values, plant, inputs["selling_price"])
    scale = math.fsum(abs(cash) * (1 + rate) ** -year for year, cash in by_hand)
    table = model.cash_flow_table(inputs["selling_price"])
    assert table["year"] == [year for year, _ in by_hand]
    assert table["cash_flow"] == pytest.approx(
        [c for _, c in by_hand], abs=1e-12 * scale
    )
    found = model.evaluate({}, ("price", "npv", "irr"))
    price, npv, irr = (float(found[name][0]) for name in ("price", "npv", "irr"))
    assert npv == pytest.approx(net_present_value(by_hand, rate), abs=1e-11 * scale)
    # around the solved price NPV changes its sign
    for side in (-1e-9, 1e-9):
        worth = net_present_value(cash_flow(values, plant, price * (1 + side)), rate)
        assert worth * side * price > 0
    if np.isfinite(irr):
        sides = [net_present_value(by_hand, irr + step) for step in (-1e-9, 1e-9)]
        assert sides[0] > 0 > sides[1]

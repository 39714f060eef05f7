"""ProFAST's solve_price on a plant that its model and ours both can say.

It knows no ramp-up by months, no schedule of construction, no level payments and no
working capital by fraction. So this plant is built in a year, runs in full from its
first day, pays interest for 30 years and then its loan, and holds no working capital:
the base case of `plant.py` otherwise.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Names of the inputs that vary.
VARIED = (
    "bare_erected_cost",
    "number_of_units",
    "required_irr",
    "federal_tax_rate",
    "variable_cost",
    "fixed_cost",
    "loan_rate",
    "loan_fraction",
)

#: The plant as a model file of ours.
MODEL = """
title: a plant for ProFAST
conventions: {loan_repayment: bullet, construction_interest: none}
construction_schedule: [1]
depreciation: MACRS7
inputs:
  plant_lifetime: 30
  bare_erected_cost: 232000000
  number_of_units: 61000000
  selling_price: 2.15
  required_irr: 0.1
  federal_tax_rate: 0.35
  variable_cost: 70000000
  fixed_cost: 10000000
  byproduct_revenue: 6600000
  loan_fraction: 0.6
  loan_rate: 0.08
  loan_years: 30
"""

#: The same for ProFAST: what it has beyond is switched off.
_FIXED: dict[str, Any] = {
    "commodity": {"name": "product", "unit": "kg", "initial price": 1, "escalation": 0},
    "long term utilization": 1,
    "demand rampup": 0,
    "analysis start year": 2025,
    "operating life": 30,
    "installation months": 0,
    "TOPC": {
        "unit price": 0, "decay": 0, "support utilization": 0, "sunset years": 0,
    },
    "annual operating incentive": {
        "value": 0, "decay": 0, "sunset years": 0, "taxable": False,
    },
    "incidental revenue": {"value": 6_600_000, "escalation": 0},
    "credit card fees": 0,
    "sales tax": 0,
    "road tax": {"value": 0, "escalation": 0},
    "labor": {"value": 0, "rate": 0, "escalation": 0},
    "maintenance": {"value": 0, "escalation": 0},
    "rent": {"value": 0, "escalation": 0},
    "license and permit": {"value": 0, "escalation": 0},
    "non depr assets": 0,
    "end of proj sale non depr assets": 0,
    "installation cost": {
        "value": 0, "depr type": "Straight line", "depr period": 4,
        "depreciable": False,
    },
    "one time cap inct": {
        "value": 0, "depr type": "MACRS", "depr period": 5, "depreciable": False,
    },
    "property tax and insurance": 0,
    "admin expense": 0,
    "tax loss carry forward years": 100,
    "capital gains tax rate": 0,
    "tax losses monetized": False,
    "sell undepreciated cap": False,
    "loan period if used": 0,
    "debt type": "Revolving debt",
    "cash onhand": 0,
    "general inflation rate": 0,
}  # fmt: skip


class ProFast:
    """ProFAST with the plant, whose numbers are then changed row by row."""

    def __init__(self) -> None:
        import ProFAST

        self._plant: Any = ProFAST.ProFAST("blank")
        for name, value in _FIXED.items():
            self._plant.set_params(name, value)
        self._plant.add_feedstock("feed", 1, "kg", 1, 0)
        self._plant.add_fixed_cost("fixed", 1, "$", 1, 0)
        self._plant.add_capital_item("plant", 1, "MACRS", 7, [0])

    def solve(self, row: Mapping[str, float]) -> float:
        """The price of a plant."""
        units, borrowed = row["number_of_units"], row["loan_fraction"]
        for name, value in (
            ("capacity", units / 365),
            ("debt equity ratio of initial financing", borrowed / (1 - borrowed)),
            ("debt interest rate", row["loan_rate"]),
            ("total income tax rate", row["federal_tax_rate"]),
            ("leverage after tax nominal discount rate", row["required_irr"]),
        ):
            self._plant.set_params(name, value)
        self._plant.edit_feedstock("feed", {"cost": row["variable_cost"] / units})
        self._plant.edit_fixed_cost("fixed", {"cost": row["fixed_cost"]})
        self._plant.edit_capital_item("plant", {"cost": row["bare_erected_cost"]})
        return float(self._plant.solve_price()["price"])

    def ns(self, varied: Mapping[str, Floats], n: int) -> tuple[float, Floats]:
        """Nanoseconds of processor time a price of the first `n` rows, and those."""
        plants = [{k: float(v[i]) for k, v in varied.items()} for i in range(n)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs, of pandas and numpy
            self.solve(plants[0])
            began = time.process_time()
            prices = np.array([self.solve(row) for row in plants])
            return 1e9 * (time.process_time() - began) / n, prices

"""BioSTEAM's TEA.solve_price on rows of its base case, for bench_price_solve.py.

Runs under a Python that has BioSTEAM (3.12 or later), where nothing of ours can be
imported. Reads a line of plants as JSON, answers a line of seconds and prices.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import biosteam  # type: ignore[import-not-found,unused-ignore]

#: What we call it -> what BioSTEAM calls it.
NAMES = {
    "required_irr": "IRR",
    "federal_tax_rate": "income_tax",
    "working_capital_fraction": "WC_over_FCI",
    "loan_fraction": "finance_fraction",
}

#: The plant as it is.
BASE = {
    "bare_erected_cost": 232e6,
    "number_of_units": 61e6,
    "variable_cost": 70e6,
    "fixed_cost": 10e6,
    "required_irr": 0.1,
    "federal_tax_rate": 0.35,
    "working_capital_fraction": 0.05,
    "loan_fraction": 0.6,
}


class System:
    """The few numbers of a plant that a TEA asks its system for."""

    def __init__(self) -> None:
        self.units: list[Any] = []
        self.cost_units: list[Any] = []
        self.feeds: list[Any] = []
        self.products = ["product"]
        self.installed_equipment_cost = BASE["bare_erected_cost"]
        self.operating_hours = 8000.0
        self.material_cost = BASE["variable_cost"]
        self.utility_cost = 0.0
        self.fixed_cost = BASE["fixed_cost"]
        self.sold = BASE["number_of_units"]
        self.sales = 6.6e6  # of by-products: the product's own price is 0

    def get_installed_equipment_cost(self) -> float:
        return self.installed_equipment_cost

    def _price2cost(self, stream: str) -> float:
        return self.sold

    def get_market_value(self, stream: str) -> float:
        return 0.0


class Economics(biosteam.TEA):  # type: ignore[misc,unused-ignore]
    def _DPI(self, installed: float) -> float:
        return installed

    def _TDC(self, depreciable: float) -> float:
        return depreciable

    def _FCI(self, capital: float) -> float:
        return capital

    def _FOC(self, capital: float) -> float:
        return float(self.system.fixed_cost)


def plant() -> Economics:
    """The NREL-like base case."""
    return Economics(
        System(),
        IRR=0.1,
        duration=(2007, 2037),
        depreciation="MACRS7",
        income_tax=0.35,
        operating_days=350,
        lang_factor=None,
        construction_schedule=(0.08, 0.6, 0.32),
        startup_months=3,
        startup_FOCfrac=1.0,
        startup_VOCfrac=0.75,
        startup_salesfrac=0.5,
        WC_over_FCI=0.05,
        finance_interest=0.08,
        finance_years=10,
        finance_fraction=0.6,
    )


def solve(tea: Any, row: dict[str, float]) -> float:
    system = tea.system
    system.installed_equipment_cost = row["bare_erected_cost"]
    system.sold = row["number_of_units"]
    system.material_cost = row["variable_cost"]
    system.fixed_cost = row["fixed_cost"]
    for ours, theirs in NAMES.items():
        setattr(tea, theirs, row[ours])
    return float(tea.solve_price(system.products))


def main() -> None:
    tea = plant()
    solve(tea, BASE)  # compiles what BioSTEAM leaves to numba
    print(json.dumps({"version": f"BioSTEAM {biosteam.__version__}"}), flush=True)
    for line in sys.stdin:
        rows = json.loads(line)
        began = time.process_time()
        prices = [solve(tea, row) for row in rows]
        seconds = time.process_time() - began
        print(json.dumps({"seconds": seconds, "prices": prices}), flush=True)


if __name__ == "__main__":
    main()

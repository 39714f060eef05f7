"""The plants and inputs that the benchmarks vary, so that all mean the same."""

from __future__ import annotations

from typing import Any

#: Ten inputs of version 1, with what a Monte Carlo draws each from.
TEN_INPUTS: dict[str, dict[str, Any]] = {
    "bare_erected_cost": {"kind": "normal", "mean": 200_000, "std": 20_000},
    "number_of_units": {
        "kind": "triangular",
        "low": 24_000,
        "mode": 30_000,
        "high": 36_000,
    },
    "required_irr": {"kind": "uniform", "low": 0.04, "high": 0.06},
    "federal_tax_rate": {"kind": "uniform", "low": 0.168, "high": 0.252},
    "state_tax_rate": {"kind": "uniform", "low": 0.04, "high": 0.06},
    "raw_material_cost": {"kind": "lognormal", "mean": 10_000, "std": 1_500},
    "labor_cost": {"kind": "normal", "mean": 24_000, "std": 2_400},
    "utility_cost": {"kind": "lognormal", "mean": 5_000, "std": 750},
    "maintenance_cost": {
        "kind": "triangular",
        "low": 2_000,
        "mode": 2_500,
        "high": 3_000,
    },
    "insurance_cost": {"kind": "uniform", "low": 400, "high": 600},
}

#: Eight inputs of corn-stover ethanol.
EIGHT_INPUTS = (
    "bare_erected_cost",
    "number_of_units",
    "required_irr",
    "federal_tax_rate",
    "variable_cost",
    "fixed_cost",
    "working_capital_fraction",
    "loan_fraction",
)

#: BioSTEAM's base case, as a model file of ours.
BASE_CASE = """
title: NREL-like base case
preset: biosteam
construction_schedule: [0.08, 0.6, 0.32]
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
  startup_months: 3
  startup_sales_fraction: 0.5
  startup_variable_fraction: 0.75
  startup_fixed_fraction: 1
  working_capital_fraction: 0.05
  loan_fraction: 0.6
  loan_rate: 0.08
  loan_years: 10
"""


def monte_carlo(iterations: int, seed: int = 1) -> dict[str, Any]:
    """The body of a Monte Carlo over the ten inputs."""
    return {
        "version": 1,
        "parameters": [
            {"id": name, "distribution": shape} for name, shape in TEN_INPUTS.items()
        ],
        "iterations": iterations,
        "config": {"seed": seed},
    }

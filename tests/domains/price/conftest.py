"""Plants for the tests: files of the catalogue's own format, in a temporary folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.model import PriceModel

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def tea_cases() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(
        (DATA / "tea_cases.json").read_text(encoding="utf-8")
    )["cases"]
    return cases


@pytest.fixture(scope="session")
def corn_stover() -> dict[str, Any]:
    text = (DATA / "cornstover_ethanol.json").read_text(encoding="utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


@pytest.fixture
def tea_model(tmp_path: Path) -> Callable[..., PriceModel]:
    """A model file that says what a case of `tea_cases.json` says, loaded."""

    def build(case: dict[str, Any], **conventions: str) -> PriceModel:
        given = case["inputs"]
        (tmp_path / "case.yaml").write_text(_as_yaml(given), encoding="utf-8")
        if given["accumulate_interest_during_construction"]:
            conventions = {"construction_interest": "capitalised", **conventions}
        return load("case", overrides=conventions, models_dir=str(tmp_path))

    return build


def _as_yaml(given: dict[str, Any]) -> str:
    depreciable = given["installed_equipment_cost"] * given["TDC_over_installed"]
    first, end = given["duration"]
    return f"""
title: a case
preset: biosteam
construction_schedule: {given["construction_schedule"]}
depreciation:
  plant: {{method: {given["depreciation"]}, amount: {depreciable!r}}}
inputs:
  plant_lifetime: {end - first}
  bare_erected_cost: {depreciable * given["FCI_over_TDC"]!r}
  number_of_units: {given["product_units_per_year"]!r}
  selling_price: {given["product_price"]!r}
  required_irr: {given["IRR"]!r}
  federal_tax_rate: {given["income_tax"]!r}
  variable_cost: {given["material_cost"] + given["utility_cost"]!r}
  fixed_cost: {given["fixed_operating_cost"]!r}
  byproduct_revenue: {given["byproduct_sales"]!r}
  startup_months: {given["startup_months"]}
  startup_sales_fraction: {given["startup_salesfrac"]!r}
  startup_variable_fraction: {given["startup_VOCfrac"]!r}
  startup_fixed_fraction: {given["startup_FOCfrac"]!r}
  working_capital_fraction: {given["WC_over_FCI"]!r}
  loan_fraction: {given["finance_fraction"]!r}
  loan_rate: {given["finance_interest"]!r}
  loan_years: {given["finance_years"]}
"""

"""Levelised cost: ATB's own figures, closed forms, and the price of a plain plant."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_api.domains.price.calculation import depreciation
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.measures import lcoe
from flask_api.numerics.errors import InputError


def test_the_cost_of_capital_is_the_one_the_atb_publishes() -> None:
    # ATB 2024, biopower, R&D case: real weighted cost of capital
    assert lcoe.weighted_cost_of_capital(
        debt_fraction=0.698044524263475,
        interest_rate=0.08,
        return_on_equity=0.11,
        tax_rate=0.2574,
        inflation_rate=0.025,
    ) == pytest.approx(0.04847271358874372, rel=1e-13)


@pytest.mark.parametrize("rate", [-0.02, 1e-9, 0.05, 0.3])
def test_the_recovery_factor_pays_a_dollar_back(rate: float) -> None:
    payment = lcoe.capital_recovery_factor(rate, 30)
    worth = sum(payment / (1 + rate) ** year for year in range(1, 31))
    assert worth == pytest.approx(1, rel=1e-13)  # thirty roundings


def test_without_interest_a_dollar_is_paid_back_in_equal_parts() -> None:
    assert lcoe.capital_recovery_factor(0.0, 25) == pytest.approx(0.04, rel=1e-15)
    assert lcoe.capital_recovery_factor(1e-14, 25) == pytest.approx(0.04, rel=1e-12)


def test_macrs_5_at_ten_percent_is_worth_77_cents() -> None:
    by_hand = 0.2 / 1.1 + 0.32 / 1.21 + 0.192 / 1.331 + 0.1152 / 1.4641
    by_hand += 0.1152 / 1.61051 + 0.0576 / 1.771561
    value = lcoe.present_value_of_depreciation(depreciation.macrs(5).tolist(), 0.1)
    assert value == pytest.approx(by_hand, rel=1e-14)
    assert value == pytest.approx(0.7733, abs=5e-5)


def test_what_is_written_off_at_once_needs_no_more_than_its_cost() -> None:
    assert lcoe.project_finance_factor(0.4, 1.0) == pytest.approx(1, rel=1e-15)
    assert lcoe.project_finance_factor(0.0, 0.3) == 1
    assert lcoe.project_finance_factor(0.4, 0.0) == pytest.approx(1 / 0.6, rel=1e-15)


def test_at_a_rate_below_0_write_offs_are_worth_more_than_they_cost() -> None:
    worth = lcoe.present_value_of_depreciation([0.5, 0.5], -0.1)
    assert worth == pytest.approx(0.5 / 0.9 + 0.5 / 0.81, rel=1e-15)
    factor = lcoe.project_finance_factor(0.4, worth)
    assert factor * 0.6 + 0.4 * worth == pytest.approx(1, rel=1e-15)


def test_an_investment_credit_comes_back_and_halves_the_write_off() -> None:
    tax, worth, credit = 0.257, 0.8, 0.3
    factor = lcoe.project_finance_factor(tax, worth, credit)
    # earned before tax, less tax on it, plus shield and credit, pays for the dollar
    assert factor * (1 - tax) + tax * worth * 0.85 + credit == pytest.approx(1)


def test_interest_in_construction_runs_from_the_middle_of_each_year() -> None:
    factor = lcoe.construction_finance_factor([0.8, 0.2], 0.08, 0.25)
    first = 1 + 0.75 * (1.08**1.5 - 1)
    assert factor == pytest.approx(
        0.8 * first + 0.2 * (1 + 0.75 * (1.08**0.5 - 1)), rel=1e-14
    )
    assert lcoe.construction_finance_factor([1.0], 0.0, 0.25) == 1


@pytest.mark.parametrize("inflation", [0.0, 0.025])
@pytest.mark.parametrize(
    ("method", "share"), [("straight_line", 1.0), ("macrs_5", 0.2), ("SYD10", 0.4)]
)
def test_the_levelised_cost_of_a_plain_plant_is_its_solved_price(
    method: str, share: float, inflation: float, tmp_path: Path
) -> None:
    """No loan, each year like the other, and no losses, as little is written off."""
    real, years, tax = 0.07, 25, 0.3
    nominal = (1 + real) * (1 + inflation) - 1
    (tmp_path / "plain.yaml").write_text(
        f"""
title: a plain plant
construction_schedule: [1.0]
depreciation: {{plant: {{method: {method}, share: {share}}}}}
inputs:
  plant_lifetime: {years}
  bare_erected_cost: 1000000
  number_of_units: 50000
  selling_price: 4
  required_irr: {nominal!r}
  federal_tax_rate: {tax}
  inflation_rate: {inflation}
  variable_cost: 60000
  fixed_cost: 45000
""",
        encoding="utf-8",
    )
    shares = depreciation.shares(depreciation.method_name(method), years).tolist()
    worth = share * lcoe.present_value_of_depreciation(shares, nominal)
    charge = lcoe.fixed_charge_rate(real, years, tax, worth)
    ours = load("plain", models_dir=str(tmp_path)).solved_price()
    theirs = lcoe.levelised_cost(charge, 1e6, 45000, 50000, cost_per_unit=1.2)
    assert theirs == pytest.approx(ours, rel=1e-12)  # some hundred roundings
    assert lcoe.levelised_cost(charge, 1e6, 45000, 50000, 1.2, 0.5) == theirs - 0.5


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: lcoe.capital_recovery_factor(-1.0, 20), "rate"),
        (lambda: lcoe.capital_recovery_factor(float("nan"), 20), "rate"),
        (lambda: lcoe.capital_recovery_factor(0.1, 0), "years"),
        (lambda: lcoe.project_finance_factor(1.0, 0.5), "tax_rate"),
        (lambda: lcoe.project_finance_factor(0.2, -0.5), "pv_depreciation"),
        (lambda: lcoe.project_finance_factor(0.2, 0.5, -0.1), "investment_credit"),
        (lambda: lcoe.construction_finance_factor([0.5, 0.4], 0.1, 0.2), "schedule"),
        (lambda: lcoe.construction_finance_factor([], 0.1, 0.2), "schedule"),
        (lambda: lcoe.construction_finance_factor([1.2, -0.2], 0.1, 0.2), "schedule"),
        (lambda: lcoe.levelised_cost(0.1, 1e6, 1e4, 0), "units"),
        (lambda: lcoe.weighted_cost_of_capital(1.5, 0.1, 0.1, 0.2), "debt_fraction"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, field: str) -> None:
    with pytest.raises(InputError, match=field.replace("_", ".")) as caught:
        call()
    assert caught.value.field == field

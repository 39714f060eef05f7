"""What a price is made of, and the figures beside it, for plants of all kinds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from flask_api.domains.price import report
from flask_api.domains.price.calculation.cash_flow import COLUMNS
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.measures.levelised import levelised_cost
from flask_api.domains.price.model import ModelInput, Period, PriceModel
from tests.domains.price.drawn_plants import drawn


def with_inputs(model: PriceModel, **values: float) -> PriceModel:
    inputs = dict(model.inputs)
    for name, value in values.items():
        inputs[name] = ModelInput(name, value, INPUTS[name].unit, INPUTS[name].label)
    return replace(model, inputs=inputs)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("solves", ["price", "npv"])
def test_the_parts_of_a_price_add_up_to_it(seed: int, solves: str) -> None:
    model = drawn(seed)
    model = replace(model, structure=replace(model.structure, solves=solves))
    price = model.solved_price()
    parts = report.cost_breakdown(model, model.cash_flow_table())
    numbers = [part for part in parts.values() if part is not None]
    size = math.fsum(abs(number) for number in numbers)
    assert len(numbers) == len(parts)
    assert math.fsum(numbers) == pytest.approx(price, abs=1e-9 * size)


@pytest.mark.parametrize("seed", range(40))
def test_every_figure_of_a_solved_plant_is_defined(seed: int) -> None:
    model = drawn(seed)
    price = model.solved_price()
    found = report.economics(model, model.cash_flow_table(), price)
    assert math.isfinite(found["cumulative_npv"])
    assert all(
        value is not None
        for name, value in found.items()
        if not name.endswith("payback_years") and name != "levelised_cost"
    )
    if math.isfinite(found["irr_at_base_price"]):
        nearest = min(
            abs(r - found["irr_at_base_price"]) for r in found["irr_all_roots"]
        )
        assert nearest < 1e-9


def test_a_model_that_solves_no_price_tells_its_npv_at_the_selling_price() -> None:
    model = load("1")
    model = replace(model, structure=replace(model.structure, solves="npv"))
    assert model.solved_price() == 2.0
    found = report.economics(model, model.cash_flow_table(), 2.0)
    # 0.00579 $ too cheap, after tax, on 30,000 units over 20 years at 5 %
    annuity = (1 - 1.05**-20) / 0.05
    short = (2 - load("1").solved_price()) * 30_000 * (1 - 0.26) * annuity
    assert found["cumulative_npv"] == pytest.approx(short, rel=1e-9)
    assert "selling price" in found["calculation_mode"]


def test_a_plant_that_sells_nothing_has_figures_but_no_unit_to_spread_them_over() -> (
    None
):
    model = with_inputs(load("1"), number_of_units=0.0)
    model = replace(model, structure=replace(model.structure, solves="npv"))
    table = model.cash_flow_table()
    found = report.economics(model, table, model.solved_price())
    assert found["average_selling_price"] is None
    assert found["payback_years"] is None
    assert found["irr_all_roots"] == []
    assert set(report.cost_breakdown(model, table).values()) == {None}


def test_money_paid_back_at_the_required_rate_takes_the_whole_life() -> None:
    # at the solved price, the discounted flow adds up to nothing in the last year
    table = load("1").cash_flow_table()
    assert report.payback_years(table, "discounted_cash_flow") == pytest.approx(20)
    # 200,000 $ from equal yearly flows of 200,000 / 12.46221
    assert report.payback_years(table) == pytest.approx(12.4622103, abs=1e-7)


def test_further_products_are_listed_at_their_multiple_of_the_price() -> None:
    model = with_inputs(
        load("1"), product_2_units=10_000.0, product_2_relative_price=0.5
    )
    model = replace(model, structure=replace(model.structure, products={2: "lignin"}))
    price = model.solved_price()
    # 10,000 units at half the price bring what 5,000 units bring
    assert price == pytest.approx(2.0057890737900124 * 30 / 35, rel=1e-12)
    second = report.products(model, price)[1]
    assert second == {"name": "lignin", "units": 10_000.0, "price": price / 2}
    table = model.cash_flow_table()
    assert report.average_selling_price(model, table) == pytest.approx(price)


def test_a_plant_whose_years_are_alike_costs_its_levelised_cost() -> None:
    # version 1: no loan, no losses, income the same each year; its one year of
    # construction is paid for at its end, where the formula counts from its middle
    model = with_inputs(load("1"), loan_rate=0.0)
    assert levelised_cost(model) == pytest.approx(model.solved_price(), rel=1e-12)
    credited = with_inputs(model, v4_quantity=100.0, v4_unit_cost=20.0)
    assert levelised_cost(credited) == pytest.approx(credited.solved_price(), rel=1e-12)
    half = replace(
        credited,
        structure=replace(
            credited.structure,
            periods=(Period(3, 20, {"number_of_units": 15_000.0, "labor_cost": 1e4}),),
            off=frozenset({"F1"}),
        ),
    )
    # income differs by year, but no year makes a loss
    assert levelised_cost(half) == pytest.approx(half.solved_price(), rel=1e-12)


def with_periods(model: PriceModel, *periods: Period) -> PriceModel:
    return replace(model, structure=replace(model.structure, periods=periods))


def test_years_that_differ_are_averaged_at_the_real_rate() -> None:
    # amounts grow with inflation: what is averaged is in money of one year
    inputs = {"inflation_rate": 0.03, "v4_quantity": 100.0, "v4_unit_cost": 20.0}
    model = with_inputs(load("1"), loan_rate=0.0, required_irr=0.2, **inputs)
    early, late = {"number_of_units": 25_000.0}, {"labor_cost": 15_000.0}
    for plant in (
        model,
        with_periods(model, Period(1, 5, early)),
        with_periods(model, Period(9, 20, late), Period(2, 4, early)),
    ):
        assert min(plant.cash_flow_table()["taxable_income"][1:]) > 0
        assert levelised_cost(plant) == pytest.approx(plant.solved_price(), rel=1e-12)


def test_costs_that_follow_revenue_take_their_part_of_by_products_too() -> None:
    model = load("1", overrides={"operating_cost": "fraction_of_revenue"})
    model = with_inputs(
        model,
        loan_rate=0.0,
        operating_cost_fraction=0.4,
        byproduct_revenue=9_000.0,
        rf1_revenue=2_000.0,
    )
    assert levelised_cost(model) == pytest.approx(model.solved_price(), rel=1e-12)


#: Version 1 without a loan: units a year, years, both taxes, capital, yearly cost.
PLAIN = (30_000, 20, 0.26, 200_000.0, 42_000.0)


def test_a_credit_that_leaves_the_basis_whole_may_shield_more_than_it_costs() -> None:
    credit = {"investment_credit": 0.3, "investment_credit_basis_reduction": 0.0}
    given = {**credit, "loan_rate": 0.0}
    model = load("1", overrides={**given, "depreciation_method": "MACRS5"})
    units, years, tax, capital, cost = PLAIN
    shares = (0.2, 0.32, 0.192, 0.1152, 0.1152, 0.0576)
    worth = sum(share / 1.05**year for year, share in enumerate(shares, start=1))
    yearly = 0.05 / (1 - 1.05**-years) * (1 - tax * worth - 0.3) / (1 - tax)
    by_hand = (yearly * capital + cost) / units
    assert levelised_cost(model) == pytest.approx(by_hand, rel=1e-13)


def test_a_nominal_rate_below_0_has_a_levelised_cost() -> None:
    money = {"inflation_rate": -0.03, "required_irr": 0.02, "loan_rate": 0.0}
    model = load("1", overrides={**money, "required_rate": "real"})
    units, years, tax, capital, cost = PLAIN
    nominal = 1.02 * 0.97
    worth = sum(1 / years / nominal**year for year in range(1, years + 1))
    assert worth > 1
    yearly = 0.02 / (1 - 1.02**-years) * (1 - tax * worth) / (1 - tax)
    by_hand = (yearly * capital + cost) / units
    assert levelised_cost(model) == pytest.approx(by_hand, rel=1e-13)


@pytest.mark.parametrize(
    "overrides",
    [
        {"investment_credit": 0.3, "investment_credit_basis_reduction": 0.0},
        {"investment_credit": 1.0, "investment_credit_basis_reduction": 0.0},
        {"required_irr": 0.0, "inflation_rate": -0.5, "required_rate": "real"},
        {"required_irr": 10.0, "inflation_rate": 10.0, "required_rate": "real"},
        {"loan_fraction": 1.0, "loan_rate": 10.0},
        {"state_tax_rate": 0.5, "federal_tax_rate": 0.499},
        {"startup_costs": 1e12},
    ],
)
def test_no_figure_beside_the_price_refuses_a_plant(
    overrides: dict[str, float | str],
) -> None:
    model = load("photovoltaic_utility", overrides=overrides)
    price = model.solved_price()
    found = report.economics(model, model.cash_flow_table(), price)
    assert math.isfinite(found["levelised_cost"])


def test_losses_still_to_be_used_are_told_with_their_sign() -> None:
    table = load("corn_stover_ethanol", overrides={"loss_years": 3}).cash_flow_table()
    assert min(table["forwarded_losses"]) < 0 >= max(table["forwarded_losses"])
    assert "<= 0" in COLUMNS["forwarded_losses"]
    assert min(table["expired_losses"]) >= 0
    assert ">= 0" in COLUMNS["expired_losses"]


def test_an_investment_credit_counts_at_the_start_in_the_levelised_cost() -> None:
    whole = with_inputs(load("1"), loan_rate=0.0, investment_credit_basis_reduction=0.0)
    at_start = with_inputs(whole, investment_credit=0.1)
    a_year_later = with_inputs(whole, investment_credit=0.105)  # at 5 %
    assert levelised_cost(at_start) == pytest.approx(
        a_year_later.solved_price(), rel=1e-12
    )


def test_inflation_leaves_a_real_levelised_cost_but_erodes_what_is_written_off() -> (
    None
):
    plain = with_inputs(load("1"), loan_rate=0.0)
    model = with_inputs(plain, inflation_rate=0.03)
    # nominal rate and inflated income: the same as the formula's real rate
    assert levelised_cost(model) == pytest.approx(model.solved_price(), rel=1e-12)


def test_years_after_the_target_sell_at_the_selling_price() -> None:
    model = with_inputs(load("1"), target_row=8.0, inflation_rate=0.02)
    price = model.solved_price()
    years = report.price_by_year(model, price)
    assert years[7]["price"] == pytest.approx(price * 1.02**8)
    assert years[8]["price"] == pytest.approx(2 * 1.02**9)
    table = model.cash_flow_table()
    assert table["price"][1:] == pytest.approx([year["price"] for year in years])
    assert table["cumulative_npv"][8] == pytest.approx(0, abs=1e-7)
    assert len(table["year"]) == 21


def test_units_of_a_period_count_in_its_years_only() -> None:
    model = load("1")
    period = Period(2, 3, {"number_of_units": 10_000.0})
    model = replace(model, structure=replace(model.structure, periods=(period,)))
    assert report.units_by_year(model)[:4] == [30_000, 10_000, 10_000, 30_000]

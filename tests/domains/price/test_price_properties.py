"""What must hold for every plant, tried on plants that hypothesis makes up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import process_time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_api.domains.price.calculation.depreciation import AssetClass
from flask_api.domains.price.calculation.rows import BLOCK
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.conventions import CHOICES, change, preset
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import ModelInput, PriceModel
from flask_api.numerics.errors import InputError, NoSolutionError

OPERATING_COSTS = (
    "raw_material_cost",
    "labor_cost",
    "variable_cost",
    "fixed_cost",
    "carbon_capture_cost",
    "land_cost",
    "startup_costs",
)
CAPITAL_COSTS = (
    "bare_erected_cost",
    "epc",
    "process_contingency",
    "working_capital_fraction",
    "owners_costs",
    "required_irr",
)
#: Money that a plant gets whatever it costs, for the more the dearer it is: without
#: these (and with not too large a loan) a dearer plant needs a higher price.
NO_GIFTS = {"investment_credit": 0.0, "salvage_fraction": 0.0, "loan_fraction": 0.3}
fraction = st.floats(0, 0.9)
dollars = st.floats(0, 1e5)
Values = dict[str, float | str]
plants = st.fixed_dictionaries(
    {
        "plant_lifetime": st.integers(3, 40).map(float),
        "construction_years": st.integers(1, 5).map(float),
        "loan_years": st.integers(1, 40).map(float),
        "bare_erected_cost": st.floats(1e4, 1e7),
        "number_of_units": st.floats(1e3, 1e6),
        "required_irr": st.floats(0, 0.4),
        "loan_fraction": st.sampled_from([0.0, 0.3, 1.0]),
        "loan_rate": st.floats(0, 0.2),
        "federal_tax_rate": st.floats(0, 0.6),
        "state_tax_rate": st.floats(0, 0.2),
        "inflation_rate": st.sampled_from([0.0, 0.03]),
        "startup_months": st.sampled_from([0.0, 3.0, 18.0]),
        "startup_sales_fraction": st.floats(0.1, 1),
        "startup_variable_fraction": fraction,
        "working_capital_fraction": st.floats(0, 0.3),
        "epc": fraction,
        "process_contingency": fraction,
        "variable_cost": dollars,
        "byproduct_revenue": dollars,
        "land_cost": dollars,
        "owners_costs": dollars,
        "rf1_revenue": dollars,
        "v4_quantity": st.sampled_from([0.0, 1e3]),
        "v4_unit_cost": st.floats(0, 85),
        "product_2_units": st.sampled_from([0.0, 1e4]),
        "target_row": st.sampled_from([0.0, 0.0, 2.0, 15.0]),
        "investment_credit": st.sampled_from([0.0, 0.3]),
        "salvage_fraction": st.sampled_from([0.0, 0.1]),
        "loss_limit": st.sampled_from([1.0, 0.8, 0.0]),
        "loss_years": st.sampled_from([100.0, 20.0, 2.0, 0.0]),
        "preset": st.sampled_from(["standard", "biosteam", "model_zone"]),
        **{
            name: st.sampled_from(CHOICES[name])
            for name in CHOICES
            if name not in ("operating_cost", "state_deductible")
        },
        "depreciation": st.sampled_from(
            ["straight_line", "straight_line_5", "macrs_7", "macrs_20"]
            + ["as_income_allows", "sum_of_years_digits_10"]
        ),
    }
)
# the model file is cached and read only, so examples can share the function's scope
tried = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def plant(values: Mapping[str, float | str | bool], **changes: float) -> PriceModel:
    """Version 1 with all that is given; also what no request may ask of it."""
    model = load("1")
    inputs, structure = dict(model.inputs), model.structure
    given = {**values, **changes}
    choice = preset(given.pop("preset", "model_zone"))
    method = str(given.pop("depreciation", "straight_line"))
    for name, value in given.items():
        if name in INPUTS:
            spec = INPUTS[name]
            inputs[name] = ModelInput(name, float(value), spec.unit, spec.label)
    choice = change(choice, {k: v for k, v in given.items() if k not in INPUTS})
    return replace(
        model,
        inputs=inputs,
        structure=replace(
            structure,
            conventions=choice,
            assets=(AssetClass("plant", method, 1.0),),
        ),
    )


@tried
@given(plants)
def test_net_present_value_at_the_solved_price_is_nothing(values: Values) -> None:
    model = plant(values)
    table = model.cash_flow_table()
    # the table is another path to NPV than the solver's sums
    turnover = np.abs(np.array(table["discounted_cash_flow"])).max()
    capital = model.capital_ladder()["total_capital"]
    last = table["year"].index(model.plan(model.baseline()).horizon)
    assert abs(table["cumulative_npv"][last]) <= 1e-9 * max(capital, turnover)


@tried
@given(plants, st.sampled_from(OPERATING_COSTS), st.floats(0.05, 0.5))
def test_the_price_rises_with_every_operating_cost(
    values: Values, cost: str, more: float
) -> None:
    dearer = plant(values).baseline()[cost] + more * 1e5
    before, after = plant(values).solved_price(), plant(values, **{cost: dearer})
    assert after.solved_price() >= before - 1e-9 * abs(before)


@tried
@given(plants, st.sampled_from(CAPITAL_COSTS), st.floats(0.05, 0.5))
def test_the_price_rises_with_every_cost_of_capital(
    values: Values, cost: str, more: float
) -> None:
    values |= NO_GIFTS | {
        "loan_repayment": "level_payment",
        "loan_deduction": "interest",
    }
    dearer = plant(values).baseline()[cost]
    dearer += more * (1e5 if INPUTS[cost].unit.startswith("$") else 1)
    before, after = plant(values).solved_price(), plant(values, **{cost: dearer})
    assert after.solved_price() >= before - 1e-9 * abs(before)


@tried
@given(plants, st.floats(1.01, 3))
def test_the_price_falls_as_more_is_sold(values: Values, factor: float) -> None:
    model = plant(values)
    before, base = model.solved_price(), model.baseline()
    more = {n: base[n] * factor for n in ("number_of_units", "product_2_units")}
    after = plant(values, **more).solved_price()
    assert after == pytest.approx(before / factor, rel=1e-9)


@tried
@given(plants, st.floats(0.01, 100))
def test_the_price_scales_with_the_currency(values: Values, factor: float) -> None:
    model = plant(values)
    money = {
        name: value * factor
        for name, value in model.baseline().items()
        if INPUTS[name].unit.startswith("$")
    }
    assert plant(values, **money).solved_price() == pytest.approx(
        model.solved_price() * factor, rel=1e-9, abs=1e-12
    )


@tried
@given(plants, st.integers(0, 2**32 - 1))
def test_a_row_of_an_array_costs_what_the_plant_costs_alone(
    values: Values, seed: int
) -> None:
    model, rng = plant(values), np.random.default_rng(seed)
    base = model.baseline()
    names = rng.choice(
        [name for name in base if isinstance(values.get(name), float)], 8, replace=False
    )
    varied = {
        name: np.clip(
            base[name] * rng.uniform(0.8, 1.2, 5), INPUTS[name].low, INPUTS[name].high
        )
        for name in names
    }
    for name in names:
        if INPUTS[name].integer:
            varied[name] = np.rint(varied[name])
    found = model.evaluate(varied, outputs=("price", "npv", "irr"))
    for row in range(5):
        alone = plant(values, **{name: varied[name][row] for name in names})
        one = alone.evaluate({}, outputs=("price", "npv", "irr"))
        table = alone.cash_flow_table(alone.baseline()["selling_price"])
        size = np.abs(np.array(table["discounted_cash_flow"])).max()
        assert found["price"][row] == pytest.approx(one["price"][0], rel=1e-9, abs=1e-9)
        assert found["npv"][row] == pytest.approx(one["npv"][0], abs=1e-9 * size)
        last = table["year"].index(alone.plan(alone.baseline()).horizon)
        assert one["npv"][0] == pytest.approx(
            table["cumulative_npv"][last], abs=1e-9 * size
        )
        if np.isfinite(one["irr"][0]):
            rate = 1 + one["irr"][0]
            worth = np.array(table["cash_flow"][: last + 1]) * rate ** -np.arange(
                last + 1
            )
            assert worth.sum() == pytest.approx(0, abs=1e-7 * np.abs(worth).max())


@pytest.mark.parametrize("interest", CHOICES["construction_interest"])
@pytest.mark.parametrize("repayment", CHOICES["loan_repayment"])
def test_rows_of_unlike_years_cost_what_each_plant_costs_alone(
    interest: str, repayment: str
) -> None:
    given: dict[str, float | str | bool] = {
        "construction_interest": interest,
        "loan_repayment": repayment,
        "loan_fraction": 0.5,
        "land_cost": 3e4,
        "federal_tax_rate": 0.3,
        "required_irr": 0.12,
        "v4_quantity": 100.0,
        "v4_unit_cost": 50.0,
    }
    rows = {
        # three rows of three years: an axis mistaken for another would show
        "plant_lifetime": [3, 3, 3, 8, 20],
        "loan_years": [1, 30, 2, 8, 7],
        "construction_years": [1, 4, 2, 20, 3],
        "target_row": [0, 2, 3, 0, 15],
        "loss_years": [0, 1, 2, 3, 100],
        "credit_45q_years": [0, 3, 100, 4, 12],
    }
    outputs = ("price", "npv", "irr")
    for names in (list(rows), *([name] for name in rows)):
        varied = {name: np.array(rows[name], dtype=float) for name in names}
        together = plant(given).evaluate(varied, outputs)
        for row in range(5):
            years = {name: float(rows[name][row]) for name in names}
            alone = plant(given, **years).evaluate({}, outputs)
            for name in outputs:
                # the order of a dozen sums may differ
                assert together[name][row] == pytest.approx(
                    alone[name][0], rel=1e-11, nan_ok=True
                )


def test_sixteen_thousand_plants_of_unlike_years_are_priced_within_a_breath() -> None:
    rng = np.random.default_rng(0)
    years = {
        "plant_lifetime": rng.uniform(10, 30, 16_384),
        "loan_years": rng.uniform(5, 30, 16_384),
        "construction_years": rng.uniform(1, 5, 16_384),
    }
    model = load("1", "loan")
    before = process_time()
    model.evaluate(years)
    # 0.03 s here; plant by plant it takes 0.7 s, and a stop would wait for it
    assert process_time() - before < 1.0


def test_a_price_of_nothing_bears_no_sign() -> None:
    names = ("S11", "S34", "S35", "S36", "S37", "S38")
    price = load("1", overrides=dict.fromkeys(names, 0)).evaluate({})["price"]
    assert str(price[0]) == "0.0"


def test_an_array_longer_than_a_block_is_priced_to_its_last_row() -> None:
    model = load("1")
    n = 2 * BLOCK + 7
    capital = np.linspace(1e5, 3e5, n)
    prices = model.evaluate({"S11": capital})["price"]
    last = load("1", overrides={"S11": capital[-1]}).solved_price()
    assert prices.shape == (n,)
    assert prices[-1] == pytest.approx(last, rel=1e-12)
    assert (np.diff(prices) > 0).all()


def test_impossible_rows_have_no_price_and_spoil_no_other() -> None:
    units = np.array([30000.0, 0.0, -5.0, np.nan, np.inf, 30000.0])
    life = np.array([20.0, 20.0, 20.0, 20.0, 20.0, 0.0])
    prices = load("1").evaluate({"number_of_units": units, "plant_lifetime": life})
    assert prices["price"][0] == pytest.approx(2.00579, abs=5e-6)
    assert np.isnan(prices["price"][1:]).all()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"number_of_units": 0.0}, "sells nothing"),
        ({"federal_tax_rate": 1.0, "state_tax_rate": 0.0}, "100%"),
        ({"federal_tax_rate": 0.97}, "102%"),
        (
            {"operating_cost": "fraction_of_revenue", "operating_cost_fraction": 1.0},
            "takes all revenue",
        ),
        (
            {"startup_months": 30.0, "startup_sales_fraction": 0.0, "target_row": 2.0},
            "until operating year 2",
        ),
        (
            {
                "plant_lifetime": 5.0,
                "startup_months": 60.0,
                "startup_sales_fraction": 0.0,
            },
            "ramp-up",
        ),
    ],
)
def test_a_plant_no_price_can_save_says_why(
    overrides: dict[str, float | str], reason: str
) -> None:
    for method in ("straight_line", "as_income_allows"):
        with pytest.raises(NoSolutionError, match=reason):
            plant({**overrides, "depreciation": method}).solved_price()


def test_operating_cost_as_a_fraction_of_revenue_needs_no_cost_lines() -> None:
    model = load("1", overrides={"S18": "True", "S14": 0.5})
    itemised = load(
        "1", overrides=dict.fromkeys(("S34", "S35", "S36", "S37", "S38"), 0.0)
    )
    assert model.solved_price() == pytest.approx(2 * itemised.solved_price())
    table = model.cash_flow_table()
    assert table["cumulative_npv"][-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("varied", "outputs", "field"),
    [
        ({"bare_erected": np.ones(2)}, ("price",), "varied.bare_erected"),
        ({"S11": np.ones((2, 2))}, ("price",), "varied.S11"),
        (
            {"S11": np.ones(2), "bECAmount11": np.ones(2)},
            ("price",),
            "varied.bECAmount11",
        ),
        ({"S11": np.ones(2), "S12": np.ones(3)}, ("price",), "varied"),
        ({"S11": np.ones(2)}, ("lcoe",), "outputs"),
    ],
)
def test_arrays_that_cannot_be_priced_are_refused_by_name(
    varied: dict[str, np.ndarray], outputs: tuple[str, ...], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        load("1").evaluate(varied, outputs)
    assert caught.value.field == field

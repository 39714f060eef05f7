"""Slopes of the solved price, judged by closed forms and by the solved price itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.conventions import CHOICES
from flask_api.domains.price.curvature import along, cross_effects
from flask_api.domains.price.derivatives import STEP, gradient, scale_of
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import Period, PriceModel
from flask_api.numerics.errors import InputError
from flask_api.numerics.richardson import slope, stencil

CONTINUOUS = [name for name, spec in INPUTS.items() if not spec.integer]
MONEY = [name for name in CONTINUOUS if INPUTS[name].unit.startswith("$")]
NOTHING = dict.fromkeys(
    ("raw_material_cost", "utility_cost", "maintenance_cost", "insurance_cost"), 0.0
)
NO_TAX = {"state_tax_rate": 0.0, "federal_tax_rate": 0.0}


def at_home(model: PriceModel, name: str) -> float:
    """dp/d(name) at the model's own values."""
    return float(gradient(model, [name])[1][name][0])


# -- closed forms ------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_the_price_of_a_plant_that_spends_what_it_sells_is_cost_over_units(
    rate: float,
) -> None:
    # at a kink of the tax in every year: income is 0, at a rate of 0 to the last bit
    free = {**NOTHING, "bare_erected_cost": 0.0, "required_irr": rate}
    model = load("1", overrides={**free, "S35": 512.0, "S12": 512.0, "S10": 4.0})
    price, slopes = gradient(model, ["labor_cost", "number_of_units"])
    assert price[0] == pytest.approx(1.0, rel=1e-15)
    # one-sided extrapolated differences there: exact to some 1e-10
    assert slopes["labor_cost"][0] == pytest.approx(1 / 512, rel=1e-9)
    assert slopes["number_of_units"][0] == pytest.approx(-1 / 512, rel=1e-9)


@pytest.mark.parametrize("cost", ["labor_cost", "S34", "fixed_cost", "variable_cost"])
def test_a_dollar_a_year_costs_each_unit_its_share(cost: str) -> None:
    # taxes are paid in every year, so cost and revenue are taxed alike
    assert at_home(load("1"), cost) == pytest.approx(1 / 30_000, rel=1e-13)


def annuity(rate: float, years: int) -> tuple[float, float]:
    """Yearly payment that clears a dollar, and its derivative by the rate."""
    left = (1 + rate) ** -years
    payment = rate / (1 - left)
    return payment, payment / rate - payment**2 / rate * years * left / (1 + rate)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_the_slope_by_the_required_rate_is_that_of_the_annuity(rate: float) -> None:
    model = load("1", overrides={**NO_TAX, "required_irr": rate})
    payment, by_rate = annuity(rate, 20)
    price, slopes = gradient(model, ["required_irr", "bare_erected_cost"])
    assert price[0] == pytest.approx((42_000 + 200_000 * payment) / 30_000, rel=1e-13)
    assert slopes["bare_erected_cost"][0] == pytest.approx(payment / 30_000, rel=1e-13)
    assert slopes["required_irr"][0] == pytest.approx(
        200_000 * by_rate / 30_000, rel=1e-12
    )


def test_the_slope_by_a_loan_rate_of_nothing_is_that_of_the_annuity() -> None:
    # d annuity / d rate at 0 is (n + 1) / 2n; the payments are worth an annuity more
    model = load(
        "1",
        overrides={**NO_TAX, "loan_fraction": 0.5, "loan_rate": 0.0, "loan_years": 20},
    )
    assert at_home(model, "loan_rate") == pytest.approx(
        100_000 * 21 / 40 / 30_000, rel=1e-12
    )


def test_the_slope_by_units_is_less_the_price_over_units() -> None:
    # price times units is constant where no cost follows the units
    units = np.linspace(20_000, 40_000, 9)
    found = along(load("1"), "number_of_units", units)
    assert found.first == pytest.approx(-found.price / units, rel=1e-12)
    assert (np.abs(found.second - 2 * found.price / units**2) <= found.error).all()
    assert (found.error <= 1e-9 * found.second).all()


@pytest.mark.parametrize("name", ["bare_erected_cost", "labor_cost", "land_cost"])
def test_what_the_price_is_linear_in_has_no_second_derivative(name: str) -> None:
    at = np.linspace(1e4, 3e4, 7)
    found = along(load("1"), name, at)
    assert not found.second.any()
    assert np.ptp(found.first) <= 1e-13 * found.first[0]  # some hundred roundings


def test_cross_effects_of_a_plant_without_tax_have_closed_forms() -> None:
    model = load("1", overrides=NO_TAX)
    payment, by_rate = annuity(0.05, 20)
    found = cross_effects(model, "S11", ["number_of_units", "required_irr", "S35"])
    # relative error of extrapolated differences: 1e-14 over the widest steps
    assert found["required_irr"] == pytest.approx(by_rate / 30_000, rel=1e-9)
    assert found["number_of_units"] == pytest.approx(-payment / 30_000**2, rel=1e-9)
    assert found["S35"] == 0


def test_money_that_waits_beside_the_price_moves_nothing() -> None:
    model = load("1")
    for name in (
        "selling_price",
        "operating_cost_fraction",
        "v1_quantity",
        "loan_rate",
    ):
        assert at_home(model, name) == 0


# -- whole years -------------------------------------------------------------------


def test_whole_years_have_the_difference_of_the_years_beside_them() -> None:
    model, years = load("1"), np.array([9.0, 10.0, 11.0])
    prices = model.evaluate({"plant_lifetime": years})["price"]
    found = along(model, "plant_lifetime", years[1:2])
    assert found.first[0] == (prices[2] - prices[0]) / 2
    assert found.second[0] == pytest.approx(prices[0] - 2 * prices[1] + prices[2])


def test_at_the_ends_of_whole_years_the_difference_is_one_sided() -> None:
    model, ends = load("1"), np.array([1.0, 100.0])
    prices = model.evaluate({"S10": np.array([1.0, 2.0, 3.0, 98.0, 99.0, 100.0])})
    p = prices["price"]
    found = along(model, "S10", ends)
    assert found.first.tolist() == [p[1] - p[0], p[5] - p[4]]
    assert found.second == pytest.approx(
        [p[0] - 2 * p[1] + p[2], p[3] - 2 * p[4] + p[5]], rel=1e-9
    )


def test_the_year_that_means_the_last_has_no_neighbours() -> None:
    found = along(load("1"), "target_row", np.array([0.0, 1.0, 2.0]))
    assert np.isfinite(found.price).all()
    assert np.isnan(found.first).tolist() == [True, False, False]
    assert found.first[1] == found.price[2] - found.price[1]


def test_the_slope_at_the_first_target_year_leaves_out_the_last_year() -> None:
    model = load("1", overrides={"target_row": 1})
    first, second = model.evaluate({"target_row": np.array([1.0, 2.0])})["price"]
    # year 0, which means year 20, would make half of their difference of it
    assert at_home(model, "target_row") == second - first


@pytest.mark.parametrize("cost", ["fixed_cost", "variable_cost", "v1_quantity"])
def test_a_kink_at_a_cost_of_nothing_is_seen_at_the_size_of_the_plant(
    cost: str,
) -> None:
    # a plant that spends what it sells, 2^38 $ a year: income is 0 to the last bit
    free = {**NOTHING, "bare_erected_cost": 0.0, "required_irr": 0.0}
    plant = {"S35": 2.0**38, "S12": 512.0, "S10": 4.0, "v1_unit_cost": 1.0}
    model = load("1", overrides={**free, **plant})
    # one-sided extrapolated differences: 1e-14 over the widest steps
    assert at_home(model, cost) == pytest.approx(1 / 512, rel=1e-9)
    found = along(model, cost, np.array([0.0]))
    assert found.first[0] == pytest.approx(1 / 512, rel=1e-9)


def test_slopes_of_rows_with_unlike_years_are_those_of_each_plant() -> None:
    rows = {
        "plant_lifetime": np.array([5.0, 20.0, 5.0, 33.0]),
        "construction_years": np.array([1.0, 2.0, 3.0, 1.0]),
        "federal_tax_rate": np.array([0.0, 0.1, 0.2, 0.3]),
    }
    names = ["bare_erected_cost", "required_irr", "plant_lifetime", "federal_tax_rate"]
    price, slopes = gradient(load("1"), names, rows)
    for row in range(4):
        one = {name: column[row] for name, column in rows.items()}
        alone, each = gradient(load("1", overrides=one), names)
        assert price[row] == pytest.approx(alone[0], rel=1e-12)
        for name in names:
            assert slopes[name][row] == pytest.approx(each[name][0], rel=1e-11)


# -- what must hold for every plant -------------------------------------------------


def random_plant(seed: int) -> PriceModel:
    """A plant of version 1 with every input and convention drawn, every other one with
    years of their own and slots switched off."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {
        name: float(rng.uniform(0, 0.2))
        for name, spec in INPUTS.items()
        if spec.unit == "fraction"
    }
    drawn |= {
        name: float(rng.uniform(0, 2e4))
        for name, spec in INPUTS.items()
        if spec.unit == "$/year" or name in ("land_cost", "owners_costs")
    }
    for n in range(1, 11):
        drawn[f"v{n}_quantity"] = drawn[f"r{n}_quantity"] = float(rng.uniform(0, 100))
        drawn[f"v{n}_unit_cost"] = drawn[f"r{n}_unit_price"] = float(rng.uniform(0, 20))
    for n in range(2, 6):
        drawn[f"product_{n}_units"] = float(rng.uniform(0, 9e3))
    life = rng.integers(4, 30)
    drawn |= {
        "plant_lifetime": float(life),
        "construction_years": float(rng.integers(1, 4)),
        "loan_years": float(rng.integers(1, life + 1)),
        "principal_proportion": 1 - drawn["interest_proportion"],
        "loss_years": float(rng.choice([0, 2, 5, 100])),
        "loss_limit": float(rng.choice([0.5, 0.8, 1.0])),
        "target_row": float(min(rng.choice([0, 0, 3, 12]), life)),
        "bare_erected_cost": float(rng.uniform(1e5, 1e6)),
        "number_of_units": float(rng.uniform(1e4, 1e5)),
        "required_irr": float(rng.uniform(0.01, 0.3)),
        "loan_rate": float(rng.uniform(0, 0.1)),
        "loan_fraction": float(rng.uniform(0, 0.9)),
        "inflation_rate": float(rng.choice([0.0, 0.03])),
        "startup_months": float(rng.choice([0.0, 5.0, 17.0])),
        "startup_sales_fraction": float(rng.uniform(0.2, 1)),
        "depreciation_method": str(
            rng.choice(["straight_line", "MACRS7", "MACRS20", "as_income_allows"])
        ),
    }
    drawn |= {
        name: choices[rng.integers(len(choices))] for name, choices in CHOICES.items()
    }
    model = load("1", overrides=drawn)
    if seed % 2 == 0:
        return model
    early = {"number_of_units": 9e3, "labor_cost": 7e3, "federal_tax_rate": 0.1}
    shape = replace(
        model.structure,
        periods=(Period(2, 3, early), Period(4, 4, {"v4_quantity": 900.0})),
        off=frozenset(("V3", "F1")),
        replacements={3: 4e4},
    )
    return replace(model, structure=shape)


PLANTS = range(30)


def test_slopes_are_those_of_the_solved_price() -> None:
    compared = 0
    for seed in PLANTS:
        model = random_plant(seed)
        base = model.baseline()
        price, slopes = gradient(model, CONTINUOUS)
        assert np.isfinite(price[0]), seed
        for name in CONTINUOUS:
            x, spec = np.array([base[name]]), INPUTS[name]
            size = scale_of(model, name, x)
            where = stencil(x, size, spec.low, spec.high)
            prices = model.evaluate({name: where.at.ravel()})["price"]
            value, error = slope(where, prices.reshape(where.at.shape))
            if error[0] < 1e-6 * abs(price[0]) / size[0]:  # else at a kink
                compared += 1
                # The solver stops within 2e-14, which the error doesn't know.
                assert abs(slopes[name][0] - value[0]) <= 10 * error[0], (seed, name)
    assert compared > 0.95 * len(CONTINUOUS) * len(PLANTS)


def test_elasticities_of_all_money_add_up_to_one() -> None:
    # Euler: the price is homogeneous of degree one in all amounts of money
    for seed in PLANTS[::2]:  # without amounts that only some years have
        model = random_plant(seed)
        base = model.baseline()
        price, slopes = gradient(model, MONEY)
        parts = [slopes[name][0] * base[name] / price[0] for name in MONEY]
        # rounding of a sum of 50 terms, some far larger than the sum
        assert sum(parts) == pytest.approx(1, abs=1e-12 * np.abs(parts).sum())


def test_cross_effects_are_the_same_both_ways_round() -> None:
    names = ["bare_erected_cost", "required_irr", "number_of_units", "federal_tax_rate"]
    names += ["labor_cost", "inflation_rate", "loan_rate", "plant_lifetime"]
    compared = 0
    for seed in range(8):
        model = random_plant(seed)
        base, price = model.baseline(), model.solved_price()
        mixed = {name: cross_effects(model, name, names) for name in names}
        for i, one in enumerate(names):
            for other in names[:i]:
                ways = mixed[one][other], mixed[other][one]
                if not np.isfinite(ways).all():
                    continue
                compared += 1
                size = abs(price) / max(base[one], 0.01) / max(base[other], 0.01)
                # the bound of error up to which a cross effect counts as known
                assert ways[0] == pytest.approx(ways[1], rel=2e-4, abs=1e-7 * size)
    assert compared > 200


def test_along_a_range_the_first_derivative_adds_up_to_the_price() -> None:
    for seed in range(6):
        rates = np.linspace(0.02, 0.3, 5001)
        price, slopes = gradient(random_plant(seed), ["S30"], {"S30": rates})
        rise = np.trapezoid(slopes["S30"], rates)
        # each of some 10 kinks jumps by a tenth of the slope within 1/5000 of the way
        assert price[-1] - price[0] == pytest.approx(rise, rel=10 * 0.1 / 5000)


# -- where there is none -------------------------------------------------------------


def test_where_npv_is_asked_for_only_the_selling_price_moves_the_price() -> None:
    model = load("1")
    given = replace(model, structure=replace(model.structure, solves="npv"))
    price, slopes = gradient(given, ["selling_price", "S11", "S10"])
    assert price[0] == 2.0
    assert [column[0] for column in slopes.values()] == [1.0, 0.0, 0.0]


def test_where_no_price_exists_there_is_no_slope() -> None:
    found = along(load("1"), "federal_tax_rate", np.array([0.5, 0.95, 1.0]))
    assert np.isnan(found.price).tolist() == [False, True, True]
    assert np.isnan(found.first).tolist() == [False, True, True]


def test_plants_beyond_all_numbers_have_no_slope_and_spoil_no_other() -> None:
    rows = {"S11": np.array([2e5, 1e308, 2e5]), "S12": np.array([3e4, 1e-300, 0.0])}
    price, slopes = gradient(load("1"), ["S11", "S12", "S30"], rows)
    assert np.isfinite(price).tolist() == [True, False, False]
    for name, column in slopes.items():
        assert column[0] == pytest.approx(at_home(load("1"), name), rel=1e-12)
        assert np.isnan(column[1:]).all()


def test_at_a_kink_the_slope_is_to_the_right_and_the_second_is_none() -> None:
    # sales that start up for 12 months: a day more reaches into the second year
    changes = {"startup_months": 12.0, "startup_sales_fraction": 0.5, **NO_TAX}
    model = load("1", overrides=changes)
    beside = model.evaluate({"startup_months": np.array([12.0, 12.0 + 1e-6])})["price"]
    found = along(model, "startup_months", np.array([12.0, 12.5]))
    # a forward difference over 1e-6: rounding 1e-16 / 1e-6
    assert found.first[0] == pytest.approx(np.diff(beside)[0] / 1e-6, rel=1e-5)
    assert np.isnan(found.second).tolist() == [True, False]


def test_unknown_and_fixed_inputs_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="labor_cost"):
        gradient(load("1"), ["labour_cost"])
    with pytest.raises(InputError, match="construction_schedule"):
        gradient(load("corn_stover_ethanol"), ["construction_years"])


def test_spellings_are_kept_as_given() -> None:
    _, slopes = gradient(load("1"), ["S11", "bECAmount11", "bare_erected_cost"])
    assert len(slopes) == 3 and len({column[0] for column in slopes.values()}) == 1


def test_the_step_is_so_small_that_its_square_is_lost() -> None:
    assert 1.0 + STEP**2 == 1.0 and STEP * 1e-20 > 0

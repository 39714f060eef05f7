"""Plants drawn over the whole space of options, priced here and year by year."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.calculation.cash_flow import COLUMNS
from flask_api.domains.price.calculation.flows import flows, npv_at, plain, years
from flask_api.domains.price.calculation.operation import worth_at
from flask_api.domains.price.calculation.solve import (
    net_present_value,
    required_price,
    required_price_by_year,
)
from flask_api.domains.price.inputs import INPUTS
from flask_api.domains.price.model import PriceModel
from tests.domains.price import by_hand
from tests.domains.price.drawn_plants import drawn

COUNT = 160


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_drawn_plant_is_priced_as_by_hand(seed: int) -> None:
    model = drawn(seed)
    values, structure = model.baseline(), model.structure
    selling = values["selling_price"]
    found = model.evaluate({}, ("price", "npv"))
    price, npv = float(found["price"][0]), float(found["npv"][0])
    close = 1e-12 * by_hand.turnover(values, structure, selling)
    assert npv == pytest.approx(
        by_hand.net_present_value(values, structure, selling), abs=close
    )
    assert price == pytest.approx(by_hand.solved_price(values, structure), rel=1e-9)
    assert npv_at(model.plan(values), values, selling, 1)[0] == pytest.approx(
        npv, abs=close
    )


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_drawn_plant_has_the_year_table_written_by_hand(seed: int) -> None:
    model = drawn(seed)
    values, structure = model.baseline(), model.structure
    for price in (None, values["selling_price"]):
        table = model.cash_flow_table(price)
        at = model.solved_price() if price is None else price
        want = by_hand.year_table(values, structure, at)
        close = 1e-12 * by_hand.turnover(values, structure, at)
        assert table["year"] == [row["year"] for row in want]
        for name in COLUMNS:
            for ours, row in zip(table[name], want, strict=True):
                if name in row:
                    assert ours == pytest.approx(row[name], rel=1e-9, abs=close), name


@pytest.mark.parametrize("seed", range(COUNT))
def test_npv_is_the_same_from_the_solver_and_from_the_table(seed: int) -> None:
    model = drawn(seed)
    values = model.baseline()
    table = model.cash_flow_table()
    last = table["year"].index(model.plan(values).horizon)
    size = np.abs(table["discounted_cash_flow"]).sum()
    assert table["cumulative_npv"][last] == pytest.approx(0, abs=1e-9 * size)
    sums = {name: np.array(column) for name, column in table.items()}
    # every dollar of every column is in the cash flow once
    cash = sums["revenue"] + sums["byproduct_revenue"] - sums["operating_cost"]
    cash += sums["salvage"] + sums["credits_used"] - sums["tax"]
    cash += sums["loan"] - sums["loan_payment"]
    cash -= np.where(sums["year"] < 1, sums["loan_interest"], 0.0)
    for name in ("fixed_capital", "working_capital", "land", "startup_costs"):
        cash -= sums[name]
    assert sums["cash_flow"] == pytest.approx(cash, abs=1e-9 * size)
    assert sums["taxed_income"].sum() <= np.maximum(sums["taxable_income"], 0).sum() + (
        1e-9 * size
    )


def freed(model: PriceModel) -> PriceModel:
    """The plant without the options that only the long way can take."""
    structure, inputs = model.structure, dict(model.inputs)
    for name, value in (("loss_limit", 1.0), ("loss_years", 100.0)):
        inputs[name] = replace(inputs[name], value=value)
    choice = structure.conventions
    if choice.loan_repayment == "revenue_share":
        choice = replace(choice, loan_repayment="bullet")
    return replace(
        model,
        inputs=inputs,
        structure=replace(
            structure,
            conventions=replace(choice, credit_use="refundable"),
            assets=tuple(
                replace(
                    asset, method=asset.method.replace("as_income_allows", "macrs_3")
                )
                for asset in structure.assets
            ),
            periods=tuple(
                replace(
                    period,
                    values={k: v for k, v in period.values.items() if "tax" not in k},
                )
                for period in structure.periods
            ),
        ),
    )


def test_the_short_and_the_long_way_find_one_price_and_npv() -> None:
    for seed in range(COUNT):
        model = freed(drawn(seed))
        values, plan, pattern, money = model.parts()
        assert plain(plan, values, money)
        sums = flows(plan, values, pattern, money, 1)
        by_year = years(plan, values, pattern, money, 1)
        with np.errstate(all="ignore"):  # as `evaluate` calls them
            short, long = required_price(sums), required_price_by_year(by_year)
        assert long == pytest.approx(short, rel=1e-12)
        at = np.array([values["selling_price"]])
        size = by_hand.turnover(values, model.structure, at[0])
        assert worth_at(by_year, at) == pytest.approx(
            net_present_value(sums, at * sums.per_price)[0], abs=1e-13 * size
        )


def test_an_imaginary_step_differentiates_npv_by_every_input() -> None:
    for seed in range(0, COUNT, 4):
        model = drawn(seed)
        values, structure = model.baseline(), model.structure
        price = values["selling_price"]
        plan, names = model.plan(values), [n for n, v in values.items() if v]
        whole = {n for n in names if INPUTS[n].integer}
        for name in sorted(set(names) - whole - {"startup_months"}):
            step = 1e-5 * values[name]
            sides = []
            for side in (-step, step):
                moved = {**values, name: values[name] + side}
                sides.append(by_hand.net_present_value(moved, structure, price))
            middle = by_hand.net_present_value(values, structure, price)
            left, right = (middle - sides[0]) / step, (sides[1] - middle) / step
            size = by_hand.turnover(values, structure, price) / values[name]
            if abs(right - left) > 1e-3 * size:
                continue  # a kink within the step
            shifted: dict[str, Any] = {
                **values,
                name: np.array([values[name] + 1e-30j]),
            }
            slope = npv_at(plan, shifted, price, 1).imag[0] / 1e-30
            # differences: a curvature of some hundred times 1e-5
            assert slope == pytest.approx((left + right) / 2, abs=2e-6 * size), name

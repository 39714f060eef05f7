"""Prices and year tables that others have published or computed independently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.model import PriceModel

#: Column here, columns there (MM$, summed), and columns here to subtract first.
PEER_COLUMNS = {
    "fixed_capital": "Fixed capital investment [MM$]",
    "working_capital": "Working capital [MM$]",
    "depreciation": "Depreciation [MM$]",
    "loan": "Loan [MM$]",
    "loan_interest": "Loan interest payment [MM$]",
    "loan_payment": "Loan payment [MM$]",
    "loan_balance": "Loan principal [MM$]",
    "operating_cost": "Annual operating cost (excluding depreciation) [MM$]",
    "tax": "Tax [MM$]",
    "taxed_income": "Taxed earnings [MM$]",
    "cash_flow": "Cash flow [MM$]",
    "discounted_cash_flow": "Net present value (NPV) [MM$]",
    "cumulative_npv": "Cumulative NPV [MM$]",
}


def assert_same_table(
    ours: Mapping[str, list[float]], theirs: Mapping[str, list[float]], *without: str
) -> None:
    """Every column to 1e-9 of its largest entry, or of 1 $ where all are 0."""
    for name, peer in PEER_COLUMNS.items():
        if name not in without:
            want = np.array(theirs[peer]) * 1e6
            close = 1e-9 * max(1.0, float(np.abs(want).max()))
            assert ours[name] == pytest.approx(want, abs=close), name
    sales = np.add(ours["revenue"], ours["byproduct_revenue"])
    want = np.array(theirs["Sales [MM$]"]) * 1e6
    assert sales == pytest.approx(want, rel=1e-9)
    net = np.subtract(ours["taxable_income"], ours["tax"])
    want = np.array(theirs["Net earnings [MM$]"]) * 1e6
    assert net == pytest.approx(want, rel=1e-9, abs=1e-9 * np.abs(want).max())
    # theirs are the losses brought into a year, ours those left after it
    want = np.array(theirs["Forwarded losses [MM$]"])[1:] * 1e6
    close = 1e-9 * max(1.0, float(np.abs(want).max()))
    assert ours["forwarded_losses"][:-1] == pytest.approx(want, abs=close)
    assert ours["discount_factor"] == pytest.approx(
        theirs["Discount factor"], rel=1e-13
    )


@pytest.mark.parametrize(
    ("extension", "rate", "price"),
    [
        (None, 0.05, 2.00579),
        ("as_income_allows", 0.05, 1.98243),
        ("loan", 0.05, 1.98131),
        (None, 0.2, 3.13294),
        ("as_income_allows", 0.2, 2.94721),
        ("loan", 0.2, 2.88008),
    ],
)
def test_version_1_costs_what_the_seeds_defaults_cost_when_rightly_discounted(
    extension: str | None, rate: float, price: float
) -> None:
    model = load("1", extension, {"required_irr": rate})
    assert model.solved_price() == pytest.approx(price, abs=5e-6)  # all digits given


def test_corn_stover_ethanol_costs_what_biosteam_says(
    corn_stover: dict[str, Any],
) -> None:
    price = load("corn_stover_ethanol").solved_price()
    assert price == pytest.approx(0.6876698815944846, rel=1e-12)
    per_gallon = price * corn_stover["inputs"]["kg_per_gallon"]
    assert per_gallon == pytest.approx(corn_stover["MESP_per_gal"], rel=1e-12)


def test_corn_stover_ethanol_has_biosteams_year_table(
    corn_stover: dict[str, Any],
) -> None:
    assert_same_table(
        load("corn_stover_ethanol").cash_flow_table(), corn_stover["table"]
    )


@pytest.mark.parametrize("number", range(14))
def test_a_plant_of_the_tea_cases_has_its_price_npv_irr_and_year_table(
    number: int,
    tea_cases: list[dict[str, Any]],
    tea_model: Callable[..., PriceModel],
) -> None:
    case = tea_cases[number]
    model, want = tea_model(case), case["outputs"]
    assert model.solved_price() == pytest.approx(
        want["min_selling_price_exact"], rel=1e-9
    )
    found = model.evaluate({}, outputs=("npv", "irr"))
    assert found["npv"][0] == pytest.approx(want["NPV_at_IRR"], rel=1e-9)
    # roots there were sought to 1e-9
    assert found["irr"][0] == pytest.approx(
        want["IRR_values_in_minus50_to_100pct"][0], abs=1e-8
    )
    # with capitalised interest that package prints a principal that it does not use
    whole = case["inputs"]["accumulate_interest_during_construction"]
    without = ("loan_interest", "loan_balance") if whole else ()
    table = model.cash_flow_table(case["inputs"]["product_price"])
    assert_same_table(table, case["cashflow_table"], *without)


@pytest.mark.parametrize(
    ("deduction", "interest", "price"),
    [
        ("whole_payment", "own_year", 1.6847490),
        ("whole_payment", "cumulative", 1.7035),
        ("interest", "own_year", 1.7172),
        ("interest", "cumulative", 1.7377),
    ],
)
def test_the_loan_conventions_move_the_base_case_as_known(
    deduction: str,
    interest: str,
    price: float,
    tea_cases: list[dict[str, Any]],
    tea_model: Callable[..., PriceModel],
) -> None:
    model = tea_model(
        tea_cases[0], loan_deduction=deduction, construction_interest=interest
    )
    assert model.solved_price() == pytest.approx(price, abs=5e-5)  # digits given

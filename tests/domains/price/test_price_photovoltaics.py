"""Photovoltaics: NREL's formula and published figure, and plain Python."""

from __future__ import annotations

import pytest

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.measures import lcoe
from flask_api.domains.price.measures.levelised import levelised_cost
from tests.doc_pages import text_of
from tests.domains.price.plants_by_hand import (
    MACRS_5,
    bisected,
    tax_after_losses,
    told,
)

ATB_LCOE = 49.01519420440529  # $/MWh, as published
CAPEX, MWH, FIXED = 161_090_466.44782707, 231_473.64899173, 2_221_880.245374066
WACC, INFLATION, TAX = 0.06013438561862064, 0.025, 0.2574
REAL = (1 + WACC) / (1 + INFLATION) - 1


def levelised_by_formula(
    shares: list[float], credit: float = 0, paid_after: int = 0
) -> float:
    """NREL's levelised cost, $/MWh: no year waits to use a loss.

    shares       of the depreciable capital written off in each year
    credit       investment credit; half of it may not be depreciated
    paid_after   years until it is paid; NREL: 0
    """
    pvd = sum(x * (1 + WACC) ** -year for year, x in enumerate(shares, start=1))
    worth = credit * (1 + WACC) ** -paid_after
    finance = (1 - TAX * pvd * (1 - credit / 2) - worth) / (1 - TAX)
    recovery = REAL / (1 - (1 + REAL) ** -30)
    return (CAPEX * recovery * finance + FIXED) / MWH


def photovoltaics_by_hand(credit: float = 0, loss_a_year: float = 0) -> float:
    """$/MWh, year by year, losses carried forward."""

    def worth(price: float) -> float:
        basis = CAPEX * (1 - credit / 2)
        written_off = [basis * x / 100 for x in MACRS_5] + [0] * 24
        margins = [
            (price * MWH * (1 - loss_a_year) ** (year - 1) - FIXED)
            * (1 + INFLATION) ** year
            for year in range(1, 31)
        ]
        incomes = [m - x for m, x in zip(margins, written_off, strict=True)]
        cash = [
            m - t for m, t in zip(margins, tax_after_losses(incomes, TAX), strict=True)
        ]
        cash[0] += credit * CAPEX
        return sum(c * (1 + WACC) ** -y for y, c in enumerate(cash, 1)) - CAPEX

    return bisected(worth, 1000)


def test_nrels_formula_gives_the_published_levelised_cost() -> None:
    macrs = [x / 100 for x in MACRS_5]
    # the capacity factor has 16 digits, the sum of MACRS's six years 15
    assert levelised_by_formula(macrs) == pytest.approx(ATB_LCOE, rel=1e-13)


@pytest.mark.parametrize(
    ("extension", "credit"), [("", 0.0), ("investment_credit", 0.3)]
)
def test_the_service_answers_the_levelised_cost_by_nrels_formula(
    extension: str, credit: float
) -> None:
    macrs = [x / 100 for x in MACRS_5]
    ours = levelised_cost(load("photovoltaic_utility", extension))
    assert ours == pytest.approx(levelised_by_formula(macrs, credit), rel=1e-12)


def test_debt_and_equity_together_ask_for_the_published_rate() -> None:
    # 75.3 % of debt at 7 %, equity at 8.5 %
    found = lcoe.weighted_cost_of_capital(0.753092688272438, 0.07, 0.085, TAX)
    assert found == pytest.approx(WACC, rel=1e-12)


PHOTOVOLTAIC: dict[str, dict[str, float]] = {
    "": {},
    "investment_credit": {"credit": 0.3},
    "degradation": {"loss_a_year": 0.007},
}


@pytest.mark.parametrize("extension", PHOTOVOLTAIC)
def test_photovoltaic_electricity_costs_what_it_costs_by_hand(extension: str) -> None:
    model = load("photovoltaic_utility", extension)
    assert model.solved_price() == pytest.approx(
        photovoltaics_by_hand(**PHOTOVOLTAIC[extension]), rel=1e-9
    )


@pytest.mark.parametrize(
    ("extension", "credit"), [("", 0.0), ("investment_credit", 0.3)]
)
def test_where_no_year_has_a_loss_the_price_is_nrels_levelised_cost(
    extension: str, credit: float
) -> None:
    # written off evenly, income is positive in each year; our credit comes after a year
    evenly = {"depreciation_method": "straight_line"}
    price = load("photovoltaic_utility", extension, evenly).solved_price()
    formula = levelised_by_formula([1 / 30] * 30, credit, paid_after=1)
    assert price == pytest.approx(formula, rel=1e-12)


def test_the_page_tells_what_parts_our_price_from_nrels_levelised_cost() -> None:
    macrs = [x / 100 for x in MACRS_5]
    found = [
        levelised_by_formula(macrs),
        levelised_by_formula(macrs, 0.3),
        levelised_by_formula(macrs, 0.3, paid_after=1),
        levelised_by_formula([1 / 30] * 30),
    ]
    assert told("NREL's formula") == [round(cost, 4) for cost in found]
    for extension, formula in (("", found[0]), ("investment_credit", found[2])):
        price = load("photovoltaic_utility", extension).solved_price()
        assert f"{price / formula - 1:.1%}".replace("%", " %") in text_of("models.md")

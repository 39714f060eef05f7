"""The plants that ship: a page for each, numbers with sources, ethanol by hand."""

from __future__ import annotations

import re

import pytest

from flask_api.domains.price.catalogue import listing, load
from flask_api.domains.price.revision import model_files
from tests.doc_pages import text_of
from tests.domains.price.plants_by_hand import (
    MACRS_7,
    MACRS_20,
    bisected,
    tax_after_losses,
)


def ethanol_by_hand(whole_payment: bool) -> float:
    """$/kg, year by year: BioSTEAM's customs, or those of tax law.

    whole_payment   of the loan lowers taxable income, and each year of construction
                    pays interest on its own draw; else interest, on all draws so far
    """
    capital, kg = 358_358_303.96440965, 184_829_345.19338045
    debt = 0.6 * capital
    payment = debt * 0.08 / (1 - 1.08**-10)
    written_off = [0.0] * 30
    for amount, table in (
        (265_606_202.1902439, MACRS_7),
        (70_354_707.77639014, MACRS_20),
    ):
        for year, percent in enumerate(table):
            written_off[year] += amount * percent / 100

    def worth(price: float) -> float:
        total, drawn = -0.05 * capital, 0.0
        for before, share in ((2, 0.08), (1, 0.6), (0, 0.32)):
            drawn += share
            charged = (share if whole_payment else drawn) * debt * 0.08
            total -= (0.4 * capital * share + charged) * 1.1**before
        owed, margins, incomes = debt, [], []
        for year in range(1, 31):
            sales, bought = (0.875, 0.9375) if year == 1 else (1, 1)
            margin = price * kg * sales - 71_850_703.08995418 * bought
            margin -= 9_818_627.244491002
            paid = payment if year <= 10 else 0.0
            interest = owed * 0.08 if year <= 10 else 0.0
            owed -= paid - interest
            deducted = paid if whole_payment else interest
            incomes.append(margin - deducted - written_off[year - 1])
            replaced = 584_254.9467899535 if year in (6, 11, 16, 21, 26) else 0
            margins.append(margin - paid - replaced)
        margins[-1] += 0.05 * capital
        taxes = tax_after_losses(incomes, 0.35)
        flows = [m - t for m, t in zip(margins, taxes, strict=True)]
        return total + sum(cash * 1.1**-year for year, cash in enumerate(flows, 1))

    return bisected(worth, 10)


@pytest.mark.parametrize(
    ("extension", "whole_payment"), [("", True), ("interest_only", False)]
)
def test_ethanol_costs_what_it_costs_by_hand(
    extension: str, whole_payment: bool
) -> None:
    price = load("corn_stover_ethanol", extension).solved_price()
    assert price == pytest.approx(ethanol_by_hand(whole_payment), rel=1e-12)


def test_each_number_of_the_new_plants_names_its_source() -> None:
    for entry in listing():
        if entry["version"] in ("hydrogen_atr_ccs", "photovoltaic_utility"):
            assert not [item["name"] for item in entry["inputs"] if not item["source"]]
            assert not [item["name"] for item in entry["inputs"] if not item["range"]]


def documented_prices() -> dict[tuple[str, str], str]:
    """(version, extension) -> the price that docs/models.md says."""
    row = r"^\| `([\w.-]+)` \| (?:`(\w+)`|none) \| ([\d.]+) "
    found = re.findall(row, text_of("models.md"), re.M)
    return {(version, extension): price for version, extension, price in found}


def test_every_shipped_plant_has_a_page_and_its_price_is_the_services() -> None:
    prices = documented_prices()
    there = {
        (entry["version"], extension)
        for entry in listing()
        for extension in ["", *(item["name"] for item in entry["extensions"])]
    }
    assert prices.keys() == there
    for (version, extension), price in prices.items():
        digits = len(price.partition(".")[2])
        solved = load(version, extension).solved_price()
        assert f"{solved:.{digits}f}" == price, (version, extension)
    heads = re.findall(r"^## .*`([\w.-]+)`", text_of("models.md"), re.M)
    assert sorted(heads) == sorted(model_files())

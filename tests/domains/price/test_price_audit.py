"""The audit: every convention, and what each other choice does to the price."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flask_api.domains.price.audit import audit
from flask_api.domains.price.calculation.depreciation import AssetClass
from flask_api.domains.price.catalogue import load
from flask_api.domains.price.conventions import CHOICES
from tests.domains.price.drawn_plants import drawn


def test_the_audit_names_every_convention_and_each_other_choice() -> None:
    found = {entry["convention"]: entry for entry in audit(load("corn_stover_ethanol"))}
    assert set(found) == {
        *CHOICES, "preset", "depreciation", "loss_limit", "loss_years",
    }  # fmt: skip
    for name, of in CHOICES.items():
        entry = found[name]
        assert {*(one["choice"] for one in entry["choices"]), entry["chosen"]} == {*of}


def test_the_audit_tells_what_the_loan_conventions_are_known_to_do() -> None:
    model = load("corn_stover_ethanol")
    base = model.solved_price()
    found = {entry["convention"]: entry for entry in audit(model)}
    for name in ("loan_deduction", "construction_interest", "preset"):
        assert found[name]["effect"]
        for one in found[name]["choices"]:
            other = load("corn_stover_ethanol", overrides={name: one["choice"]})
            assert one["price"] == pytest.approx(other.solved_price(), rel=1e-12)
            assert one["difference"] == pytest.approx(one["price"] - base, abs=1e-15)


def test_a_convention_without_effect_is_marked_so() -> None:
    found = {entry["convention"]: entry for entry in audit(load("1"))}
    for name in ("loan_repayment", "salvage_tax", "required_rate", "loss_limit"):
        assert not found[name]["effect"]  # no loan, salvage, inflation or loss in it
    assert found["state_deductible"]["effect"]


def test_a_choice_under_which_there_is_no_price_says_why() -> None:
    model = load("1", overrides={"operating_cost_fraction": 1.0})
    found = {entry["convention"]: entry for entry in audit(model)}
    (one,) = found["operating_cost"]["choices"]
    assert one["price"] is None and one["difference"] is None
    assert "takes all revenue" in one["reason"]
    assert found["operating_cost"]["effect"]


def test_the_audit_of_a_model_that_solves_no_price_compares_its_npv() -> None:
    model = load("1")
    model = replace(model, structure=replace(model.structure, solves="npv"))
    found = {entry["convention"]: entry for entry in audit(model)}
    (one,) = found["state_deductible"]["choices"]
    assert one["difference"] > 0  # a deductible tax is a lower tax
    assert "price" not in one


def test_another_depreciation_is_tried_on_all_classes() -> None:
    model = load("1")
    two = [AssetClass(name, "straight_line", 0.5) for name in ("plant", "buildings")]
    model = replace(model, structure=replace(model.structure, assets=tuple(two)))
    found = {entry["convention"]: entry for entry in audit(model)}["depreciation"]
    prices = {one["choice"]: one["price"] for one in found["choices"]}
    # two halves written off in one way are one plant written off so
    other = load("1", overrides={"S20": "MACRS5"}).solved_price()
    assert prices["macrs_5"] == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_an_audit_is_plain_finite_data(seed: int) -> None:
    json.dumps(audit(drawn(seed)), allow_nan=False)

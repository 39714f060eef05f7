"""Ranges and distributions of a plant that an extension or a request changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from flask_api.domains.price.catalogue import load
from flask_api.domains.price.model import ModelInput, PriceModel

PLANT = """
title: a plant
inputs:
  plant_lifetime: 20
  bare_erected_cost: {value: 900000, range: [750000, 1200000]}
  number_of_units:
    value: 30000
    range: [25000, 35000]
    distribution: {kind: triangular, low: 25000, mode: 30000, high: 35000}
  labor_cost:
    value: 20000
    range: [15000, 25000]
    distribution: {kind: normal, mean: 20000, std: 3000}
  v1_quantity: {value: 3, unit: t/year, range: [1, 5]}
  v1_unit_cost: {value: 40, unit: $/t}
  selling_price: 2
  required_irr: 0.05
extensions:
"""


def plant(folder: Path, extensions: str, extension: str = "other") -> PriceModel:
    (folder / "mine.yaml").write_text(PLANT + extensions, encoding="utf-8")
    return load("mine", extension, models_dir=str(folder))


def ends(item: ModelInput) -> tuple[float | None, float | None]:
    return item.low, item.high


def test_a_value_within_the_range_it_takes_over_keeps_it(tmp_path: Path) -> None:
    changes = "{bare_erected_cost: 1200000, number_of_units: 25000}"
    model = plant(tmp_path, f"  other: {{inputs: {changes}}}")
    assert ends(model.inputs["bare_erected_cost"]) == (750_000, 1_200_000)
    assert ends(model.inputs["number_of_units"]) == (25_000, 35_000)
    assert model.inputs["number_of_units"].distribution is not None
    assert model.notes == ()


def test_a_value_beyond_them_has_neither_range_nor_distribution(
    tmp_path: Path,
) -> None:
    model = plant(tmp_path, "  other: {inputs: {number_of_units: 60000}}")
    units = model.inputs["number_of_units"]
    assert (*ends(units), units.distribution) == (None, None, None)
    assert units.value == 60_000
    assert model.notes == (
        "extension other: number_of_units: the range 25000 to 35000 and the triangular "
        "distribution of the plant that it builds on don't hold its value, so they "
        "fall away; give `range` or `distribution` beside the value",
    )


def test_a_distribution_that_holds_every_number_stays(tmp_path: Path) -> None:
    model = plant(tmp_path, "  other: {inputs: {labor_cost: 40000}}")
    labor = model.inputs["labor_cost"]
    assert ends(labor) == (None, None) and labor.distribution is not None
    (note,) = model.notes
    assert "the range 15000 to 25000" in note and "it falls away" in note


def test_a_range_in_another_unit_says_nothing_of_the_value(tmp_path: Path) -> None:
    heat = "v1_quantity: {value: 3, unit: MWh/year}, "
    heat += "v1_unit_cost: {value: 40, unit: $/MWh}"
    model = plant(tmp_path, f"  other: {{inputs: {{{heat}}}}}")
    assert ends(model.inputs["v1_quantity"]) == (None, None)
    assert len(model.notes) == 1


def test_who_gives_a_range_of_its_own_is_told_nothing(tmp_path: Path) -> None:
    own = "{value: 2000000, range: [1500000, 3000000]}"
    model = plant(tmp_path, f"  other: {{inputs: {{bare_erected_cost: {own}}}}}")
    assert ends(model.inputs["bare_erected_cost"]) == (1_500_000, 3_000_000)
    assert model.notes == ()


EXTENDED = """
  big: {inputs: {bare_erected_cost: 2000000, labor_cost: 30000}}
  other: {extends: big, inputs: {bare_erected_cost: OWN}}
"""


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("3000000", ["bare_erected_cost", "labor_cost"]),
        ("{value: 3000000, range: [2000000, 4000000]}", ["labor_cost"]),
    ],
)
def test_an_extension_of_an_extension_is_told_what_it_lacks_too(
    tmp_path: Path, own: str, told: list[str]
) -> None:
    model = plant(tmp_path, EXTENDED.replace("OWN", own))
    assert [note.split(": ")[1] for note in model.notes] == told
    assert all(note.startswith("extension other: ") for note in model.notes)
    assert plant(tmp_path, EXTENDED.replace("OWN", own), "").notes == ()


def test_an_override_beyond_the_range_has_none(tmp_path: Path) -> None:
    plant(tmp_path, "  other: {}")
    folder = str(tmp_path)
    near = load("mine", overrides={"S11": 1_000_000}, models_dir=folder)
    far = load("mine", overrides={"S11": 2_000_000}, models_dir=folder)
    assert ends(near.inputs["bare_erected_cost"]) == (750_000, 1_200_000)
    assert ends(far.inputs["bare_erected_cost"]) == (None, None)


def test_the_answer_says_what_fell_away(client: FlaskClient) -> None:
    text = PLANT + "  other: {inputs: {number_of_units: 60000}}"
    kept: Any = client.post(
        "/price/models?name=mine",
        data=text,
        headers={"Content-Type": "application/yaml"},
    )
    assert kept.status_code == 201, kept.text
    (told,) = kept.json["warnings"]
    assert "extension other: number_of_units: the range" in told
    body = {"version": "mine", "extension": "other"}
    answer: Any = client.post("/price/data", json=body).json
    assert told in answer["metadata"]["warnings"]
    listed = answer["price_data"]["inputs"]
    (units,) = [item for item in listed if item["name"] == "number_of_units"]
    assert units["range"] is None and units["distribution"] is None


def test_curves_of_an_extension_go_around_its_own_value(client: FlaskClient) -> None:
    text = PLANT + "  other: {inputs: {number_of_units: 60000}}"
    headers = {"Content-Type": "application/yaml"}
    client.post("/price/models?name=mine", data=text, headers=headers)
    plant = {"version": "mine", "extension": "other"}
    body = {**plant, "parameters": [{"id": "number_of_units", "steps": 3}]}
    answer: Any = client.post("/sensitivity/analyze", json=body).json
    curve = answer["results"]["number_of_units"]["sensitivity_curve"]
    assert [point["value"] for point in curve] == pytest.approx(
        [48_000, 60_000, 72_000]
    )
    assert "20 % either side" in str(answer["metadata"]["assumptions"])
    (told,) = answer["metadata"]["warnings"]
    assert "extension other: number_of_units: the range" in told

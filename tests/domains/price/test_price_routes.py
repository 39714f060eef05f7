"""Prices over REST: `/price/data` and `/price/models`, under both prefixes."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.mark.parametrize("path", ["/price/data", "/api/price/data"])
def test_version_1_costs_what_the_seeds_defaults_cost(
    client: FlaskClient, path: str
) -> None:
    # methods.md 5: 2.00579 for version 1, given to five decimals.
    got = client.get(path)
    assert got.status_code == 200
    assert got.json["version"] == "1"
    price = got.json["price_data"]["current_price"]
    assert price == pytest.approx(2.00579, abs=5e-6)


def test_corn_stover_ethanol_costs_its_reference_price(client: FlaskClient) -> None:
    # methods.md 5, in $ per kg; the solver is exact, so only rounding differs.
    got = client.get("/price/data?version=corn_stover_ethanol")
    price = got.json["price_data"]["current_price"]
    assert price == pytest.approx(0.6876698815944846, rel=1e-9)


@pytest.mark.parametrize("query", ["?version=1", "?version=1&extension="])
def test_the_ways_to_ask_for_version_1_agree(client: FlaskClient, query: str) -> None:
    asked, plain = client.get(f"/price/data{query}"), client.get("/price/data")
    assert asked.json["price_data"] == plain.json["price_data"]
    assert asked.headers["ETag"] == plain.headers["ETag"]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("version=99", "INVALID_INPUT", "version"),
        ("version=..%2F..%2Fetc", "INVALID_INPUT", "version"),
        ("version=", "VALIDATION_ERROR", "version"),
        ("version=" + "9" * 1000, "VALIDATION_ERROR", "version"),
        ("version=1&extension=nope", "INVALID_INPUT", "extension"),
        ("verison=1", "VALIDATION_ERROR", "verison"),
        ("version=1&version=2", "VALIDATION_ERROR", "version"),
        ("overrides=1", "VALIDATION_ERROR", "overrides"),
    ],
)
@pytest.mark.parametrize("path", ["/price/data", "/api/price/data"])
def test_a_wrong_question_is_400_and_names_the_key(
    client: FlaskClient, path: str, query: str, code: str, field: str
) -> None:
    got = client.get(f"{path}?{query}")
    assert (got.status_code, got.json["code"]) == (400, code)
    assert got.json["details"][0]["field"] == field


def test_an_unknown_version_is_answered_with_those_there_are(
    client: FlaskClient,
) -> None:
    assert "corn_stover_ethanol" in client.get("/price/data?version=99").json["message"]


def test_the_same_question_is_computed_once(client: FlaskClient) -> None:
    first = client.get("/price/data?version=1")
    again = client.get("/api/price/data?version=1")
    assert again.headers["X-Job-ID"] == first.headers["X-Job-ID"]
    etag = {"If-None-Match": first.headers["ETag"]}
    same = client.get("/price/data?version=1", headers=etag)
    assert (same.status_code, same.data) == (304, b"")
    assert client.get("/api/jobs").json["total"] == 0  # hidden from lists


def test_a_changed_model_file_is_computed_anew(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    shipped = Path("flask_api/domains/price/models/1.yaml")
    source = Path(__file__).parents[3] / shipped
    mine = tmp_path / "models" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text(source.read_text())
    client = make_app(models_dir=mine.parent).test_client()
    first = client.get("/price/data?version=mine")
    assert first.status_code == 200
    mine.write_text(mine.read_text() + "\n# read again\n")
    again = client.get("/price/data?version=mine")
    assert again.headers["X-Job-ID"] != first.headers["X-Job-ID"]


def test_a_models_folder_that_is_gone_is_a_clear_error(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    client = make_app(models_dir=folder).test_client()
    folder.rmdir()
    got = client.get("/price/data")
    assert (got.status_code, got.json["code"]) == (400, "INVALID_INPUT")
    assert "MODELS_DIR" in got.json["message"]


@pytest.mark.parametrize("path", ["/price/models", "/api/price/models"])
def test_all_models_are_listed_with_units_and_sources(
    client: FlaskClient, path: str
) -> None:
    got = client.get(path)
    assert got.status_code == 200
    found = {model["version"]: model for model in got.json["models"]}
    assert {"1", "corn_stover_ethanol"} <= set(found)
    assert found["1"]["source"]
    inputs = {item["name"]: item for item in found["1"]["inputs"]}
    assert inputs["bare_erected_cost"]["s_number"] == "S11"
    assert inputs["bare_erected_cost"]["unit"]
    assert client.get(f"{path}?version=1").status_code == 400


@pytest.mark.parametrize(
    ("model", "code", "field"),
    [
        ({"overrides": {"S31": -1}}, "INVALID_INPUT", "model.overrides.S31"),
        ({"version": 99}, "INVALID_INPUT", "model.version"),
        ({"extension": "nope"}, "INVALID_INPUT", "model.extension"),
        (
            {"overrides": {"S26": 0.2, "loan_years": 30}},
            "INVALID_INPUT",
            "model.overrides.loan_years",
        ),
        (
            {"overrides": {"S32": 0.4, "S33": 0.6}},
            "NO_SOLUTION",
            "model.overrides.S33",
        ),
        ({"selectedV": {"V11": "on"}}, "INVALID_INPUT", "model.selectedV.V11"),
        ({"selected_v": {"V11": "on"}}, "INVALID_INPUT", "model.selected_v.V11"),
        ({"depreciationTable": [0.5]}, "INVALID_INPUT", "model.depreciationTable"),
        ({"overrides": {"S11": None}}, "VALIDATION_ERROR", "model.overrides.S11"),
        ({"overrides": {"S１１": 1}}, "INVALID_INPUT", "model.overrides.S１１"),
        ({"selectedV": {"V1": "maybe"}}, "VALIDATION_ERROR", "model.selectedV.V1"),
        ({"targetRow": 101}, "VALIDATION_ERROR", "model.targetRow"),
        ({"targetRow": 1.5}, "VALIDATION_ERROR", "model.targetRow"),
        (
            {"selectedCalculationOption": "irr"},
            "VALIDATION_ERROR",
            "model.selectedCalculationOption",
        ),
        ({"depreciation_table": [0.5]}, "INVALID_INPUT", "model.depreciation_table"),
        (
            {"periods": [{"start": 1, "end": 30, "inputs": {"S12": 1}}]},
            "INVALID_INPUT",
            "model.periods[0].end",
        ),
        (
            {"periods": [{"start": 1, "end": 2, "inputs": {"S11": 1}}]},
            "INVALID_INPUT",
            "model.periods[0].inputs.S11",
        ),
        ({"periods": [{"start": 0, "end": 2}]}, "VALIDATION_ERROR", "model.periods"),
        ({"overrides": {"S11": [1]}}, "VALIDATION_ERROR", "model.overrides.S11"),
        ({"overrides": {"S20": "7-MACR"}}, "INVALID_INPUT", "model.overrides.S20"),
        (
            {"selected_v": {"V1": "on"}, "overrides": {"selectedV": {"V1": "on"}}},
            "VALIDATION_ERROR",
            "model.selected_v",
        ),
    ],
    ids=str,
)
def test_a_fault_of_the_model_is_named_as_it_was_sent(
    client: FlaskClient, model: dict[str, object], code: str, field: str
) -> None:
    body = {"parameter": "S35", "model": model}
    got = client.post("/sensitivity/analyze", json=body)
    assert (got.status_code, got.json["code"]) == (400, code), got.text
    assert got.json["details"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    "body",
    [
        {"version": 1, "model": {"version": "1"}},
        {"version": "1", "model": {"version": 1}},
        {"version": 1, "model": {"version": 1, "extension": ""}},
    ],
)
def test_1_is_the_same_version_as_its_text(
    client: FlaskClient, body: dict[str, object]
) -> None:
    assert client.post("/price/data", json=body).status_code == 200
    assert (
        client.post("/sensitivity/analyze", json={**body, "parameter": "S11"})
    ).status_code == 200


def test_two_versions_at_once_are_named(client: FlaskClient) -> None:
    got = client.post("/price/data", json={"version": 2, "model": {"version": 1}})
    assert (got.status_code, got.json["details"][0]["field"]) == (400, "version")


def test_a_target_beyond_the_plants_life_is_warned_of(client: FlaskClient) -> None:
    got = client.post("/price/data", json={"model": {"targetRow": 21}})
    plain = client.get("/price/data").json["price_data"]["current_price"]
    assert got.json["price_data"]["current_price"] == plain
    assert "target_row is 21" in got.json["metadata"]["warnings"][0]


def test_an_empty_range_is_named_at_its_end(client: FlaskClient) -> None:
    got = client.get("/sensitivity/derivatives/S11?min=5&max=4")
    assert (got.status_code, got.json["details"][0]["field"]) == (400, "min")


def test_a_plant_without_a_price_names_the_override_that_makes_it_so(
    client: FlaskClient,
) -> None:
    model = {"overrides": {"S18": True, "operating_cost_fraction": 1}}
    got = client.post("/price/data", json={"model": model})
    assert (got.status_code, got.json["code"]) == (400, "NO_SOLUTION")
    field = got.json["details"][0]["field"]
    assert field == "model.overrides.operating_cost_fraction"


def test_the_seeds_switches_are_understood_in_both_spellings(
    client: FlaskClient,
) -> None:
    """Without feedstock (F1) a unit costs 10,000 $ / 30,000 less, exactly."""
    bodies: list[dict[str, object]] = [
        {"selectedF": {"F1": "off"}, "targetRow": 20},
        {"selected_f": {"F1": False, "F2": True}, "target_row": 0},
        {"overrides": {"selectedF": {"F1": "off"}, "targetRow": 20}},
        {"overrides": {"S34": 0}},
        {"selectedCalculationOption": "calculateForPrice", "overrides": {"S34": 0}},
    ]
    plain = client.get("/price/data").json["price_data"]["current_price"]
    for model in bodies:
        body = {"kind": "price.data", "params": {"model": model}}
        got = client.post("/api/jobs", json=body, headers={"Prefer": "wait=55"})
        price = got.json["result"]["price_data"]["current_price"]
        assert price == pytest.approx(plain - 1 / 3, rel=1e-12)

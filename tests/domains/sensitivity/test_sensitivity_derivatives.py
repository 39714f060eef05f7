"""`GET /sensitivity/derivatives/<parameter>`: slopes of the price over REST."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api.domains.price.catalogue import load
from flask_api.domains.sensitivity.derivatives import job as derivatives_job
from flask_api.domains.sensitivity.derivatives.schema import DerivativesRequest
from tests.domains.sensitivity.conftest import Run, Watch, _runner

PATH = "/sensitivity/derivatives"
PRICE = 2.0057890737900124


@pytest.fixture
def derivatives() -> Run:
    """Runs `sensitivity.derivatives` with a JSON body, without a server."""
    return _runner(derivatives_job.derivatives, DerivativesRequest)


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_answer_has_the_promised_keys(client: FlaskClient, prefix: str) -> None:
    got = client.get(f"{prefix}{PATH}/number_of_units?version=1")
    assert got.status_code == 200
    answer = got.json
    assert (answer["parameter"], answer["version"]) == ("number_of_units", "1")
    assert answer["extension"] is None
    found = answer["derivatives"]
    curves = ("grid", "price", "first_order", "second_order", "elasticity")
    assert [len(found[name]) for name in curves] == [11] * 5
    assert (
        found["grid"][0] == 24_000 and found["grid"][-1] == 36_000
    )  # the file's range
    promised = {"timestamp", "version", "extension", "scheme", "step", "unit"}
    assert promised <= set(answer["metadata"])
    assert answer["metadata"]["unit"] == "($/unit)/(units/year)"


def test_the_curves_are_those_of_a_price_that_falls_with_units(
    client: FlaskClient,
) -> None:
    # price x units is constant: elasticity -1, second derivative 2 p / x^2
    found = client.get(f"{PATH}/number_of_units").json["derivatives"]
    for x, p, first, second, elasticity in zip(
        found["grid"],
        found["price"],
        found["first_order"],
        found["second_order"],
        found["elasticity"],
        strict=True,
    ):
        assert p == pytest.approx(PRICE * 30_000 / x, rel=1e-12)
        assert first == pytest.approx(-p / x, rel=1e-12)
        assert second == pytest.approx(2 * p / x**2, rel=1e-9)  # extrapolated
        assert elasticity == pytest.approx(-1, rel=1e-12)


def test_cross_effects_name_every_other_input_that_has_one(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}/number_of_units").json
    cross = answer["derivatives"]["cross_effects"]
    assert cross["labor_cost"] == pytest.approx(-1 / 30_000**2, rel=1e-9)
    assert {"bare_erected_cost", "required_irr", "plant_lifetime", "epc"} <= set(cross)
    without = {"number_of_units", "selling_price", "v1_quantity", "loan_rate"}
    assert not without & set(cross)
    told = answer["metadata"]["cross_effects"]
    assert set(told) == set(cross)
    assert told["labor_cost"]["unit"] == "($/unit)/(units/year x $/year)"
    assert "per year" in told["plant_lifetime"]["scheme"]


def test_version_and_extension_choose_the_plant(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}/loan_rate?version=1&extension=loan").json
    assert (answer["version"], answer["extension"]) == ("1", "loan")
    price = load("1", "loan").solved_price()
    middle = answer["derivatives"]["price"][5]  # of the range, today's value
    assert middle == pytest.approx(price, rel=1e-12)
    assert min(answer["derivatives"]["first_order"]) > 0
    fuel = client.get(f"{PATH}/S12?version=corn_stover_ethanol&extension=").json
    assert fuel["metadata"]["unit"] == "($/kg)/(kg/year)"


@pytest.mark.parametrize("name", ["S12", "numberOfUnitsAmount12"])
def test_all_spellings_of_an_input_mean_the_same(
    client: FlaskClient, name: str
) -> None:
    answer = client.get(f"{PATH}/{name}").json
    plain = client.get(f"{PATH}/number_of_units").json
    assert answer["parameter"] == name
    assert answer["metadata"]["name"] == "number_of_units"
    assert answer["derivatives"] == plain["derivatives"]


def test_the_same_question_is_computed_once(client: FlaskClient) -> None:
    first = client.get(f"{PATH}/S11?version=1&points=5")
    again = client.get(f"/api{PATH}/S11?points=5&version=1")
    assert again.headers["X-Job-ID"] == first.headers["X-Job-ID"]
    etag = {"If-None-Match": first.headers["ETag"]}
    same = client.get(f"{PATH}/S11?version=1&points=5", headers=etag)
    assert (same.status_code, same.data) == (304, b"")
    other = client.get(f"{PATH}/S11?version=1&points=6", headers=etag)
    assert other.status_code == 200
    assert client.get("/api/jobs").json["total"] == 0  # hidden from lists


def test_a_changed_model_file_is_computed_anew(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    shipped = Path(__file__).parents[3] / "flask_api/domains/price/models/1.yaml"
    mine = tmp_path / "models" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text(shipped.read_text())
    client = make_app(models_dir=mine.parent).test_client()
    first = client.get(f"{PATH}/S11?version=mine")
    assert first.status_code == 200
    mine.write_text(mine.read_text() + "\n# read again\n")
    again = client.get(f"{PATH}/S11?version=mine")
    assert again.headers["X-Job-ID"] != first.headers["X-Job-ID"]


def test_a_stored_model_is_computed_anew_when_it_is_stored_anew(
    client: FlaskClient,
) -> None:
    text = (
        Path(__file__).parents[3] / "flask_api/domains/price/models/1.yaml"
    ).read_text()
    for units in ("30000", "25000"):
        stored = client.post(
            "/price/models?name=mine",
            data=text.replace("value: 30000", f"value: {units}"),
            content_type="application/yaml",
        )
        assert stored.status_code in (200, 201), stored.json
        got = client.get(f"{PATH}/labor_cost?version=mine")
        first = got.json["derivatives"]["first_order"][5]
        assert first == pytest.approx(1 / float(units), rel=1e-12)


def test_an_unknown_parameter_is_404_with_those_that_are_near(
    client: FlaskClient,
) -> None:
    got = client.get(f"{PATH}/bare_erected_csot")
    assert (got.status_code, got.json["code"]) == (404, "NOT_FOUND")
    assert "bare_erected_cost" in got.json["message"]
    assert got.json["details"][0]["field"] == "parameter"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("points=1", "points"),
        ("points=1001", "points"),
        ("points=2.5", "points"),
        ("points=many", "points"),
        ("points=", "points"),
        ("version=99", "version"),
        ("extension=nope", "extension"),
        ("verison=1", "verison"),
        ("points=3&points=4", "points"),
        ("min=3&max=1", "min"),
        ("min=-1", "min"),
        ("max=100", "max"),  # below the file's lower end: min is missing
        ("min=nan", "min"),
        ("min=1e999", "min"),
    ],
)
def test_a_wrong_question_is_400_and_names_the_key(
    client: FlaskClient, query: str, field: str
) -> None:
    got = client.get(f"{PATH}/S11?{query}")
    assert got.status_code == 400, got.json
    assert got.json["code"] in ("VALIDATION_ERROR", "INVALID_INPUT")
    text = str(got.json["details"]) + got.json["message"]
    assert field in text, got.json


def test_an_input_that_the_file_fixes_is_400(client: FlaskClient) -> None:
    got = client.get(f"{PATH}/S28?version=corn_stover_ethanol")
    assert (got.status_code, got.json["code"]) == (400, "INVALID_INPUT")
    assert "construction_schedule" in got.json["message"]


def test_a_range_may_be_asked_for_from_2_to_1000_points(client: FlaskClient) -> None:
    two = client.get(f"{PATH}/S11?min=0&max=1e5&points=2").json["derivatives"]
    assert two["grid"] == [0, 100_000]
    many = client.get(f"{PATH}/required_irr?points=1000").json
    assert len(many["derivatives"]["price"]) == 1000
    assert many["metadata"]["second_order"]["largest_error"] < 1e-6


def test_whole_years_are_taken_once_each_and_told_so(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}/plant_lifetime?points=100").json
    assert answer["derivatives"]["grid"] == [float(year) for year in range(10, 31)]
    assert answer["metadata"]["step"] == 1
    assert "per year" in answer["metadata"]["scheme"]


def test_an_input_without_influence_has_zeros_and_a_warning(derivatives: Run) -> None:
    answer = derivatives({"parameter": "loan_rate", "points": 3})
    found = answer["derivatives"]
    assert found["first_order"] == found["second_order"] == [0, 0, 0]
    assert any("does not influence" in text for text in answer["metadata"]["warnings"])
    # but a loan would bring it to life
    assert found["cross_effects"]["loan_fraction"] > 0


def test_an_input_that_is_0_without_a_range_has_one_point(derivatives: Run) -> None:
    answer = derivatives({"parameter": "land_cost", "points": 7})
    assert answer["derivatives"]["grid"] == [0]
    assert answer["derivatives"]["first_order"][0] > 0
    assert answer["derivatives"]["elasticity"] == [0]
    assert any("give min and max" in text for text in answer["metadata"]["warnings"])


def test_points_without_a_price_are_null_with_a_warning(derivatives: Run) -> None:
    ask = {"parameter": "federal_tax_rate", "min": 0.55, "max": 1.0, "points": 10}
    answer = derivatives(ask)
    assert (
        answer["derivatives"]["price"].count(None) == 2
    )  # 0.95 and 1, with state 0.05
    assert answer["derivatives"]["first_order"][-2:] == [None, None]
    assert any("2 of 10 points" in text for text in answer["metadata"]["warnings"])


def test_a_price_of_0_has_no_elasticity(derivatives: Run) -> None:
    free = dict.fromkeys(("S11", "S34", "S35", "S36", "S37", "S38"), 0.0)
    answer = derivatives(
        {"parameter": "required_irr", "points": 2, "model": {"overrides": free}}
    )
    assert answer["derivatives"]["price"] == [0, 0]
    assert answer["derivatives"]["elasticity"] == [None, None]
    assert any("elasticity" in text for text in answer["metadata"]["warnings"])


def test_a_plant_that_no_price_can_save_is_told_so(client: FlaskClient) -> None:
    body = {
        "kind": "sensitivity.derivatives",
        "params": {
            "parameter": "S11",
            "model": {"overrides": {"federal_tax_rate": 1.0}},
        },
    }
    got = client.post("/api/jobs", json=body, headers={"Prefer": "wait=55"})
    told = client.get(f"/api/jobs/{got.headers['X-Job-ID']}").json
    assert told["error"]["code"] == "NO_SOLUTION"


def test_an_unknown_parameter_in_a_job_is_refused_by_name(client: FlaskClient) -> None:
    body = {"kind": "sensitivity.derivatives", "params": {"parameter": "nope"}}
    got = client.post("/api/jobs", json=body, headers={"Prefer": "wait=55"})
    told = client.get(f"/api/jobs/{got.headers['X-Job-ID']}").json
    assert told["error"]["details"][0]["field"] == "parameter"


@pytest.mark.parametrize("version", [1, "1"])
def test_a_version_may_be_a_number_or_text(
    derivatives: Run, watch: type[Watch], version: Any
) -> None:
    seen = watch()
    answer = derivatives({"parameter": "S11", "version": version}, seen)
    assert answer["version"] == "1"
    assert seen.reports[0][0] == 0 and seen.reports[-1][:2] == (3, 3)


def test_elasticities_agree_with_those_of_one_at_a_time(
    derivatives: Run, analyze: Run
) -> None:
    asked = {"parameters": ["S11", "required_irr"], "config": {"seed": 1}}
    curves = analyze(asked)["results"]
    for name in ("S11", "required_irr"):
        answer = derivatives({"parameter": name, "points": 3})
        # the same slope, beside the price of another row of a block
        assert answer["derivatives"]["elasticity"][1] == pytest.approx(
            curves[name]["elasticity"], rel=1e-12
        )


def test_the_tables_can_be_had_as_csv(client: FlaskClient) -> None:
    job = client.get(f"{PATH}/S12?points=3").headers["X-Job-ID"]
    address = f"/api/jobs/{job}/result?format=csv"
    rows = list(csv.DictReader(io.StringIO(client.get(address).text)))
    assert [float(row["value"]) for row in rows] == [24_000, 30_000, 36_000]
    assert float(rows[1]["price"]) == load("1").solved_price()
    cross = client.get(f"{address}&table=cross_effects").text
    table = {row["id"]: row for row in csv.DictReader(io.StringIO(cross))}
    assert float(table["labor_cost"]["value"]) == pytest.approx(-1 / 9e8, rel=1e-9)

"""Sensitivity over REST: thin routes, every wrong body a clear 400."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

RANGE = {"min": 150e3, "max": 250e3}
ONE = [{"id": "bare_erected_cost", "range": RANGE}]
NORMAL = {"kind": "normal", "mean": 200e3, "std": 20e3}
DRAWN = [{"id": "bare_erected_cost", "distribution": NORMAL}]


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_an_analysis_is_answered_with_its_curves(
    client: FlaskClient, prefix: str
) -> None:
    body = {"parameters": ONE, "config": {"seed": 1, "monte_carlo_iterations": 100}}
    got = client.post(f"{prefix}/sensitivity/analyze", json=body)
    assert got.status_code == 200
    assert list(got.json)[0] == "analysis_id"
    assert got.json["analysis_id"] == got.headers["X-Job-ID"]
    assert got.json["method"] == "oat"
    (curve,) = got.json["results"].values()
    assert curve["sensitivity_curve"]
    assert got.json["ranking"] and got.json["tornado"] and got.json["metadata"]


def test_a_single_parameter_has_its_keys_directly_under_results(
    client: FlaskClient,
) -> None:
    got = client.post("/sensitivity/analyze", json={"parameter": ONE[0]})
    assert got.status_code == 200
    assert got.json["parameter_id"]
    assert {"sensitivity_curve", "elasticity", "impact_score"} <= set(
        got.json["results"]
    )


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_monte_carlo_is_answered_with_its_distribution(
    client: FlaskClient, prefix: str
) -> None:
    body = {"parameters": DRAWN, "iterations": 1000, "config": {"seed": 0}}
    got = client.post(f"{prefix}/sensitivity/monte-carlo", json=body)
    assert got.status_code == 200
    assert list(got.json)[0] == "analysis_id"
    assert got.json["iterations"] == 1000
    results = got.json["results"]
    total = sum(bar["probability"] for bar in results["distribution"])
    assert total == pytest.approx(1)  # shares of one whole, summed in float64
    again = client.post("/sensitivity/monte-carlo", json={**body, "seed": None})
    assert again.status_code == 400  # `seed` stands in config


def test_the_same_seed_gives_the_same_result(client: FlaskClient) -> None:
    body = {"parameters": DRAWN, "iterations": 500, "config": {"seed": 0}}
    one, two = (
        client.post("/sensitivity/monte-carlo", json=body).json for _ in range(2)
    )
    assert one["results"] == two["results"]


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_optimization_is_answered_under_both_prefixes(
    client: FlaskClient, prefix: str
) -> None:
    body = {"objective": "min", "parameters": ONE}
    got = client.post(f"{prefix}/sensitivity/optimize", json=body)
    assert got.status_code == 200 and got.json["converged"]
    # the price rises with every input of ONE
    lows = {item["id"]: item["range"]["min"] for item in ONE}
    assert got.json["best"]["inputs"] == lows


def parameter(**changes: Any) -> dict[str, Any]:
    return {"parameters": [{**ONE[0], **changes}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (parameter(id="bare_erected_csot"), "id"),
        (parameter(range={"min": 3, "max": 1}), "range"),
        (parameter(range={"min": "1", "max": 2}), "min"),
        (parameter(range={"min": True, "max": 2}), "min"),
        (parameter(range={"min": None, "max": 2}), "min"),
        (parameter(steps=1), "steps"),
        (parameter(steps=1001), "steps"),
        (parameter(stpes=3), "stpes"),
        (parameter(mode="sideways"), "mode"),
        ({"parameters": ONE, "method": "magic"}, "method"),
        ({"parameters": ONE, "version": 99}, "version"),
        ({"parameters": ONE, "extension": "nope"}, "extension"),
        ({"parameters": ONE, "model": {"overrides": {"nope": 1}}}, "nope"),
        ({"parameters": ONE, "config": {"seed": -1}}, "seed"),
        ({"parameters": ONE, "config": {"sede": 1}}, "sede"),
        ({"parameters": 7}, "parameters"),
        ({"params": ONE}, "params"),
        (
            {
                "parameters": ONE,
                "config": {"monte_carlo_iterations": 10, "monteCarloIterations": 10},
            },
            "monteCarloIterations",
        ),
    ],
)
def test_a_wrong_analysis_is_400_and_names_the_field(
    client: FlaskClient, body: dict[str, Any], field: str
) -> None:
    got = client.post("/sensitivity/analyze", json=body)
    assert got.status_code == 400, got.json
    assert got.json["code"] in ("VALIDATION_ERROR", "INVALID_INPUT")
    named = [str(item.get("field")) for item in got.json["details"]]
    assert any(field in name for name in named), got.json


@pytest.mark.parametrize("iterations", [0, -1, 99, 10**12, 1.5, "1000", True, None])
def test_an_impossible_number_of_draws_is_400(
    client: FlaskClient, iterations: object
) -> None:
    body = {"parameters": DRAWN, "iterations": iterations}
    got = client.post("/sensitivity/monte-carlo", json=body)
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == "iterations"


@pytest.mark.parametrize(
    "distribution",
    [
        {"kind": "normla", "mean": 1, "std": 1},
        {"kind": "normal", "mean": 1},
        {"kind": "normal", "mean": 1, "std": 0},
        {"kind": "normal", "mean": 1, "std": -1},
        {"kind": "normal", "mean": "1", "std": 1},
        {"kind": "uniform", "low": 2, "high": 1},
        {"kind": "triangular", "low": 1, "mode": 5, "high": 3},
        {"kind": "lognormal", "mean": -1, "std": 1},
        {"kind": "lognormal"},
        {},
        "normal",
    ],
)
def test_an_impossible_distribution_is_400_and_named(
    client: FlaskClient, distribution: object
) -> None:
    body = {"parameters": [{**DRAWN[0], "distribution": distribution}]}
    got = client.post("/sensitivity/monte-carlo", json={**body, "iterations": 100})
    assert got.status_code == 400
    assert any("distribution" in item["field"] for item in got.json["details"])


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_that_are_none_are_refused_with_their_position(
    client: FlaskClient, literal: bytes
) -> None:
    data = b'{"parameters": [{"id": "S11", "range": {"min": %s, "max": 2}}]}' % literal
    got = client.post(
        "/sensitivity/analyze", data=data, content_type="application/json"
    )
    assert got.status_code == 400
    assert "line 1, column" in got.json["message"]


def test_a_plant_that_no_price_can_save_is_400(client: FlaskClient) -> None:
    # Operating cost is a share of revenue above one: more sales, more loss.
    model = {
        "overrides": {
            "use_direct_operating_expenses": True,
            "S14": 1.5,
        }
    }
    got = client.post("/sensitivity/analyze", json={"parameters": ONE, "model": model})
    assert got.status_code == 400, got.json
    assert got.json["code"] in ("NO_SOLUTION", "INVALID_INPUT")


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("/sensitivity/monte-carlo", {"iterations": 500}),
        ("/sensitivity/analyze", {"method": "sobol"}),
    ],
)
def test_a_rerun_of_a_run_without_seed_gives_the_same_bits(
    client: FlaskClient, address: str, more: dict[str, Any]
) -> None:
    model = {"formula": "a * b", "inputs": {"a": 1, "b": 2}}
    drawn = [
        {"id": name, "distribution": {"kind": "uniform", "low": 0, "high": 1}}
        for name in "ab"
    ]
    first = client.post(address, json={"model": model, "parameters": drawn, **more})
    assert first.status_code == 200
    job = first.headers["X-Job-ID"]
    got = client.post(f"/api/jobs/{job}/rerun", headers={"Prefer": "wait=55"})
    again = client.get(f"/api/jobs/{got.json['job_id']}/stream")
    assert "completed" in again.get_data(as_text=True)
    tags = [
        client.get(f"/api/jobs/{name}/result").headers["ETag"]
        for name in (job, got.json["job_id"])
    ]
    assert tags[0] == tags[1]

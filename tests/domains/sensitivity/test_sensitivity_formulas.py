"""Formulas as models of requests: over REST, over the socket, and in their page."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.doc_pages import DOCS, blocks
from tests.push.watcher import Watcher

ENDS = [-math.pi, math.pi]
ISHIGAMI = {
    "formula": "sin(a) + 7 * sin(b)**2 + 0.1 * c**4 * sin(a)",
    "inputs": dict.fromkeys("abc", ENDS),
}
VARIANCE = 7**2 / 8 + 0.1 * math.pi**4 / 5 + 0.1**2 * math.pi**8 / 18 + 0.5
#: Two costs and a price, several outputs, one input that is never used.
MARGIN = {
    "outputs": {"margin": "units * price - cost", "share": "cost / (units * price)"},
    "inputs": {
        "units": {"value": 30, "range": [20, 40], "integer": True, "unit": "1/year"},
        "price": {
            "value": 2,
            "distribution": {"kind": "normal", "mean": 2, "std": 0.1},
        },
        "cost": 50,
        "spare": 1,
    },
}


def test_a_curve_of_ishigami_is_the_function_itself(client: FlaskClient) -> None:
    inputs = {"a": {"value": 1, "range": ENDS}, "b": 0.5, "c": 2}
    body = {
        "model": {**ISHIGAMI, "inputs": inputs},
        "parameters": [{"id": "a", "steps": 5}, {"id": "c", "range": [1, 3]}],
    }
    got = client.post("/sensitivity/analyze", json=body)
    assert got.status_code == 200, got.json
    result = got.json["results"]["a"]
    y0 = math.sin(1) + 7 * math.sin(0.5) ** 2 + 1.6 * math.sin(1)
    assert result["baseline_result"] == pytest.approx(y0, rel=1e-14)
    for point in result["sensitivity_curve"]:
        y = 2.6 * math.sin(point["value"]) + 7 * math.sin(0.5) ** 2
        assert point["result"] == pytest.approx(y, abs=1e-14)
    assert result["elasticity"] == pytest.approx(2.6 * math.cos(1) / y0, rel=1e-14)
    slope = 0.4 * 2**3 * math.sin(1)
    elasticity = got.json["results"]["c"]["elasticity"]
    assert elasticity == pytest.approx(slope * 2 / y0, rel=1e-14)
    metadata = got.json["metadata"]
    assert metadata["output"] == "result" and metadata["kernel"] == "numpy"
    assert metadata["model"]["formulas"] == {"result": ISHIGAMI["formula"]}


@pytest.mark.parametrize("sampling", ["sobol", "random"])
def test_monte_carlo_of_ishigami_has_its_closed_form(
    client: FlaskClient, sampling: str
) -> None:
    n = 2**15
    body = {
        "model": ISHIGAMI,
        "parameters": [{}],  # all of them
        "iterations": n,
        "config": {"seed": 0, "sampling": sampling},
    }
    results = client.post("/sensitivity/monte-carlo", json=body).json["results"]
    # four standard errors of independent draws; Sobol points do better
    assert results["mean"] == pytest.approx(3.5, abs=4 * (VARIANCE / n) ** 0.5)
    excess = 0.507  # kurtosis of Ishigami's function less 3
    error = VARIANCE * ((excess + 2) / n) ** 0.5
    assert results["std"] ** 2 == pytest.approx(VARIANCE, abs=4 * error)
    shares = {row["id"]: row["variance_share"] for row in results["contribution"]}
    b = 7**2 / 8 / VARIANCE
    assert shares["b"] == pytest.approx(b, abs=0.03)  # lines in slices of b
    assert shares["c"] == pytest.approx(0, abs=0.03)


def test_several_outputs_come_from_the_same_draws(client: FlaskClient) -> None:
    body = {
        "model": MARGIN,
        "parameters": ["units", "price"],
        "iterations": 4096,
        "config": {"seed": 3, "outputs": ["share", "margin"]},
    }
    answer = client.post("/sensitivity/monte-carlo", json=body).json
    outputs = answer["results"]["outputs"]
    assert list(outputs) == ["share", "margin"]
    assert answer["results"]["mean"] == outputs["share"]["mean"]
    # E[units price] - cost, of independent inputs; 4,096 Sobol points
    assert outputs["margin"]["mean"] == pytest.approx(30 * 2 - 50, abs=0.05)
    said = "model.inputs.spare occurs in no formula and changes nothing"
    assert said in answer["metadata"]["warnings"]
    assert (
        "units: draws are rounded to whole 1/year" in answer["metadata"]["assumptions"]
    )


def test_each_curve_has_every_output(client: FlaskClient) -> None:
    body = {
        "model": MARGIN,
        "parameters": [
            {"id": "cost", "compareToKey": "share"},
            {"name": "units", "mode": "directvalue", "values": [25, 35]},
        ],
        "config": {"outputs": ["margin", "share"]},
    }
    answer = client.post("/sensitivity/analyze", json=body).json
    cost, units = answer["results"]["cost"], answer["results"]["units"]
    assert list(cost["outputs"]) == ["share", "margin"]
    assert cost["outputs"]["margin"]["elasticity"] == pytest.approx(-5)  # -50/10
    assert cost["elasticity"] == pytest.approx(1)  # share is proportional to cost
    assert [p["result"] for p in units["sensitivity_curve"]] == [0, 20]
    # the price has a distribution of its own, so points have intervals
    low, high = (units["confidence_intervals"][0][key] for key in ("lower", "upper"))
    assert low == pytest.approx(-25 * 0.196, abs=0.2) and high == pytest.approx(
        -low, abs=0.3
    )


def test_an_optimum_of_a_formula_is_found(client: FlaskClient) -> None:
    body = {
        "model": {"formula": "(x - 1)**2 + (y + 2)**2", "inputs": {"x": 0, "y": 0}},
        "parameters": {"x": [-5, 5], "y": [-5, 5]},
        "constraints": [{"expression": "x + y", "op": ">=", "value": 0}],
        "config": {"seed": 1},
    }
    got = client.post("/sensitivity/optimize", json=body)
    assert got.status_code == 200, got.json
    # the point of the line x + y = 0 that is nearest to (1, -2)
    assert got.json["best"]["inputs"] == pytest.approx({"x": 1.5, "y": -1.5}, abs=1e-4)
    assert got.json["value"] == pytest.approx(0.5, abs=1e-6)


def one(formula: str, **inputs: Any) -> dict[str, Any]:
    return {"formula": formula, "inputs": inputs or {"x": [1, 2]}}


@pytest.mark.parametrize("address", ["analyze", "monte-carlo", "optimize"])
@pytest.mark.parametrize(
    ("model", "field", "said"),
    [
        (one("x +"), "model.formula", "line 1, column 4"),
        (one("__import__('os').system('ls')"), "model.formula", "column 1"),
        (one("x.real"), "model.formula", "column 2"),
        (one("x + y"), "model.formula", "'y'"),
        (one("(lambda: x)()"), "model.formula", "column"),
        (one("[x for x in x]"), "model.formula", "column"),
        (one("x" * 1_000_000), "model.formula", "10000 characters"),
        (one("(" * 5_000 + "x" + ")" * 4_999), "model.formula", ""),
        (one("x", x={"value": 1, "low": 0}), "model.inputs.x.low", "not a known key"),
        (one("x", x={"distribution": {"kind": "zeta"}}), "model.inputs.x", "beta"),
        (one("x", sin=1), "model.inputs", "word of formulas"),
        ({**one("x"), "overrides": {"S11": 1}}, "model.overrides", "not a known key"),
        ({**one("x"), "version": 1}, "model.version", "not a known key"),
        ({"outputs": {"a": "x", "b": "x +"}, "inputs": {"x": [1, 2]}},
         "model.outputs.b", "line 1, column 4"),
    ],
)  # fmt: skip
def test_a_wrong_formula_is_400_with_its_position(
    client: FlaskClient, address: str, model: Any, field: str, said: str
) -> None:
    body = {"model": model, "parameters": ["x"]}
    got = client.post(f"/sensitivity/{address}", json=body)
    assert got.status_code == 400, got.json
    first = got.json["details"][0]
    assert first["field"].startswith(field), got.json
    assert said in first["problem"]


def test_towers_of_powers_have_no_value_but_harm_nobody(client: FlaskClient) -> None:
    body = {"model": one("x**x**x", x=[100, 200]), "parameters": ["x"]}
    got = client.post("/sensitivity/analyze", json=body)
    assert got.status_code == 400
    assert got.json["code"] == "NO_SOLUTION"
    assert "overflow" in got.json["message"]
    small = {"model": one("x**x**x", x=2), "parameters": ["x"]}
    result = client.post("/sensitivity/analyze", json=small).json["results"]["x"]
    assert result["baseline_result"] == 16


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"version": 1}, "version", "a formula has no version"),
        ({"extension": "loan"}, "extension", "a formula has no extension"),
        ({"parameters": [{"id": "x", "version": 1}]}, "parameters", "no version"),
        ({"parameters": ["z"]}, "parameters[0].id", "there are x"),
        ({"parameters": [{"id": "x", "compareToKey": "price"}]},
         "parameters[0].compareToKey", "no output"),
        ({"parameters": [{"id": "S20", "type": "categorical", "values": ["a", "b"]}]},
         "parameters[0]", ""),
        ({"config": {"outputs": ["price"]}}, "config.outputs[0]", "there are result"),
    ],
)  # fmt: skip
def test_what_only_a_plant_has_is_refused_by_name(
    client: FlaskClient, changes: dict[str, Any], field: str, said: str
) -> None:
    body = {"model": one("x**2"), "parameters": ["x"], **changes}
    got = client.post("/sensitivity/analyze", json=body)
    assert got.status_code == 400, got.json
    first = got.json["details"][0]
    assert first["field"].startswith(field), got.json
    assert said in first["problem"]


@pytest.mark.parametrize("place", ["payload", "config"])
def test_the_socket_runs_formulas_whose_inputs_no_plant_has(
    make_app: Callable[..., Flask], place: str
) -> None:
    client = Watcher(make_app())
    model = {"model": one("3 * spread + 1", spread={"range": [0, 2]})}
    config = {"seed": 1, "iterations": 1000, **(model if place == "config" else {})}
    answer = client.ask(
        "start_analysis",
        analysis_id="f-1",
        type="monte_carlo",
        parameters={"spread": {}},
        config=config,
        **(model if place == "payload" else {}),
    )
    assert answer["ok"] and answer["runner"] == "server", answer
    done = client.first("analysis_complete")
    assert done["status"] == "complete", done["errors"]
    assert done["results"]["results"]["mean"] == pytest.approx(4, abs=0.01)


def test_the_examples_of_the_page_are_what_the_page_says(client: FlaskClient) -> None:
    page = list(blocks(DOCS / "formulas.md"))
    known: dict[str, Any] = {}
    exec(next(b.body for b in page if b.info == "python"), known)
    margin, ishigami = (json.loads(b.body) for b in page if b.info == "json")
    results = client.post("/sensitivity/monte-carlo", json=ishigami).json["results"]
    assert results["mean"] == pytest.approx(known["mean"], abs=1e-3)
    assert results["std"] ** 2 == pytest.approx(known["variance"], abs=0.01)
    shares = {row["id"]: row["variance_share"] for row in results["contribution"]}
    assert shares["b"] == pytest.approx(known["first_of_b"], abs=0.01)
    text = (DOCS / "formulas.md").read_text()
    numbers = [known[k] for k in ("first_of_b", "total_of_c", "shapley_of_c")]
    said = "mean {:.1f}, variance {:.4f}".format(known["mean"], known["variance"])
    assert f"{said}, and indices {', '.join(f'{n:.4f}' for n in numbers)}" in text
    assert client.post("/sensitivity/analyze", json=margin).status_code == 200

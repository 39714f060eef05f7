"""Request bodies: every shape a stored front-end sends, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flask_api.domains.sensitivity.schema import (
    ANALYSES,
    AnalyzeRequest,
    MonteCarloRequest,
    OptimizeRequest,
)
from flask_api.errors import ValidationError
from flask_api.numerics import InputError
from flask_api.validation import validate

#: What the seed's server described, and what its front-ends really send.
ANALYZE_BODIES: dict[str, dict[str, Any]] = {
    "server schema": {
        "parameter": {
            "id": "S11",
            "name": "Bare Erected Cost",
            "type": "numeric",
            "range": {"min": 150000, "max": 250000},
            "steps": 5,
        },
        "type": "multipoint",
        "config": {"monte_carlo_iterations": 100},
    },
    "server schema, monte carlo": {
        "parameter": {
            "id": "S11",
            "name": "Bare Erected Cost",
            "type": "numeric",
            "range": {"min": 150000, "max": 250000},
            "steps": 5,
        },
        "type": "monte_carlo",
        "config": {"monte_carlo_iterations": 100},
    },
    "client": {
        "parameters": [
            {
                "id": "bECAmount11",
                "name": "BEC",
                "type": "numeric",
                "range": {"min": 150000, "max": 250000},
                "steps": 5,
            },
            {
                "id": "S35",
                "name": "Labor",
                "type": "numeric",
                "range": {"min": 20000, "max": 30000},
                "steps": 2,
            },
        ]
    },
    "fetchSensitivityData": {
        "parameters": [{"version": 1, "extension": "", "filters": {}}]
    },
    "fetchSensitivityData, version as text": {
        "parameters": [{"version": "1", "extension": None, "filters": []}]
    },
    "third client": {
        "parameters": [{"type": "numeric", "steps": 5, "range": {"min": 0, "max": 100}}]
    },
    "SenParameters": {
        "parameters": {
            "S11": {
                "mode": "percentage",
                "values": [-20, -10, 10, 20],
                "enabled": True,
                "compareToKey": "S13",
                "comparisonType": "primary",
                "waterfall": True,
                "bar": True,
                "point": False,
            },
            "S34": {
                "mode": "directvalue",
                "values": [8000, 12000],
                "enabled": True,
                "compareToKey": "S13",
                "comparisonType": "secondary",
                "waterfall": False,
                "bar": False,
                "point": True,
            },
            "S35": {
                "mode": "symmetrical",
                "values": [],
                "enabled": False,
                "compareToKey": "S13",
                "comparisonType": "primary",
                "waterfall": False,
                "bar": False,
                "point": False,
            },
            "S36": {"mode": "symmetrical", "values": [20]},
            "S37": {"mode": "multipoint", "values": [2000, 2500, 4000]},
            "S38": {"mode": "multiple", "values": [400, 600]},
            "S32": {"mode": "absolutedeparture", "values": [-0.01, 0.01]},
            "S33": {"mode": "montecarlo", "values": []},
        }
    },
    "socket test": {"parameters": {"bare_erected_cost": {"range": [100000, 200000]}}},
    "mapping with ends": {"parameters": {"S11": {"min": 1e5, "max": 2e5}}},
    "camelCase config": {
        "parameters": [{"id": "S11"}],
        "config": {"monteCarloIterations": 100, "confidenceLevel": 0.9},
        "version": 1,
    },
    "model in one object": {
        "parameters": ["S11"],
        "model": {"version": "1", "overrides": {"S35": 30000}},
    },
}
MONTE_CARLO_BODIES = {
    name: {
        key: value
        for key, value in body.items()
        if key not in ("type", "config", "parameter")
    }
    | ({"parameters": [body["parameter"]]} if "parameter" in body else {})
    | {"iterations": 100}
    for name, body in ANALYZE_BODIES.items()
}


@pytest.mark.parametrize("name", ANALYZE_BODIES)
def test_the_stored_front_ends_can_analyze(name, analyze):
    answer = analyze(ANALYZE_BODIES[name])
    assert answer["ranking"]
    assert answer["metadata"]["model"]["version"] == "1"


@pytest.mark.parametrize("name", MONTE_CARLO_BODIES)
def test_the_stored_front_ends_can_run_monte_carlo(name, monte_carlo):
    answer = monte_carlo(MONTE_CARLO_BODIES[name])
    assert answer["iterations"] == 100
    assert answer["results"]["distribution"]


def test_the_examples_are_valid():
    for analysis in ANALYSES:
        validate(analysis.request, analysis.example)


def test_optimisation_is_offered_under_the_seeds_name_too():
    found = {a.kind: a for a in ANALYSES}["sensitivity.optimize"]
    assert found.request is OptimizeRequest
    assert found.available
    assert found.aliases == ("optimization",)


def _one(**item):
    return {"parameters": [{"id": "S11", **item}]}


NOT_VALID = [
    ({}, "body", "parameters"),
    ({"parameters": []}, "parameters", "at least 1"),
    ({"parameters": 5}, "parameters", "list"),
    ({"parameters": [5]}, "parameters[0]", "object"),
    ({"parameter": {"id": "S11"}, "parameters": ["S12"]}, "body", "one `parameter`"),
    ({"parameters": {"S11": {"enabled": False}}}, "body", "no parameter is enabled"),
    (_one(zig=1), "parameters[0].zig", "not a known key"),
    (_one(range={"min": 2, "max": 1}), "parameters[0].range", "min must be below max"),
    (_one(range=[3, 3]), "parameters[0].range", "min must be below max"),
    (_one(range=[1]), "parameters[0].range", "[min, max]"),
    (_one(range={"min": "1", "max": 2}), "parameters[0].range.min", "number"),
    (_one(range={"min": True, "max": 2}), "parameters[0].range.min", "number"),
    (_one(range={"min": None, "max": 2}), "parameters[0].range.min", "number"),
    (_one(steps=1), "parameters[0].steps", "greater than or equal to 2"),
    (_one(steps=1001), "parameters[0].steps", "less than or equal to 1000"),
    (_one(steps="9"), "parameters[0].steps", "whole number"),
    (_one(mode="sideways"), "parameters[0].mode", "percentage"),
    (_one(mode="percentage"), "parameters[0]", "wants `values`"),
    (_one(mode="percentage", values=[]), "parameters[0]", "empty"),
    (_one(mode="percentage", values=[1, "2"]), "parameters[0]", "'2'"),
    (_one(mode="percentage", values=[True]), "parameters[0]", "True"),
    (_one(values=[1]), "parameters[0]", "want a `mode`"),
    (_one(distribution={"kind": "zeta"}), "parameters[0].distribution", "'triangular'"),
    (_one(distribution={"mean": 1}), "parameters[0].distribution", "kind"),
    (
        _one(distribution={"kind": "normal", "mean": 1, "std": -1}),
        "parameters[0].distribution.std",
        "greater than 0",
    ),
    (
        _one(distribution={"kind": "normal", "mean": "1", "std": 1}),
        "parameters[0].distribution.mean",
        "number",
    ),
    (
        _one(distribution={"kind": "normal", "mean": 1, "std": 1, "low": 0}),
        "parameters[0].distribution.low",
        "not a known key",
    ),
    (
        {"parameters": [{"id": "S11", "version": 1}, {"id": "S12", "version": 2}]},
        "body",
        "one run has one model",
    ),
    ({"parameters": ["S11"], "config": {"seed": -1}}, "config.seed", "greater"),
    ({"parameters": ["S11"], "config": {"seed": 1.5}}, "config.seed", "whole number"),
    ({"parameters": ["S11"], "config": {"seed": True}}, "config.seed", "whole number"),
    ({"parameters": ["S11"], "config": {"outputs": [5]}}, "config.outputs[0]", ""),
    ({"parameters": ["S11"], "config": {"zig": 1}}, "config.zig", "not a known key"),
    (
        {"parameters": ["S11"], "config": {"outputs": ["price", "cost"]}},
        "config.outputs[1]",
        "price, npv, irr",
    ),
    (
        {"parameters": [{"id": "S11", "compareToKey": "S11"}]},
        "parameters[0].compareToKey",
        "price, npv, irr",
    ),
    (
        {
            "model": {"formula": "2 * a", "inputs": {"a": [0, 1]}},
            "parameters": ["a"],
            "config": {"outputs": ["price"]},
        },
        "config.outputs[0]",
        "there are result",
    ),
]


@pytest.mark.parametrize("model", [AnalyzeRequest, MonteCarloRequest])
@pytest.mark.parametrize(("body", "field", "says"), NOT_VALID)
def test_a_wrong_body_is_refused_with_the_fields_name(model, body, field, says):
    with pytest.raises(ValidationError) as caught:
        validate(model, body)
    details = caught.value.details
    assert details[0]["field"] == field
    assert says in details[0]["problem"]


@pytest.mark.parametrize("iterations", [0, -1, 99, 10**12, 1.5, "1000", True, None])
def test_iterations_that_no_run_has_are_refused(iterations):
    with pytest.raises(ValidationError) as caught:
        validate(MonteCarloRequest, {"parameters": ["S11"], "iterations": iterations})
    assert caught.value.details[0]["field"] == "iterations"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"correlation": 0.5}, "config.correlation"),
        ({"stop": "soon"}, "config.stop"),
        ({"stop": {}}, "config.stop.relative_error"),
        ({"stop": {"relative_error": 0}}, "config.stop.relative_error"),
        ({"stop": {"relativeError": 1}}, "config.stop.relativeError"),
        ({"stop": {"relative_error": 0.1, "after": 3}}, "config.stop.after"),
        ({"replicates": 3}, "config.replicates"),
        ({"sampling": "halton"}, "config.sampling"),
    ],
)
def test_settings_that_no_draw_has_are_refused(config, field):
    with pytest.raises(ValidationError) as caught:
        validate(MonteCarloRequest, {"parameters": ["S11"], "config": config})
    assert caught.value.details[0]["field"] == field


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"parameters": ["bare_cost"]}, "parameters[0].id", "bare_erected_cost"),
        ({"parameter": {"id": "S99"}}, "parameter.id", "no input"),
        ({"parameters": ["S11", "bECAmount11"]}, "parameters[1].id", "twice"),
        ({"parameters": ["S11"], "version": 77}, "version", "no price model"),
        ({"parameters": ["S11"], "extension": "zz"}, "extension", "zz"),
        ({"parameters": ["owners_costs"]}, "parameters[0]", "give `range`"),
        (_one(range=[-5, 5]), "parameters[0]", "at least 0"),
        (
            _one(distribution={"kind": "uniform", "low": 2, "high": 1}),
            "parameters[0].distribution",
            "low must be below high",
        ),
        (
            {"parameters": [{"id": "S20", "type": "categorical"}]},
            "parameters[0].values",
            "list its `values`",
        ),
    ],
)
def test_what_the_model_does_not_know_is_refused_by_name(
    body, field, says, analyze, monte_carlo
):
    for run in (analyze, monte_carlo):
        with pytest.raises(InputError) as caught:
            run(body)
        assert caught.value.field == field
        assert says in str(caught.value)


def test_the_web_process_reads_the_schema_without_any_maths():
    code = (
        "import sys; import flask_api.domains.sensitivity.schema; "
        "bad = {'numpy', 'scipy', 'pandas'} & set(sys.modules); sys.exit(str(bad) "
        "if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)

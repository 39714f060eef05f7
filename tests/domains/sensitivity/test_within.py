"""Analyses given that inputs lie in a part of their range: `config.within`."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from typing import Any

import pytest
from flask.testing import FlaskClient

from flask_api.domains.sensitivity.methods import METHODS
from flask_api.errors import ValidationError
from flask_api.numerics import InputError
from tests.domains.sensitivity.conftest import Run

NORMAL = {"kind": "normal", "mean": 0, "std": 1}
SUM = {
    "formula": "a + b",
    "inputs": {"a": {"distribution": NORMAL}, "b": {"distribution": NORMAL}},
}
LINE = {"formula": "a + 2 * b + a * b", "inputs": {"a": [0, 1], "b": [0, 1]}}
#: For what does not depend on size.
SMALL: dict[str, dict[str, Any]] = {
    "delta": {"samples": 256, "resamples": 10},
    "fast": {"samples": 257},
}


def test_a_half_normal_has_the_moments_of_the_book(monte_carlo: Run) -> None:
    body = {"model": SUM, "parameters": ["a", "b"], "iterations": 65_536}
    config = {"seed": 1, "within": {"a": {"min": 0}}}
    answer = monte_carlo(body | {"config": config})
    r, metadata = answer["results"], answer["metadata"]
    std = math.sqrt(1 + 1 - 2 / math.pi)
    # four errors of independent draws: Sobol points are nearer
    assert r["mean"] == pytest.approx(math.sqrt(2 / math.pi), abs=4 * std / 256)
    assert r["std"] == pytest.approx(std, rel=4 / math.sqrt(2 * 65_536))
    shares = {row["id"]: row["variance_share"] for row in r["contribution"]}
    own = 1 - 2 / math.pi
    expected = {"a": own / (1 + own), "b": 1 / (1 + own)}
    assert shares == pytest.approx(expected, abs=0.01)
    assert r["per_parameter"]["a"]["min"] >= 0
    assert r["per_parameter"]["b"]["min"] < -2
    assert metadata["within"] == {
        "probability": 0.5,
        "inputs": {"a": {"min": 0.0, "max": None, "probability": 0.5}},
    }
    assert metadata["inputs"]["a"]["distribution"] == {
        "kind": "truncated",
        "of": NORMAL,
        "low": 0.0,
    }
    said = "a: only from 0, which has a probability of 0.5"
    assert said in metadata["assumptions"]


def test_probabilities_of_several_parts_multiply(monte_carlo: Run) -> None:
    within = {"a": [0, None], "b": [None, 0]}
    body = {"model": SUM, "parameters": ["a", "b"], "iterations": 100}
    answer = monte_carlo(body | {"config": {"seed": 1, "within": within}})
    assert answer["metadata"]["within"]["probability"] == pytest.approx(0.25)


@pytest.mark.parametrize("method", METHODS)
def test_a_part_of_a_uniform_range_is_that_range(analyze: Run, method: str) -> None:
    def ask(b: Any, **config: Any) -> dict[str, Any]:
        config = {"seed": 1, "samples": 512, **SMALL.get(method, {}), **config}
        if method == "morris":
            config["samples"] = 20
        parameters = [{"id": "a"}, {"id": "b", "range": b}]
        body = {"model": LINE, "method": method, "parameters": parameters}
        return analyze(body | {"config": config})

    part = ask([0, 1], within={"b": {"min": 0.25, "max": 0.5}})
    plain = ask([0.25, 0.5])
    assert part["indices"] == plain["indices"]
    # the tornado also shows today's value, 0.5: an end of both
    assert part["tornado"] == plain["tornado"]
    assert part["metadata"]["within"]["inputs"]["b"]["probability"] == 0.25
    assert plain["metadata"]["within"] is None
    assert ask([0, 1])["indices"] != plain["indices"]


def test_first_order_shares_of_a_line_are_those_of_the_part(analyze: Run) -> None:
    # variances 1/12 and 4 (1/4)^2/12: 1 to 1/4
    model = {"formula": "a + 2 * b", "inputs": LINE["inputs"]}
    config = {"seed": 1, "within": {"b": [0.5, 0.75]}}
    body = {"model": model, "method": "sobol", "parameters": [{}], "config": config}
    first = analyze(body)["indices"]["first"]
    # linear: the error is that of sample moments, four times 1/sqrt(4096)
    assert first["a"]["value"] == pytest.approx(0.8, abs=0.06)
    assert first["b"]["value"] == pytest.approx(0.2, abs=0.06)


def test_whole_years_are_restricted_as_they_are_rounded(monte_carlo: Run) -> None:
    body = {
        "parameters": [{"id": "plant_lifetime", "range": [15, 25]}],
        "iterations": 10_000,
        "config": {"seed": 1, "within": {"plant_lifetime": [18, 20]}, "bins": 3},
    }
    answer = monte_carlo(body)
    assert answer["metadata"]["within"]["probability"] == pytest.approx(0.3)
    shares = [bin["probability"] for bin in answer["results"]["distribution"]]
    # three lifetimes, three prices: 10,000 Sobol draws meet each third within 1e-3
    assert shares == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_any_spelling_of_an_input_is_understood(analyze: Run) -> None:
    body = {"method": "src", "parameters": ["labor_cost", "S36"]}
    for name in ("S35", "labor_cost"):
        config = {"seed": 1, "samples": 64, "within": {name: {"max": 24_000}}}
        answer = analyze(body | {"config": config})
        assert list(answer["metadata"]["within"]["inputs"]) == ["labor_cost"]


@pytest.mark.parametrize("method", ["oat", "tornado", "spider", "local"])
def test_methods_that_draw_nothing_say_what_to_use(analyze: Run, method: str) -> None:
    body = {"model": LINE, "method": method, "parameters": [{}]}
    with pytest.raises(InputError, match="range") as caught:
        analyze(body | {"config": {"within": {"a": [0, 0.5]}}})
    assert caught.value.field == "config.within"


@pytest.mark.parametrize(
    ("within", "field", "says"),
    [
        ({"a": [2, 3]}, "config.within.a", "it goes from 0 to 1"),
        ({"c": [0, 1]}, "config.within.c", "no input of the formula"),
        ({"k": [0, 1]}, "config.within.k", "does not vary"),
        ({"b": [0, 0.5]}, "config.within.b", "correlated"),
    ],
)
def test_an_impossible_part_is_refused_by_its_place(
    monte_carlo: Run, analyze: Run, within: Any, field: str, says: str
) -> None:
    inputs = {"a": [0, 1], "b": [0, 1], "d": [0, 1], "k": 2}
    body = {
        "model": {"formula": "a + b + d + k", "inputs": inputs},
        "parameters": ["a", "b", "d"],
        "config": {"within": within, "correlation": [["b", "d", 0.5]]},
    }
    for run, method in ((monte_carlo, {}), (analyze, {"method": "src"})):
        with pytest.raises(InputError) as caught:
            run(body | method)
        assert caught.value.field == field
        assert says in str(caught.value)


def test_one_input_is_restricted_once(monte_carlo: Run) -> None:
    config = {"within": {"S35": [0, 25_000], "labor_cost": [0, 26_000]}}
    with pytest.raises(InputError, match="twice"):
        monte_carlo({"parameters": ["labor_cost"], "config": config})


@pytest.mark.parametrize("part", [{}, [1], [2, 1], {"min": "x"}, [None, None], 3])
def test_what_is_no_part_is_refused(monte_carlo: Run, part: Any) -> None:
    body = {"model": SUM, "parameters": ["a"], "config": {"within": {"a": part}}}
    with pytest.raises(ValidationError) as caught:
        monte_carlo(body)
    assert caught.value.details[0]["field"].startswith("config.within.a")


def test_it_is_answered_over_rest(client: FlaskClient) -> None:
    config = {"seed": 1, "within": {"a": [0, None]}}
    body = {"model": SUM, "parameters": ["a", "b"], "iterations": 100}
    got = client.post("/sensitivity/monte-carlo", json=body | {"config": config})
    assert got.status_code == 200
    assert got.json["metadata"]["within"]["probability"] == 0.5

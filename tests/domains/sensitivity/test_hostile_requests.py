"""Requests at the edge of what can be computed: a number, or a word why there is none.

Where a scale is all that changes, the answer at size 1 is the oracle: no index depends
on the unit of the output.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from flask_api.domains.price.model import OUTPUTS
from flask_api.domains.sensitivity.efficacy.efficacy import (
    MOST_POINTS,
    rolling_correlations,
)
from flask_api.domains.sensitivity.fitting.schema import FitRequest
from flask_api.domains.sensitivity.optimization import job as optimization_job
from flask_api.domains.sensitivity.optimization.schema import OptimizeRequest
from flask_api.domains.sensitivity.parameters_schema import PLANT_OUTPUTS
from flask_api.domains.sensitivity.surface import job as surface_job
from flask_api.domains.sensitivity.surface.schema import SurfaceRequest
from flask_api.errors import ValidationError
from flask_api.numerics.errors import InputError, NoSolutionError
from flask_api.numerics.fitting import fit
from flask_api.validation import validate
from tests.domains.sensitivity.conftest import Run

INPUTS = {"a": [1, 2], "b": [1, 3]}
#: Methods whose numbers are the same in any unit; and those that refuse extremes, with
#: samples that they take.
ANY_UNIT = ("src", "prcc", "pawn", "delta")
BY_SQUARES = {"morris": 16, "sobol": 16, "shapley": 16, "fast": 257, "rbd_fast": 256}


def asked(formula: str, method: str, **config: Any) -> dict[str, Any]:
    return {
        "model": {"formula": formula, "inputs": INPUTS},
        "parameters": ["a", "b"],
        "method": method,
        "config": {"seed": 1, **config},
    }


def values(answer: dict[str, Any]) -> list[Any]:
    """Every index with its bounds, in order."""
    return [row[k] for row in answer["table"] for k in ("value", "lower", "upper")]


@pytest.mark.parametrize("method", ANY_UNIT)
@pytest.mark.parametrize("power", [-600, 600])
def test_indices_of_given_data_are_the_same_bits_in_any_unit(
    analyze: Run, method: str, power: int
) -> None:
    # a power of two changes no digit, so that nothing may differ
    one = analyze(asked("a * b", method, samples=200))
    other = analyze(asked(f"a * b * {2.0**power!r}", method, samples=200))
    assert values(one) == values(other)


@pytest.mark.parametrize("method", BY_SQUARES)
def test_an_output_whose_squares_vanish_is_not_called_constant(
    analyze: Run, method: str
) -> None:
    with pytest.raises(NoSolutionError, match="give the model in a smaller unit"):
        analyze(asked("a * b * 1e-200", method, samples=BY_SQUARES[method]))
    # ... but one that is 0 everywhere does not vary
    answer = analyze(asked("0 * a * b", method, samples=BY_SQUARES[method]))
    assert any("does not vary" in text for text in answer["metadata"]["warnings"])


@pytest.mark.parametrize("method", BY_SQUARES)
def test_an_output_whose_powers_exceed_all_numbers_says_so(
    analyze: Run, method: str
) -> None:
    with pytest.raises(NoSolutionError, match="values beyond 1e\\+75 count as none"):
        analyze(asked("a * b * 1e200", method, samples=BY_SQUARES[method]))


def test_draws_too_large_for_moments_are_left_out_and_told(monte_carlo: Run) -> None:
    body = {"model": {"formula": "a", "inputs": {"a": [1, 2]}}, "iterations": 100}
    answer = monte_carlo(
        body
        | {
            "model": {"formula": "where(a > 1.5, 1e90, a)", "inputs": {"a": [1, 2]}},
            "parameters": ["a"],
            "config": {"seed": 1},
        }
    )
    assert answer["results"]["max"] <= 1.5
    (warning,) = answer["metadata"]["warnings"]
    assert "50 of 100 draws" in warning and "larger unit" in warning
    for formula, says in (("a * 1e300", "larger unit"), ("a * 1e-300", "smaller unit")):
        model = {"formula": formula, "inputs": {"a": [1, 2]}}
        with pytest.raises(NoSolutionError, match=says):
            monte_carlo(body | {"model": model, "parameters": ["a"]})


def surface(body: dict[str, Any], watch: Any) -> dict[str, Any]:
    from flask_api.analysis import Context

    request = validate(SurfaceRequest, body)
    return surface_job.surface(request, watch(), Context())


def test_a_surface_of_huge_draws_is_refused_in_words(watch: Any) -> None:
    body: dict[str, Any] = {
        "model": {"formula": "a * b * 1e300", "inputs": INPUTS},
        "parameters": [{"id": "a", "steps": 3}],
        "uncertain": ["b"],
        "config": {"samples": 16},
    }
    answer = surface(body, watch)  # what is certain has its values
    report = answer["outputs"]["result"]
    assert report["values"][0] == pytest.approx(2e300)
    assert any("48 of 48 draws" in text for text in answer["metadata"]["warnings"])
    body["model"] = {"formula": "a * b * 1e-300", "inputs": INPUTS}
    with pytest.raises(NoSolutionError, match="smaller unit"):
        surface(body, watch)


@pytest.mark.parametrize("method", ["src", "prcc", "pawn"])
@pytest.mark.parametrize("samples", [1, 2, 4])
def test_of_too_few_rows_nothing_is_said_but_how_many_are_wanted(
    analyze: Run, method: str, samples: int
) -> None:
    answer = analyze(asked("a * b", method, samples=samples))
    assert set(values(answer)) == {None}
    (said,) = answer["metadata"]["warnings"]
    assert re.search(f"{samples}, too few for .* at least", said)


def test_pawn_says_how_many_rows_a_slice_has(analyze: Run) -> None:
    said, *_ = analyze(asked("a * b", "pawn", samples=14))["metadata"]["warnings"]
    assert said.startswith("14 rows are 1 or 2 in each of 10 slices, too few")
    flat = analyze(asked("0 * a", "pawn"))["metadata"]["warnings"]
    assert "result does not vary: all its indices are 0" in flat


def optimized(watch: Any, **body: Any) -> dict[str, Any]:
    from flask_api.analysis import Context

    model = {"formula": "a + b", "inputs": INPUTS}
    request = validate(
        OptimizeRequest, {"model": model, "parameters": ["a", "b"]} | body
    )
    return optimization_job.optimize(request, watch(), Context(seed=1))


def test_no_improvement_is_told_on_a_point_that_was_not_allowed(watch: Any) -> None:
    # today: a = 1.5, b = 2
    limit = {"expression": "a", "op": ">=", "value": 1.75}
    answer = optimized(watch, constraints=[limit])
    assert answer["value"] == pytest.approx(2.75) and answer["improvement"] is None
    (said,) = answer["metadata"]["warnings"]
    assert "today's values break a >= 1.75" in said
    kept = optimized(watch, constraints=[limit | {"value": 1.25}])
    assert kept["improvement"] == pytest.approx(3.5 - 2.25)
    assert kept["metadata"]["warnings"] == []


def test_searches_say_in_our_words_why_they_did_not_converge(watch: Any) -> None:
    flat = {"formula": "5 + 0 * a", "inputs": INPUTS}
    answer = optimized(watch, model=flat, parameters=["a"], method="shgo")
    assert "no local minimum found" in answer["message"]
    step = {"formula": "where(a > 1.5, 1, 0)", "inputs": INPUTS}
    answer = optimized(watch, model=step, parameters=["a"], method="lbfgsb")
    assert "abnormal" not in answer["message"]


@pytest.mark.parametrize(
    ("method", "sampling", "used"),
    [("src", "random", "copula"), ("shapley", "sobol", "copula")],
)
def test_the_answer_tells_how_correlated_inputs_were_drawn(
    analyze: Run, method: str, sampling: str, used: str
) -> None:
    tied = {"pairs": [["a", "b", 0.5]]}
    body = asked("a * b", method, samples=64, sampling=sampling, correlation=tied)
    assert analyze(body)["metadata"]["correlation"]["method"] == used


@pytest.mark.parametrize(
    ("sampling", "used"), [("lhs", "iman_conover"), ("sobol", "copula")]
)
def test_draws_tell_how_correlated_inputs_were_drawn(
    monte_carlo: Run, sampling: str, used: str
) -> None:
    body = {
        "model": {"formula": "a * b", "inputs": INPUTS},
        "parameters": ["a", "b"],
        "iterations": 100,
        "config": {"sampling": sampling, "correlation": {"pairs": [["a", "b", 0.5]]}},
    }
    assert monte_carlo(body)["metadata"]["correlation"]["method"] == used


def test_a_spider_tells_the_percentages_it_was_asked_for(analyze: Run) -> None:
    asked_for = [-10.0, 0.1, 12.3, 30.0]
    inputs = {"a": 7.3, "b": {"value": 3, "integer": True}}
    curves = analyze(
        {
            "model": {"formula": "a * b", "inputs": inputs},
            "parameters": ["a", "b"],
            "method": "spider",
            "config": {"percentages": asked_for},
        }
    )["results"]
    assert [p["change"] for p in curves["a"]["sensitivity_curve"]] == asked_for
    # 3 less 10 % is 3 in whole numbers, and 30 % more are 4
    rounded = [p["change"] for p in curves["b"]["sensitivity_curve"]]
    assert rounded == pytest.approx([0, 100 / 3])


def test_without_a_range_a_curve_goes_where_nine_of_ten_draws_are(
    analyze: Run,
) -> None:
    shape = {"kind": "normal", "mean": 10, "std": 1}
    body: dict[str, Any] = {
        "model": {"formula": "a", "inputs": {"a": 10}},
        "parameters": [{"id": "a", "distribution": shape}],
        "method": "tornado",
    }
    told = analyze(body)["results"]["a"]["metadata"]
    half = 1.6448536269514722  # 95 % quantile of a Gaussian
    assert told["range"] == pytest.approx({"min": 10 - half, "max": 10 + half})
    assert told["range_origin"] == "distribution"
    # a range that is given counts, and one value gives no range
    body["parameters"] = [{"id": "a", "distribution": shape, "range": [9, 10.5]}]
    told = analyze(body)["results"]["a"]["metadata"]
    assert told["range"] == {"min": 9, "max": 10.5}
    shape = {"kind": "constant", "value": 10}
    body["parameters"] = [{"id": "a", "distribution": shape}]
    told = analyze(body)["results"]["a"]["metadata"]
    assert told["range"] == {"min": 8, "max": 12}


def test_a_rule_that_a_zero_can_never_meet_says_so(monte_carlo: Run) -> None:
    answer = monte_carlo(
        {
            "model": {"formula": "5 + 0 * a", "inputs": {"a": [0, 1]}},
            "parameters": ["a"],
            "iterations": 500,
            "config": {"stop": {"metric": "std", "relative_error": 0.1}},
        }
    )
    assert answer["converged"] is False
    assert "stop by another metric" in answer["metadata"]["warnings"][-1]


def test_weights_that_exceed_all_numbers_are_refused(monte_carlo: Run) -> None:
    shape = {"kind": "discrete", "values": [1, 2], "weights": [1e308, 1e308]}
    with pytest.raises(InputError, match="must be a number above 0"):
        monte_carlo(
            {
                "model": {"formula": "a", "inputs": {"a": 1}},
                "parameters": [{"id": "a", "distribution": shape}],
                "iterations": 100,
            }
        )


def test_ends_without_a_beta_are_refused() -> None:
    body = {"data": [1.0, 2.0], "kinds": ["normal"], "range": [0, 5]}
    with pytest.raises(ValidationError) as caught:
        validate(FitRequest, body)
    assert caught.value.details[0]["field"] == "range"
    assert validate(FitRequest, body | {"kinds": ["beta"]}).range is not None


@pytest.mark.parametrize(
    ("setting", "method", "wrong", "says"),
    [
        ("levels", "morris", 7, "2 to 1,000"),
        ("resamples", "delta", 1, "2 to 10,000"),
    ],
)
def test_a_refusal_names_the_bounds_that_the_schema_has(
    analyze: Run, setting: str, method: str, wrong: int, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        analyze(asked("a * b", method, samples=64, **{setting: wrong}))


def test_the_web_process_knows_the_outputs_of_a_plant() -> None:
    assert tuple(OUTPUTS) == PLANT_OUTPUTS


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ({"kind": "norm", "mean": 0}, "`kind` must be one of 'normal', 'lognormal'"),
        ({"mean": 0}, "`kind` is missing"),
        ({}, "`kind` is missing"),
        ({"kind": None}, "got null"),
    ],
)
def test_an_unknown_kind_of_distribution_is_refused_in_plain_words(
    analyze: Run, shape: dict[str, Any], says: str
) -> None:
    body = asked("a * b", "oat") | {"parameters": [{"id": "a", "distribution": shape}]}
    with pytest.raises(ValidationError) as caught:
        analyze(body)
    (problem,) = caught.value.details
    assert problem["field"] == "parameters[0].distribution"
    assert says in problem["problem"] and "tag" not in problem["problem"]


def test_many_windows_are_looked_at_evenly() -> None:
    x = np.arange(40_000.0)
    y = np.concatenate([x[:20_000], x[19_999::-1]]) + np.sin(x)
    found = rolling_correlations(x, y)
    assert len(found) * 10_000 == MOST_POINTS
    starts = np.rint(np.linspace(0, 30_000, len(found))).astype(int)
    assert starts[0] == 0 and starts[-1] + 10_000 == len(x)
    wanted = [np.corrcoef(x[i : i + 10_000], y[i : i + 10_000])[0, 1] for i in starts]
    # two ways to add up 10,000 products: sqrt(10,000) roundings of 1e-16
    assert found == pytest.approx(wanted, abs=1e-12)
    few = rolling_correlations(x[:100], y[:100])
    assert len(few) == 76  # every window of 25


@pytest.mark.parametrize("ends", [(-1.5e308, 1.5e308), (0, 1e308), (0, 1e12), (0, 1e5)])
def test_a_beta_range_far_wider_than_the_data_is_refused(
    ends: tuple[float, float],
) -> None:
    answer = fit([1.0, 2, 3, 4, 5, 6, 7, 8], ["normal", "beta"], ends)
    assert [item["kind"] for item in answer["unfit"]] == ["beta"]
    assert "narrower" in answer["unfit"][0]["reason"]
    # a thousand times is wide, and fits
    assert not fit([1.0, 2, 3, 4, 5, 6, 7, 8], ["beta"], (0, 7000.0))["unfit"]

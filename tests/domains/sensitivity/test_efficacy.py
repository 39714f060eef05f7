"""Scores of an analysis: each by its closed form, each form of the request."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from flask_api.analysis import Context
from flask_api.domains.sensitivity.efficacy import efficacy as maths
from flask_api.domains.sensitivity.efficacy.job import efficacy
from flask_api.domains.sensitivity.efficacy.schema import EFFICACY, EfficacyRequest
from flask_api.errors import Conflict, ValidationError
from flask_api.jobs.registry import Registry
from flask_api.numerics.errors import InputError
from flask_api.validation import validate

NO_WORTH = "there is nothing to score"
LINE = [1.0, 2.0, 3.0, 4.0, 5.0]


class Silent:
    """Progress that nobody watches."""

    def __call__(self, done: float, total: float, *rest: Any, **partial: Any) -> None:
        assert 0 <= done <= total

    def warn(self, message: str) -> None:
        assert message

    def phase(self, name: str) -> None:
        assert name


@pytest.fixture
def score() -> Callable[..., dict[str, Any]]:
    """The answer for a JSON body, without a server."""

    def run(body: Any, **context: Any) -> dict[str, Any]:
        answer = efficacy(validate(EfficacyRequest, body), Silent(), Context(**context))
        found: dict[str, Any] = orjson.loads(
            orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
        )
        return found

    return run


def series(values: Any = (), prices: Any = (), **more: Any) -> dict[str, Any]:
    validation = more.pop("validation_data", None)
    body: dict[str, Any] = {
        "sensitivity_data": {"points": [{"value": v} for v in values], **more},
        "price_data": {"points": [{"price": p} for p in prices]},
    }
    return body if validation is None else body | {"validation_data": validation}


# -- formulas ----------------------------------------------------------------------


def test_errors_of_predictions_by_hand() -> None:
    found = maths.errors(np.array([1.0, 2.0, 4.0]), np.array([1.0, 4.0, 2.0]))
    assert found.mae == pytest.approx(4 / 3)
    assert found.rmse == pytest.approx(math.sqrt(8 / 3))
    assert found.mape == pytest.approx((0 + 0.5 + 1) / 3)
    around = (4 / 3) ** 2 + (5 / 3) ** 2 + (1 / 3) ** 2
    assert found.r_squared == pytest.approx(1 - 8 / around)
    # R^2 is below 0 and counts as 0
    assert found.score == pytest.approx((1 / 1.5 + 0) / 2)


def test_right_predictions_score_one() -> None:
    same = np.array(LINE)
    assert maths.errors(same, same) == maths.Errors(0, 0, 0, 1)
    assert maths.errors(same, same).score == 1


def test_what_has_no_value_is_none() -> None:
    zeros = maths.errors(np.ones(2), np.zeros(2))
    assert (zeros.mape, zeros.r_squared, zeros.score) == (None, None, None)
    assert maths.consistency(np.array([1.0, 2.0])) is None
    assert maths.convergence(np.array([1.0])) is None
    assert maths.steadiness(np.array([1.0])) is None
    assert maths.correlation(np.ones(5), np.array(LINE)) is None
    assert maths.agreement([], []) is None
    assert maths.mean([None]) is None
    assert maths.weighted({"accuracy": None}, maths.OVERALL) is None


def test_the_paired_test_is_that_of_scipy() -> None:
    predicted, actual = np.random.default_rng(0).normal(size=(2, 12))
    found = maths.paired_test(predicted, actual)
    wanted = stats.ttest_rel(predicted, actual)
    assert found is not None
    assert found.t_statistic == pytest.approx(wanted.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(wanted.pvalue, rel=1e-9)
    assert maths.paired_test(actual, actual) == maths.PairedTest(0, 1)
    assert maths.paired_test(np.ones(3), np.zeros(3)) is None
    assert maths.paired_test(np.ones(1), np.zeros(1)) is None


@pytest.mark.parametrize(
    ("function", "values", "wanted"),
    [
        (maths.consistency, LINE, 1),
        (maths.consistency, [3, 3, 3], 1),
        (maths.consistency, [0, 1, 4], 1 - 1 / 2),  # steps 1 and 3: std 1, mean 2
        (maths.consistency, [0, 1, 0], 0),  # steps 1 and -1: std 1, mean size 1
        (maths.convergence, [1.0, 0.5, 0.25], 0.75),
        (maths.convergence, [0.5, -2.0, 1.0], 0.5),
        (maths.convergence, [1, 2, 3], 0),
        (maths.convergence, [0, 0], 1),
        (maths.steadiness, [2, 2], 1),
        (maths.steadiness, [1, 3], 1 / (1 + 1 / 2)),
        (maths.steadiness, [-1, -3], 1 / (1 + 1 / 2)),
        (maths.steadiness, [-1, 1], 0),
        (maths.steadiness, [0, 0], 1),
    ],
)
def test_parts_have_their_closed_form(
    function: Any, values: list[float], wanted: float
) -> None:
    assert function(np.array(values, dtype=float)) == pytest.approx(wanted)


def test_correlation_is_that_of_numpy_and_rolls_over_a_quarter() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 20))
    assert maths.correlation(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    rolled = maths.rolling_correlations(x, y)
    wanted = [np.corrcoef(x[i : i + 5], y[i : i + 5])[0, 1] for i in range(16)]
    assert rolled == pytest.approx(wanted)
    x[:5] = 1  # one window in which x stays as it is
    assert len(maths.rolling_correlations(x, y)) == 15


def test_weights_go_to_the_parts_that_are_there() -> None:
    # .3 and .25 of what stays, and not the weights of the first two by position
    parts = {"accuracy": 1.0, "performance": None, "stability": 0.0, "confidence": None}
    assert maths.weighted(parts, maths.OVERALL) == pytest.approx(0.3 / 0.55)
    assert sum(maths.OVERALL.values()) == pytest.approx(1)
    assert sum(maths.CONFIDENCE.values()) == pytest.approx(1)


def test_levers_are_leverage_times_certainty() -> None:
    found = maths.levers(
        [
            maths.Effect("small", 0.1, 1.0, 0.25),
            maths.Effect("large", 0.4, 2.0, 1.0),
            maths.Effect("lost", 0.2, 1.0, 3.0),
            maths.Effect("unsure", 0.2, 1.0, None),
            maths.Effect("idle", 0.0, 0.0, 0.0),
        ]
    )
    assert [lever.id for lever in found][:2] == ["large", "small"]
    by_id = {lever.id: lever for lever in found}
    assert by_id["large"] == maths.Lever("large", 1.0, 0.5, 0.5)
    assert by_id["small"] == maths.Lever("small", 0.25, 0.75, 0.1875)
    assert by_id["lost"] == maths.Lever("lost", 0.5, 0.0, 0.0)
    assert by_id["unsure"] == maths.Lever("unsure", 0.5, None, None)
    assert by_id["idle"] == maths.Lever("idle", 0.0, 1.0, 0.0)


def test_without_relative_effects_levers_are_scaled_by_size() -> None:
    effects = [maths.Effect("a", None, 2.0, 0.0), maths.Effect("b", None, 1.0, 0.0)]
    assert [lever.leverage for lever in maths.levers(effects)] == [1.0, 0.5]
    assert maths.levers([maths.Effect("a", 0.0, 0.0, 1.0)])[0].efficacy == 0


FLOATS = st.floats(-1e6, 1e6, allow_nan=False)
SAME_LENGTH = st.integers(0, 12).flatmap(
    lambda n: st.tuples(*[st.lists(FLOATS, min_size=n, max_size=n)] * 2)
)


@given(SAME_LENGTH, SAME_LENGTH, st.lists(FLOATS, max_size=6))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_score_lies_between_zero_and_one(
    points: Any, compared: Any, iterations: Any
) -> None:
    body = series(
        *points,
        predictions=compared[0],
        iterations=[{"error": e} for e in iterations],
        validation_data={"actual_values": compared[1]},
    )
    try:
        found = efficacy(validate(EfficacyRequest, body), Silent(), Context())
    except InputError as error:
        assert NO_WORTH in str(error)
        return
    facts = found["metadata"]
    told = [found[f"{name}_score"] for name in ("overall", "confidence", "stability")]
    for part in ("parts", "parts_of_confidence", "parts_of_stability"):
        told += facts[part].values()
    assert all(value is None or 0 <= value <= 1 for value in told)
    assert found["overall_score"] is not None


# -- the series form ---------------------------------------------------------------


def test_the_whole_series_form_by_hand(score: Callable[..., Any]) -> None:
    got = score(
        series(
            LINE,
            [2.0, 4.0, 6.0, 8.0, 10.0],
            predictions=[1, 2, 4],
            iterations=[{"error": 1.0}, {"error": 0.5}, {"error": 0.25}],
            computation_time=0.5,
            trends=["increasing", "flat", -3],
            validation_data={
                "actual_values": [1, 4, 2],
                "trends": [1, "increasing", "down"],
            },
        )
    )
    accuracy = 1 / 3  # as above
    steady = 1 / (1 + math.sqrt(2) / 3)  # std of 1 to 5 is sqrt 2; prices alike
    stability = (steady + steady + 1) / 3  # the windows all correlate with 1
    confidence = 0.4 * accuracy + 0.2 * 1 + 0.2 * 0.75 + 0.2 * stability
    performance = (0.75 + 1) / 2
    assert got["accuracy_metrics"]["score"] == pytest.approx(accuracy)
    assert got["accuracy_metrics"]["consistency"] == 1
    assert got["accuracy_metrics"]["price_alignment"] == pytest.approx(1)
    assert got["performance_metrics"] == pytest.approx(
        {
            "convergence": 0.75,
            "convergence_rate": -0.375,
            "completeness": 1,
            "value_range": 4,
            "value_std": math.sqrt(2),
            "points_per_second": 10,
            "score": performance,
        }
    )
    assert got["stability_score"] == pytest.approx(stability)
    assert got["confidence_score"] == pytest.approx(confidence)
    assert got["overall_score"] == pytest.approx(
        0.3 * accuracy + 0.2 * performance + 0.25 * stability + 0.25 * confidence
    )
    assert got["validation_results"]["trend_accuracy"] == pytest.approx(2 / 3)
    assert got["validation_results"]["prediction_metrics"]["mape"] == pytest.approx(0.5)
    tests = got["validation_results"]["statistical_tests"]
    assert tests["t_statistic"] == pytest.approx(0)
    assert tests["p_value"] == pytest.approx(1)
    assert got["metadata"]["data_points"] == 5
    assert got["metadata"]["validation_performed"] is True
    assert [m["part"] for m in got["metadata"]["missing"]] == ["levers"]


def test_what_is_missing_is_named_and_left_out(score: Callable[..., Any]) -> None:
    got = score(series([2.0, 2.0, 2.0], [3.0, 3.0, 3.0]))
    missing = {m["part"] for m in got["metadata"]["missing"]}
    assert missing == {"accuracy", "convergence", "stability.correlation", "levers"}
    assert len(got["metadata"]["warnings"]) == 4
    assert got["accuracy_metrics"]["score"] is None
    assert got["overall_score"] == got["confidence_score"] == 1
    assert got["metadata"]["validation_performed"] is False


def test_points_without_an_answer_are_counted(score: Callable[..., Any]) -> None:
    got = score(series([1.0, None, 3.0, 4.0], [1.0, 2.0, None, 4.0]))
    assert got["performance_metrics"]["completeness"] == 0.5
    assert got["metadata"]["data_points"] == 4


def test_directions_come_from_the_series_where_no_trends_are_given(
    score: Callable[..., Any],
) -> None:
    got = score(
        series(
            predictions=[1, 2, 1, 1], validation_data={"actual_values": [5, 6, 7, 7]}
        )
    )
    assert got["validation_results"]["trend_accuracy"] == pytest.approx(2 / 3)


def test_bare_numbers_and_camel_case_are_understood(score: Callable[..., Any]) -> None:
    got = score(
        {
            "sensitivityData": {"points": LINE, "computationTime": 1.0},
            "priceData": {"points": LINE},
            "validationData": {"actualValues": []},
        }
    )
    assert got["overall_score"] is not None


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (series([1, 2], [1, 2, 3]), "price_data.points", "2 values"),
        (
            series(predictions=[1, 2], validation_data={"actual_values": [1]}),
            "validation_data.actual_values",
            "predictions 2",
        ),
        (
            series([1, 2], validation_data={"actual_values": [1]}),
            "validation_data.actual_values",
            "predictions 0",
        ),
        (
            series([1, 2], trends=[1], validation_data={"trends": [1, 2]}),
            "validation_data.trends",
            "trends 1",
        ),
        (
            series([1, 2], trends=["upwards"], validation_data={"trends": [1]}),
            "sensitivity_data.trends[0]",
            "upwards",
        ),
        (series(), "sensitivity_data", NO_WORTH),
        (series([None], [None]), None, None),
    ],
)
def test_series_that_do_not_fit_are_refused(
    score: Callable[..., Any], body: Any, field: str | None, said: str | None
) -> None:
    if field is None:
        assert score(body)["performance_metrics"]["completeness"] == 0
        return
    with pytest.raises(InputError, match=said) as caught:
        score(body)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "sensitivity_data"),
        ({"sensitivity_data": {}}, "price_data"),
        ({**series(), "sensitivity_data": []}, "sensitivity_data"),
        ({**series(), "sensitivity_data": {"curve": []}}, "sensitivity_data.curve"),
        (series(["a"]), "sensitivity_data.points[0].value"),
        (series([1e200]), "sensitivity_data.points[0].value"),
        (series([1e200]), "sensitivity_data.points[0].value"),
        (series(computation_time=0), "sensitivity_data.computation_time"),
        (series(predictions=5), "sensitivity_data.predictions"),
        ({**series(), "price_data": {"points": [{}]}}, "price_data.points[0].price"),
        (
            {**series(), "sensitivity_data": {"analysis_id": 5}},
            "sensitivity_data.analysis_id",
        ),
        (
            {**series(), "sensitivity_data": {"results": []}},
            "sensitivity_data.results",
        ),
        ({**series(), "price_data": {"price_data": 5}}, "price_data.price_data"),
    ],
)
def test_a_wrong_body_names_its_field(body: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(EfficacyRequest, body)
    assert field in [detail["field"] for detail in caught.value.details]


# -- answers of other analyses -----------------------------------------------------


def curve(
    x0: float, ends: tuple[float, float], results: list[float | None], half: float
) -> dict[str, Any]:
    x = np.linspace(*ends, len(results)).tolist()
    return {
        "baseline_value": x0,
        "baseline_result": 2.0,
        "sensitivity_curve": [
            {"value": a, "result": b} for a, b in zip(x, results, strict=True)
        ],
        "elasticity": 0.5,
        "confidence_intervals": [
            {"value": a, "lower": 1 - half, "upper": 1 + half} for a in x
        ],
        "metadata": {"output": "price", "range": {"min": ends[0], "max": ends[1]}},
    }


def test_levers_of_an_answer_by_hand(score: Callable[..., Any]) -> None:
    answer = {
        "analysis_id": "x",
        "results": {
            "capital": curve(100, (50, 150), [1.0, 2.0, 3.0], 0.5),
            "labour": curve(10, (9, 11), [1.9, 2.0, 2.1], 0.05),
        },
    }
    prices = {"price_data": {"current_price": 2.5, "price_history": []}}
    got = score({"sensitivity_data": answer, "price_data": prices})
    capital, labour = got["levers"]
    # .5 x 100/100 and .5 x 2/10; half-widths .5 of a swing of 2, .05 of .2
    assert capital == {
        "id": "capital",
        "leverage": 1.0,
        "certainty": 0.75,
        "efficacy": 0.75,
    }
    assert labour["leverage"] == pytest.approx(0.2)
    assert labour["certainty"] == pytest.approx(0.75)
    assert labour["efficacy"] == pytest.approx(0.15)
    # the analysis' price 2 against 2.5: an error of a fifth
    assert got["accuracy_metrics"]["score"] == pytest.approx(1 / 1.2)
    assert got["accuracy_metrics"]["price_alignment"] == pytest.approx(1 / 1.2)
    assert got["performance_metrics"]["completeness"] == 1
    spread = math.sqrt(2 / 3)
    wanted = (1 / (1 + spread / 2) + 1 / (1 + spread / 20)) / 2
    assert got["stability_score"] == pytest.approx(wanted)
    missing = {m["part"] for m in got["metadata"]["missing"]}
    assert missing == {"convergence", "stability.price", "stability.correlation"}


def test_an_input_that_is_zero_today_is_judged_by_its_swing(
    score: Callable[..., Any],
) -> None:
    answer = {
        "results": {
            "zero": curve(0, (-1, 1), [1.0, 2.0, 3.0], 0.0) | {"elasticity": 0.0},
            "other": curve(100, (50, 150), [1.0, 2.0, 3.0], 0.0),
        }
    }
    got = score({"sensitivity_data": answer, "price_data": {"price_data": {}}})
    by_id = {lever["id"]: lever for lever in got["levers"]}
    assert by_id["zero"]["leverage"] == 1.0  # swing 2 of 2
    assert by_id["other"]["leverage"] == 0.5


def test_indices_with_intervals_are_levers_too(score: Callable[..., Any]) -> None:
    rows = {
        "a": {"value": 0.8, "lower": 0.6, "upper": 1.0},
        "b": {"value": 0.2, "lower": -0.2, "upper": 0.6},
    }
    answer = {"results": {}, "indices": {"first": {}, "total": rows}}
    got = score({"sensitivity_data": answer, "price_data": {"points": [1.0, 1.0]}})
    assert got["levers"] == [
        {
            "id": "a",
            "leverage": 1.0,
            "certainty": pytest.approx(0.75),
            "efficacy": pytest.approx(0.75),
        },
        {"id": "b", "leverage": pytest.approx(0.25), "certainty": 0.0, "efficacy": 0.0},
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"results": {}}, "no curve"),
        ({"results": {"a": 5}}, "no object"),
        ({"results": {"a": {"sensitivity_curve": {}}}}, "no list"),
        ({"results": {"a": {"sensitivity_curve": [5]}}}, "no list"),
        ({"results": {}, "indices": {"total": {"a": {}}}}, "no number"),
    ],
)
def test_what_is_no_answer_of_ours_is_refused(
    score: Callable[..., Any], answer: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        score({"sensitivity_data": answer, "price_data": {}})
    assert str(caught.value.field).startswith("sensitivity_data.")


def test_what_came_is_held_against_the_one_curve(score: Callable[..., Any]) -> None:
    one = {
        "parameter_id": "S11",
        "results": curve(100, (50, 150), [1.0, 2.0, 3.0], 0.5),
    }
    body = {
        "sensitivity_data": one,
        "price_data": {},
        "validation_data": {"actual_values": [1, 2, 3]},
    }
    assert score(body)["accuracy_metrics"]["score"] == 1
    assert score(body)["levers"][0]["id"] == "S11"
    several = {"results": {"a": one["results"], "b": one["results"]}}
    with pytest.raises(InputError, match="predictions"):
        score({**body, "sensitivity_data": several})


# -- over REST ---------------------------------------------------------------------

BODY = {
    "parameters": [
        {"id": "S11", "range": [150e3, 250e3]},
        {"id": "labor_cost", "range": [20e3, 30e3]},
    ],
    "type": "monte_carlo",
    "config": {"seed": 1},
}


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_example_is_answered(client: FlaskClient, prefix: str) -> None:
    got = client.post(f"{prefix}/sensitivity/efficacy", json=dict(EFFICACY[0].example))
    assert got.status_code == 200
    assert list(got.json)[0] == "analysis_id"
    assert 0 < got.json["overall_score"] < 1


def test_answers_and_their_ids_score_alike(client: FlaskClient) -> None:
    analysis = client.post("/sensitivity/analyze", json=BODY)
    price = client.get("/price/data")
    whole = {"sensitivityData": analysis.json, "priceData": price.json}
    named = {
        "sensitivity_data": {"analysis_id": analysis.json["analysis_id"]},
        "price_data": {"analysisId": price.headers["X-Job-ID"]},
    }
    one, other = (
        client.post("/sensitivity/efficacy", json=body) for body in (whole, named)
    )
    assert one.status_code == other.status_code == 200, other.json
    keys = ("overall_score", "levers", "accuracy_metrics", "stability_score")
    assert [one.json[k] for k in keys] == [other.json[k] for k in keys]
    assert [lever["id"] for lever in one.json["levers"]] == ["labor_cost", "S11"]
    assert one.json["accuracy_metrics"]["price_alignment"] == 1
    assert other.json["metadata"]["forms"] == {
        "sensitivity_data": "job",
        "price_data": "job",
    }


def test_a_job_that_is_unknown_unfinished_or_of_another_kind_is_refused(
    app: Flask, client: FlaskClient
) -> None:
    def ask(id: str, path: str = "/sensitivity/efficacy") -> Any:
        body = {"sensitivity_data": {"analysis_id": id}, "price_data": {}}
        if path == "/api/jobs":
            return client.post(
                path, json={"kind": "sensitivity.efficacy", "params": body}
            )
        return client.post(path, json=body)

    registry: Registry = app.extensions["registry"]
    for owner, name in (("anonymous", "running"), ("another", "foreign")):
        registry.clients.start(
            owner=owner, client_id=name, total_steps=1, parameters=[]
        )
    for path in ("/sensitivity/efficacy", "/api/jobs"):
        for id in ("nobody", "foreign"):
            unknown = ask(id, path)
            assert unknown.status_code == 404
            assert unknown.json["code"] == "JOB_NOT_FOUND"
            details = unknown.json["details"]
            assert details[0]["field"] == "sensitivity_data.analysis_id"
        unfinished = ask("running", path)
        assert unfinished.status_code == 409
        assert "running" in unfinished.json["message"]
    wrong = ask(client.get("/price/data").headers["X-Job-ID"])
    assert wrong.status_code == 400
    assert wrong.json["details"][0]["field"] == "sensitivity_data.analysis_id"
    assert "price.data" in wrong.json["message"]


def test_a_result_that_was_deleted_meanwhile_is_told(
    app: Flask, client: FlaskClient
) -> None:
    registry: Registry = app.extensions["registry"]
    id = client.post("/sensitivity/analyze", json=BODY).json["analysis_id"]
    body = {"sensitivity_data": {"analysis_id": id}, "price_data": {}}
    done = client.post("/sensitivity/efficacy", json=body).json["analysis_id"]
    assert registry.sources(registry.get("anonymous", done)) is not None
    registry.delete("anonymous", id)
    again = client.post(f"/api/jobs/{done}/rerun").json
    job = registry.wait("anonymous", again["id"], 60)
    assert job.error is not None
    assert job.error["code"] == "JOB_NOT_FOUND"
    assert "deleted" in job.error["message"]


def test_a_large_result_is_read_from_its_file(
    score: Callable[..., Any], tmp_path: Path
) -> None:
    answer = {"results": {"a": curve(100, (50, 150), [1.0, 2.0, 3.0], 0.5)}}
    file = tmp_path / "result.json"
    file.write_bytes(orjson.dumps(answer))
    source = {"kind": "sensitivity.analyze", "path": str(file), "data": None}
    body = {"sensitivity_data": {"analysis_id": "x"}, "price_data": {}}
    assert score(body, sources={"x": source})["levers"][0]["id"] == "a"
    file.unlink()
    with pytest.raises(Conflict, match="run the job again"):
        score(body, sources={"x": source})


def test_lengths_that_differ_are_named_in_the_answer(client: FlaskClient) -> None:
    got = client.post("/sensitivity/efficacy", json=series([1, 2], [1, 2, 3]))
    assert got.status_code == 400
    assert got.json["code"] == "INVALID_INPUT"
    assert got.json["details"][0]["field"] == "price_data.points"

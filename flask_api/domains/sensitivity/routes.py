"""Sensitivity over REST, at `/sensitivity/...` and `/api/sensitivity/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from flask_api.domains.price.catalogue_routes import data_revision
from flask_api.domains.price.inputs import canonical
from flask_api.domains.sensitivity.derivatives.schema import (
    DerivativesBody,
    DerivativesQuery,
)
from flask_api.domains.sensitivity.fitting.schema import FitAnswer
from flask_api.domains.sensitivity.surface.schema import SurfaceAnswer
from flask_api.errors import NotFound
from flask_api.http.answers import Accepted
from flask_api.http.body import json_object, query
from flask_api.http.openapi import described
from flask_api.http.waiting import answer
from flask_api.numerics.errors import InputError
from flask_api.validation import validate

bp = Blueprint("sensitivity", __name__)

_ERRORS = {400: None, 409: None, 413: None, 415: None, 503: None, 504: None}


class AnalyzeAnswer(BaseModel):
    """How the output follows each input."""

    analysis_id: str
    parameter_id: str | None = Field(None, description="where one was asked for")
    method: str
    results: dict[str, Any] = Field(
        description="by parameter id; of a single `parameter`: its keys directly"
    )
    ranking: list[dict[str, Any]] = Field(description="[{id, effect}], widest first")
    tornado: list[dict[str, Any]] = Field(description="[{id, low, high, swing}]")
    indices: dict[str, Any] | None = Field(
        None,
        description="of a method that judges all inputs: {<index>: {<id>: {value, "
        "lower, upper}}}, such as first, total; second: [{id, with, value, ...}]",
    )
    outputs: dict[str, Any] | None = Field(
        None, description="{<output>: {ranking, indices, ...}}"
    )
    table: list[dict[str, Any]] | None = Field(
        None, description="the indices row by row: [{output, index, id, with, ...}]"
    )
    metadata: dict[str, Any]


class MonteCarloAnswer(BaseModel):
    """How the output is distributed when inputs are uncertain."""

    analysis_id: str
    results: dict[str, Any] = Field(
        description="distribution, percentiles, moments, convergence, contribution"
    )
    iterations: int
    converged: bool | None
    metadata: dict[str, Any]


class OptimizeAnswer(BaseModel):
    """The inputs at which the objective is best."""

    analysis_id: str
    best: dict[str, Any] = Field(description="{inputs: {<id>: value}, outputs}")
    value: float | None = Field(description="the objective there")
    baseline: dict[str, Any] = Field(description="{inputs, outputs, value} of today")
    improvement: float | None = Field(description="null where a target is sought")
    solutions: list[dict[str, Any]] | None = Field(
        None, description="of a target: every solution found, nearest to today's first"
    )
    decisions: list[dict[str, Any]] = Field(
        description="[{id, value, baseline, min, max, unit, bound}]"
    )
    constraints: list[dict[str, Any]] = Field(
        description="[{constraint, left, op, value, slack, active}]"
    )
    active_constraints: list[str] = Field(description="constraints and bounds met")
    trace: list[dict[str, Any]] = Field(
        description="[{evaluations, phase, value, violation}]: the best so far"
    )
    evaluations: int
    converged: bool
    message: str
    metadata: dict[str, Any]


class EfficacyAnswer(BaseModel):
    """What an analysis is worth: scores from 0 to 1, null where data is missing."""

    analysis_id: str
    overall_score: float | None
    confidence_score: float | None
    stability_score: float | None
    accuracy_metrics: dict[str, float | None] = Field(
        description="mae, rmse, mape, r_squared, score, consistency, price_alignment"
    )
    performance_metrics: dict[str, float | None] = Field(
        description="convergence, convergence_rate, completeness, value_range, "
        "value_std, points_per_second, score"
    )
    validation_results: dict[str, Any] = Field(
        description="prediction_metrics, statistical_tests, trend_accuracy"
    )
    levers: list[dict[str, Any]] = Field(
        description="[{id, leverage, certainty, efficacy}], best first"
    )
    metadata: dict[str, Any] = Field(description="parts, weights, missing, warnings")


class DerivativesAnswer(BaseModel):
    """How the price moves with one input."""

    parameter: str
    version: str
    extension: str | None
    derivatives: dict[str, Any] = Field(
        description=(
            "grid, price, first_order, second_order, elasticity: lists along the "
            "input; cross_effects: d2p/dxdy by other input, at the model's values"
        )
    )
    table: list[dict[str, Any]] = Field(description="the lists again, row by row")
    metadata: dict[str, Any]


@bp.post("/sensitivity/analyze")
@bp.post("/api/sensitivity/analyze")
@described(
    tag="sensitivity",
    kind="sensitivity.analyze",
    waits=True,
    answers={200: AnalyzeAnswer, 202: Accepted, **_ERRORS},
)
def analyze() -> Response:
    """Vary inputs of a model and see how its output follows, by one of 13 methods.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("sensitivity.analyze", json_object())


@bp.post("/sensitivity/monte-carlo")
@bp.post("/api/sensitivity/monte-carlo")
@described(
    tag="sensitivity",
    kind="sensitivity.monte_carlo",
    waits=True,
    answers={200: MonteCarloAnswer, 202: Accepted, **_ERRORS},
)
def monte_carlo() -> Response:
    """Draw uncertain inputs many times and see how the output is distributed.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("sensitivity.monte_carlo", json_object())


@bp.post("/sensitivity/optimize")
@bp.post("/api/sensitivity/optimize")
@described(
    tag="sensitivity",
    kind="sensitivity.optimize",
    waits=True,
    answers={200: OptimizeAnswer, 202: Accepted, **_ERRORS},
)
def optimize() -> Response:
    """Find the inputs at which an output is lowest, highest, or has a given value.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("sensitivity.optimize", json_object())


@bp.post("/sensitivity/efficacy")
@bp.post("/api/sensitivity/efficacy")
@described(
    tag="sensitivity",
    kind="sensitivity.efficacy",
    waits=True,
    answers={200: EfficacyAnswer, 202: Accepted, 404: None, **_ERRORS},
)
def efficacy() -> Response:
    """Score what an analysis is worth, and which inputs are the best levers.

    Takes series, answers of `/sensitivity/analyze` and `/price/data`, or the ids of
    such jobs.
    """
    return answer("sensitivity.efficacy", json_object())


@bp.post("/sensitivity/surface")
@bp.post("/api/sensitivity/surface")
@described(
    tag="sensitivity",
    kind="sensitivity.surface",
    waits=True,
    answers={200: SurfaceAnswer, 202: Accepted, **_ERRORS},
)
def surface() -> Response:
    """Compute outputs over a grid of one or two decisions, certain or uncertain.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("sensitivity.surface", json_object())


@bp.post("/sensitivity/fit")
@bp.post("/api/sensitivity/fit")
@described(
    tag="sensitivity",
    kind="sensitivity.fit",
    waits=True,
    answers={200: FitAnswer, 202: Accepted, **_ERRORS},
)
def fit() -> Response:
    """Fit distributions to data by maximum likelihood, and rank them.

    Each is written as the `distribution` of a parameter, so that it can be pasted.
    """
    return answer("sensitivity.fit", json_object())


@bp.get("/sensitivity/derivatives/<parameter>")
@bp.get("/api/sensitivity/derivatives/<parameter>")
@described(
    tag="sensitivity",
    kind="sensitivity.derivatives",
    query=DerivativesQuery,
    waits=True,
    answers={
        200: DerivativesAnswer,
        202: Accepted,
        **dict.fromkeys((304, 400, 404, 503, 504)),
    },
)
def derivatives(parameter: str) -> Response:
    """First and second derivative of the price along an input, and cross effects.

    `parameter` is an input by canonical name, S-number or the seed's property name.
    Cached by question and model files, with ETag and 304.
    """
    _refuse_unknown(parameter)
    asked = validate(DerivativesQuery, query(DerivativesQuery))
    return answer(
        "sensitivity.derivatives",
        {"parameter": parameter, **asked.model_dump(exclude_none=True)},
        with_id=False,
        data_revision=data_revision(asked.version or "1"),
        reuse=True,
    )


@bp.post("/sensitivity/derivatives/<parameter>")
@bp.post("/api/sensitivity/derivatives/<parameter>")
@described(
    tag="sensitivity",
    body=DerivativesBody,
    waits=True,
    answers={200: DerivativesAnswer, 202: Accepted, 404: None, **_ERRORS},
)
def changed_derivatives(parameter: str) -> Response:
    """The same for a plant with changed values or conventions, which is not stored.

    `model.overrides` names what differs from the file.
    """
    _refuse_unknown(parameter)
    body = json_object()
    asked = validate(DerivativesBody, body)
    return answer(
        "sensitivity.derivatives",
        {**body, "parameter": parameter},
        with_id=False,
        data_revision=data_revision(asked.chosen().version),
        reuse=True,
    )


def _refuse_unknown(parameter: str) -> None:
    try:
        canonical(parameter, field="parameter")
    except InputError as error:
        problem = str(error)
        raise NotFound(
            problem, details=[{"field": "parameter", "problem": problem}]
        ) from None

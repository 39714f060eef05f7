"""Sensitivity over REST, at `/sensitivity/...` and `/api/sensitivity/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from flask_api.domains.price.catalogue_routes import data_revision
from flask_api.domains.price.inputs import canonical
from flask_api.domains.sensitivity.derivatives_schema import (
    DerivativesBody,
    DerivativesQuery,
)
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
    results: dict[str, Any]
    metadata: dict[str, Any]


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
    """Vary inputs of a model and see how its output follows.

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
    """Find the inputs at which an objective is best.

    Answered NOT_AVAILABLE by versions that do not offer it.
    """
    return answer("sensitivity.optimize", json_object())


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
    asked = validate(DerivativesBody, json_object())
    return answer(
        "sensitivity.derivatives",
        {**asked.model_dump(exclude_none=True), "parameter": parameter},
        with_id=False,
        data_revision=data_revision(),
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

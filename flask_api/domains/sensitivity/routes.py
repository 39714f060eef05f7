"""Sensitivity over REST, at `/sensitivity/...` and `/api/sensitivity/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from flask_api.http.answers import Accepted
from flask_api.http.body import json_object
from flask_api.http.openapi import described
from flask_api.http.waiting import answer

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

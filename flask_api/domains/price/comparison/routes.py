"""Variants and changes over REST, at `/price/...` and `/api/price/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from flask_api.http.answers import Accepted
from flask_api.http.body import json_object
from flask_api.http.openapi import described
from flask_api.http.waiting import answer

bp = Blueprint("comparison", __name__)

_ERRORS = {400: None, 409: None, 413: None, 415: None, 503: None, 504: None}


class PriceComparisonAnswer(BaseModel):
    """Prices of variants beside a base, and what makes each difference."""

    base_version: str
    base_price: float
    comparisons: dict[str, Any] = Field(
        description="by variant id: price, price_difference, percentage_change, "
        "drivers, impact_metrics, waterfall, error"
    )
    summary: list[dict[str, Any]] = Field(description="the same without drivers")
    metadata: dict[str, Any]


class PriceImpactAnswer(BaseModel):
    """What changes do to a price: each alone, then all together."""

    analysis_id: str
    base_price: float
    optimized_price: float = Field(
        description="after all changes, within the constraints"
    )
    changes: list[dict[str, Any]] = Field(
        description="[{id, price, difference}]: each change alone"
    )
    metrics: dict[str, Any] = Field(
        description="price_elasticity, revenue_impact, confidence_interval"
    )
    market_position: dict[str, Any] = Field(
        description="percentile, relative_position, market_share_estimate"
    )
    sensitivity_metrics: dict[str, Any] = Field(description="`<id>_impact` by id")
    metadata: dict[str, Any]


@bp.post("/price/comparison")
@bp.post("/api/price/comparison")
@described(
    tag="price",
    kind="price.comparison",
    waits=True,
    answers={200: PriceComparisonAnswer, 202: Accepted, **_ERRORS},
)
def price_comparison() -> Response:
    """Price variants of a plant beside a base, and split each difference.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("price.comparison", json_object(), with_id=False)


@bp.post("/price/impact")
@bp.post("/api/price/impact")
@described(
    tag="price",
    kind="price.impact",
    waits=True,
    answers={200: PriceImpactAnswer, 202: Accepted, **_ERRORS},
)
def price_impact() -> Response:
    """See what changes of inputs do to the price, each alone and all together.

    Answers the result, or 202 with the job's address where it takes longer.
    """
    return answer("price.impact", json_object())

"""Prices over REST, at `/price/...` and `/api/price/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app
from pydantic import BaseModel, Field

from flask_api.analysis import Request
from flask_api.domains.price.revision import revision
from flask_api.http.answers import Accepted
from flask_api.http.body import query
from flask_api.http.openapi import described
from flask_api.http.waiting import answer
from flask_api.settings import Settings
from flask_api.validation import validate

bp = Blueprint("price", __name__)

_ERRORS = {304: None, 400: None, 503: None, 504: None}


class PriceDataQuery(Request):
    """Which plant to price."""

    version: str | None = Field(
        None, min_length=1, max_length=64, description="model version; default 1"
    )
    extension: str | None = Field(
        None, max_length=64, description="variant of that version; empty: none"
    )


class NoQuery(Request):
    """Nothing can be asked for."""


class PriceDataAnswer(BaseModel):
    """Minimum selling price of a plant, with its year table."""

    version: str
    extension: str | None
    price_data: dict[str, Any] = Field(
        description="prices, metrics, economics, cost breakdown, cash flow by year"
    )
    metadata: dict[str, Any]


class PriceModelsAnswer(BaseModel):
    """All price models there are."""

    models: list[dict[str, Any]] = Field(
        description="version, title, inputs with units and sources, extensions"
    )
    metadata: dict[str, Any]


@bp.get("/price/data")
@bp.get("/api/price/data")
@described(
    tag="price",
    kind="price.data",
    query=PriceDataQuery,
    waits=True,
    answers={200: PriceDataAnswer, 202: Accepted, **_ERRORS},
)
def price_data() -> Response:
    """The price at which a plant earns exactly its required rate of return.

    With where its costs come from and every year's cash flow.
    """
    return _cached("price.data", PriceDataQuery)


@bp.get("/price/models")
@bp.get("/api/price/models")
@described(
    tag="price",
    kind="price.models",
    query=NoQuery,
    waits=True,
    answers={200: PriceModelsAnswer, 202: Accepted, **_ERRORS},
)
def price_models() -> Response:
    """All price models, with inputs, units, conventions and sources."""
    return _cached("price.models", NoQuery)


def _cached(kind: str, model: type[Request]) -> Response:
    settings: Settings = current_app.config["SETTINGS"]
    folder = settings.models_dir
    asked = validate(model, query(model))
    return answer(
        kind,
        asked.model_dump(exclude_none=True),
        with_id=False,
        data_revision=revision(str(folder) if folder else None),
        reuse=True,
    )

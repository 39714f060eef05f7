"""Prices over REST, at `/price/...` and `/api/price/...`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from flask_api.analysis import Request
from flask_api.domains.price.catalogue_routes import bp as catalogue
from flask_api.domains.price.catalogue_routes import data_revision
from flask_api.domains.price.comparison.routes import bp as comparison
from flask_api.domains.price.schema import NoQuery, PriceDataRequest
from flask_api.http.answers import Accepted
from flask_api.http.body import json_object, query
from flask_api.http.documents import Form, answer_as
from flask_api.http.openapi import described
from flask_api.http.waiting import answer
from flask_api.validation import validate

bp = Blueprint("price", __name__)
bp.register_blueprint(catalogue)
bp.register_blueprint(comparison)

_ERRORS = {304: None, 400: None, 503: None, 504: None}
_POST_ERRORS = dict.fromkeys((400, 409, 413, 415, 503, 504))


class PriceDataQuery(Request):
    """Which plant to price."""

    version: str | None = Field(
        None, min_length=1, max_length=64, description="model version; default 1"
    )
    extension: str | None = Field(
        None, max_length=64, description="variant of that version; empty: none"
    )
    format: Form = Field(
        "json", description="csv: the year table; xlsx: a workbook; html: a report"
    )


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
    asked = validate(PriceDataQuery, query(PriceDataQuery))
    return _cached("price.data", asked, asked.version or "1")


@bp.post("/price/data")
@bp.post("/api/price/data")
@described(
    tag="price",
    kind="price.data",
    waits=True,
    answers={200: PriceDataAnswer, 202: Accepted, **_POST_ERRORS},
)
def changed_price_data() -> Response:
    """The same for a plant with changed values or conventions, which is not stored.

    `model.overrides` names what differs from the file.
    """
    body = json_object()
    asked = validate(PriceDataRequest, body)
    return answer(
        "price.data",
        body,
        with_id=False,
        data_revision=data_revision(asked.chosen().version),
        reuse=True,
    )


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
    return _cached("price.models", validate(NoQuery, query(NoQuery)))


def _cached(kind: str, asked: Request, version: str | None = None) -> Response:
    params = asked.model_dump(exclude_none=True)
    form: Form = params.pop("format", "json")
    return answer_as(form, kind, params, data_revision=data_revision(version))

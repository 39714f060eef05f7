"""Data over REST: upload, look at, list, delete, at `/api/v1/data`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, jsonify, url_for
from pydantic import BaseModel, Field

from flask_api.analysis import Request
from flask_api.domains.market.data.receiving import (
    facts_of,
    received,
    there,
    uploads,
)
from flask_api.domains.market.data.schema import DataGiven
from flask_api.domains.market.data.words import counted
from flask_api.errors import Conflict, InvalidInput, NotFound, ValidationError
from flask_api.http.auth import current_owner
from flask_api.http.body import query
from flask_api.http.openapi import Media, described
from flask_api.http.waiting import registry
from flask_api.jobs.job import Job, Status
from flask_api.validation import validate

bp = Blueprint("market_data", __name__)

_UNFINISHED = tuple(status for status in Status if not status.terminal)
_FORM = Media("multipart/form-data", "the file as a part with a file name")


class DataAnswer(BaseModel):
    """A table that was read: what its columns are."""

    data_id: str = Field(description="names it in `POST /api/v1/runs`")
    sha256: str = Field(description="of the file")
    n_rows: int
    columns: list[dict[str, Any]] = Field(
        description="name, kind (binary, numeric, text), missing, constant, ..."
    )
    preview: list[list[Any]] = Field(description="the first rows")
    warnings: list[str] = Field(description="what was guessed")
    created_at: str


class DataReading(BaseModel):
    """The data are still being read; ask again at `location`."""

    data_id: str
    status: str
    location: str


class DataRow(BaseModel):
    """Data as one row of a list."""

    data_id: str
    sha256: str
    n_rows: int
    n_columns: int
    binary_columns: int
    created_at: str


class DataList(BaseModel):
    """A page of your data, the newest first."""

    data: list[DataRow]
    total: int
    limit: int
    offset: int


class DataQuery(Request):
    """How much of the data to show."""

    rows: int = Field(10, ge=0, le=50, description="of the preview")


class DataListQuery(Request):
    """Which data to list."""

    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10**9)


@bp.post("/api/v1/data")
@described(
    tag="market data",
    body=DataGiven,
    also=_FORM,
    answers={
        201: DataAnswer,
        202: DataReading,
        **dict.fromkeys((400, 413, 415, 503, 507)),
    },
)
def upload_data() -> Response:
    """Keep a table for runs: a file (multipart), or JSON with `data`.

    A worker reads it; 202 where that takes longer than the wait. The same content has
    the same id.
    """
    fields, data_id = received()
    if data_id is None:
        problem = "is missing: send a file (multipart/form-data), or JSON with `data`"
        raise ValidationError(
            f"data: {problem}", details=[{"field": "data", "problem": problem}]
        )
    for name in fields:
        problem = "is not a known key; known here: data, encoding, separator, header"
        raise ValidationError(
            f"{name[:60]}: {problem}", details=[{"field": name, "problem": problem}]
        )
    uploads().own(data_id)
    return _answer(data_id, _read(data_id), HTTPStatus.CREATED, 10)


@bp.get("/api/v1/data/<id>")
@described(
    tag="market data",
    query=DataQuery,
    answers={200: DataAnswer, 202: DataReading, 404: None},
)
def read_data(id: str) -> Response:
    """What a table holds: its columns and first rows."""
    asked = validate(DataQuery, query(DataQuery))
    return _answer(id, _read(id), HTTPStatus.OK, asked.rows)


def _read(data_id: str) -> dict[str, Any] | None:
    """What is in data; those that can't be read are not kept."""
    try:
        return facts_of(data_id)
    except InvalidInput:
        uploads().delete(data_id)
        raise


def _answer(
    data_id: str, facts: dict[str, Any] | None, status: HTTPStatus, rows: int
) -> Response:
    location = url_for("market.market_data.read_data", id=data_id)
    if facts is None:
        response = jsonify(data_id=data_id, status="reading", location=location)
        response.status_code = HTTPStatus.ACCEPTED
        response.headers["Retry-After"] = "1"
    else:
        shown = {**facts, "preview": facts["preview"][:rows]}
        response = jsonify({"data_id": data_id, **shown})
        response.status_code = status
    response.headers["Location"] = location
    return response


@bp.get("/api/v1/data")
@described(tag="market data", query=DataListQuery, answers={200: DataList})
def list_data() -> Response:
    """Your data that runs can name."""
    asked = validate(DataListQuery, query(DataListQuery))
    found = uploads()
    ids = [id for id in found.ids() if found.owned(id)]
    rows = []
    for data_id in ids[asked.offset : asked.offset + asked.limit]:
        facts = found.facts(data_id)
        if facts is not None:
            kinds = [column["kind"] for column in facts["columns"]]
            rows.append(
                {
                    "data_id": data_id,
                    **{k: facts[k] for k in ("sha256", "n_rows", "created_at")},
                    "n_columns": len(kinds),
                    "binary_columns": kinds.count("binary"),
                }
            )
    return jsonify(data=rows, total=len(ids), limit=asked.limit, offset=asked.offset)


@bp.delete("/api/v1/data/<id>")
@described(tag="market data", answers={204: None, 404: None, 409: None})
def delete_data(id: str) -> Response:
    """Remove data; 409 while a run needs them."""
    found = there(id)
    users = runs_that_need(id)
    if users:
        raise Conflict(
            f"{counted(len(users), 'unfinished run')} of yours named these data, such "
            f"as {users[0]}: wait for its end, or cancel it"
        )
    found.delete(id)
    return current_app.response_class(status=HTTPStatus.NO_CONTENT)


def runs_that_need(data_id: str) -> list[str]:
    """Ids of the caller's unfinished jobs that name the data."""
    owner, jobs = current_owner(), registry()
    kinds = [kind for kind in jobs.analyses.names() if kind.startswith("market.")]
    rows, total = jobs.list(owner, status=_UNFINISHED, kind=kinds, limit=500)
    while len(rows) < total:
        more, total = jobs.list(
            owner, status=_UNFINISHED, kind=kinds, limit=500, offset=len(rows)
        )
        if not more:
            break
        rows += more
    return [job.public_id for job in rows if _data_of(owner, job) == data_id]


def _data_of(owner: str, row: Job) -> Any:
    if row.data_revision:
        return row.data_revision
    try:
        params = registry().get(owner, row.id).params
    except NotFound:
        return None  # deleted meanwhile
    return orjson.loads(params).get("data_id")

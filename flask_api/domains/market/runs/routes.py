"""Runs of models over REST, at `/api/v1/runs`: jobs in seed 001's words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Literal

from flask import Blueprint, Response, current_app, jsonify, url_for
from pydantic import Field

from flask_api.analysis import Request
from flask_api.domains.market.data.checks import (
    products,
    refuse_product_as_count,
    refuse_text,
    refuse_unfit,
    refuse_unusable,
)
from flask_api.domains.market.data.receiving import facts_of, received, there, uploads
from flask_api.domains.market.runs.answers_schema import (
    RunAnswer,
    RunBody,
    RunDetail,
    RunList,
)
from flask_api.domains.market.runs.dialect import run_row
from flask_api.domains.market.runs.files import kept_files
from flask_api.domains.market.runs.leftovers import sweep
from flask_api.domains.market.runs.registry import BY_KIND, BY_TYPE, MODELS
from flask_api.domains.market.runs.request_schema import Model, RunRequest, columns_of
from flask_api.errors import (
    Conflict,
    InvalidInput,
    JobNotFound,
    ServiceError,
    ValidationError,
)
from flask_api.http.auth import current_owner
from flask_api.http.body import query
from flask_api.http.openapi import Form, Media, described
from flask_api.http.waiting import idempotency, preference, registry
from flask_api.jobs.job import Job, Status
from flask_api.numerics.errors import InputError
from flask_api.settings import Settings
from flask_api.store.base import Order
from flask_api.validation import validate

bp = Blueprint("market_runs", __name__)

_FORM = Media(
    "multipart/form-data",
    "the data as a part with a file name; params, product_columns as JSON text",
)
#: What a run may ask, by its `model_type`.
_FORMS = {
    model.model_type: Form(
        {"model_type": model.model_type}, model.request, model.example
    )
    for model in MODELS
}
#: Seconds that a run may wait for its data to be read and judged; after them the run
#: is there, and its worker judges. The seed's client gives up after five.
_JUDGED_S = 2.0
#: Cells are judged before the run in tables of so many rows.
_JUDGED_ROWS = 200_000
_ERRORS = dict.fromkeys((400, 404, 409, 413, 415, 503, 507))
_ORDERS: Mapping[str, Order] = {
    "created_at": "created",
    "completed_at": "finished",
    "name": "name",
}


class RunsQuery(Request):
    """Which runs to list."""

    status: (
        Literal["pending", "queued", "running", "completed", "failed", "cancelled"]
        | None
    ) = None
    model_type: str | None = Field(None, max_length=64)
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10**9)
    order_by: Literal["created_at", "completed_at", "name"] = "created_at"
    order_dir: Literal["asc", "desc"] = "desc"


def run_named(id: str) -> Job:
    """The caller's run with this id. Raises JobNotFound, also for other jobs."""
    try:
        job = registry().get(current_owner(), id)
    except JobNotFound:
        raise JobNotFound(
            f"there is no run {id[:130]!r}; GET /api/v1/runs lists yours"
        ) from None
    if job.kind not in BY_KIND:
        raise JobNotFound(
            f"{id[:130]!r} is a job of kind {job.kind}, not a run of a market model: "
            f"GET /api/jobs/{id[:130]}"
        )
    return job


@bp.post("/api/v1/runs")
@described(
    tag="market runs",
    body=RunBody,
    also=_FORM,
    forms=_FORMS,
    answers={201: RunAnswer, **_ERRORS},
)
def create_run() -> Response:
    """Fit a model: parameters and data are judged first, then 201 with the run.

    Watch it at `/api/v1/progress/{id}/stream`. Data come as `data` (base64 or JSON), as
    `data_id` of an earlier upload, or as a file (multipart).
    """
    fields, data_id = received()
    if data_id is not None and fields.get("data_id", fields.get("dataId")) is not None:
        problem = "give either data or data_id, not both"
        raise ValidationError(
            f"data_id: {problem}", details=[{"field": "data_id", "problem": problem}]
        )
    if data_id is None:
        return _created(fields)
    try:
        return _created({**fields, "data_id": data_id})
    except ServiceError:
        # They came with this request, and nobody knows their id.
        settings: Settings = current_app.config["SETTINGS"]
        sweep(registry(), settings.data_folder, current_owner(), data_id)
        raise


def _created(fields: dict[str, Any]) -> Response:
    """The run that the fields ask for, once all of them are judged."""
    asked = validate(RunBody, fields)
    model = _model_of(asked.model_type)
    request = _request_of(model, asked)
    until = time.monotonic() + preference(_JUDGED_S).wait_s
    facts = facts_of(str(asked.data_id), preference(_JUDGED_S).wait_s)
    names = None if facts is None else _judged(model, request, facts)
    if facts is not None and facts["n_rows"] <= _JUDGED_ROWS:
        _judge_cells(model, request, until)
    uploads().touch(str(asked.data_id))
    remarks: dict[str, Any] = {
        "description": asked.description,
        "params": request["params"],
        "data_id": asked.data_id,
        "product_columns": names if names and sum(map(len, names)) < 4000 else None,
    }
    if facts is not None and names is not None and not _changes_rows(request):
        shape = {"n_obs": facts["n_rows"], "n_items": len(names)}
        remarks["data_shape"] = shape
    submission = registry().submit(
        model.kind,
        request,
        owner=current_owner(),
        name=asked.name,
        metadata={"market": {k: v for k, v in remarks.items() if v is not None}},
        idempotency=idempotency(),
        data_revision=str(asked.data_id),
    )
    response = jsonify(run_row(submission.job))
    response.status_code = HTTPStatus.CREATED
    response.headers["Location"] = url_for(
        "market.market_runs.read_run", id=submission.job.public_id
    )
    response.headers["X-Job-ID"] = submission.job.public_id
    if submission.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _changes_rows(request: Mapping[str, Any]) -> bool:
    """Whether as many rows are fitted as the data have is known only to the worker."""
    return request.get("missing") == "drop" or "count_column" in request


def _model_of(model_type: str) -> Model:
    model = BY_TYPE.get(model_type)
    if model is None:
        known = ", ".join(model.model_type for model in MODELS)
        raise ValidationError(
            f"model_type: there is no model {model_type[:60]!r}; there are {known}",
            details=[{"field": "model_type", "problem": f"must be one of {known}"}],
        )
    return model


def _request_of(model: Model, asked: RunBody) -> dict[str, Any]:
    """The job's request, once its parameters are those of the model."""
    if asked.data_id is None:
        problem = "is missing: give data (csv_base64 or data_json), data_id or a file"
        raise ValidationError(
            f"data: {problem}", details=[{"field": "data", "problem": problem}]
        )
    there(asked.data_id)
    given = asked.model_dump(
        include={"product_columns", "missing", "count_column"}, exclude_none=True
    )
    request = {"params": asked.params, "data_id": asked.data_id, **given}
    checked: RunRequest = validate(model.request, request)
    params = checked.model_dump(exclude_none=True)["params"]
    return {**request, "params": params}


def _judged(
    model: Model, request: Mapping[str, Any], facts: Mapping[str, Any]
) -> list[str] | None:
    """The product columns, once all columns can be used; None for other data.

    Raises InvalidInput naming column and row.
    """
    columns, missing = facts["columns"], request.get("missing", "refuse")
    names: list[str] | None = None
    try:
        if model.of_products:
            asked, counts = request.get("product_columns"), request.get("count_column")
            for name in model.numeric_columns:
                wanted = columns_of(request["params"], name)
                refuse_unfit(columns, wanted, asked, f"params.{name}")
            beside = model.columns_named(request["params"])
            if counts is not None:
                refuse_product_as_count(counts, asked)
                refuse_text(columns, [counts], "count_column")
                beside.append(counts)
            names = products(columns, asked, least=model.least_products, beside=beside)
            refuse_unusable(columns, names, missing, model.takes_missing)
        if model.check is not None:
            model.check(request["params"], facts, names or [])
    except InputError as error:
        raise InvalidInput(
            str(error),
            details=[{"field": error.field or "data", "problem": str(error)}],
        ) from None
    return names


def _judge_cells(model: Model, request: Mapping[str, Any], until: float) -> None:
    """Have a worker refuse what it can until then; later the run's own refuses it.

    Raises the refusal.
    """
    judge, left = model.judged_by, until - time.monotonic()
    if judge is None or left <= 0:
        return
    known = judge.params.model_fields
    params = {k: v for k, v in request["params"].items() if k in known}
    asked, owner = {"data_id": request["data_id"], "params": params}, current_owner()
    job = registry().submit(judge.kind, asked, owner=owner).job
    job = registry().wait(owner, job.id, left)
    if job.status is Status.FAILED:
        registry().result(owner, job.id)  # raises what it failed with
    if not job.status.terminal:
        with suppress(Conflict):  # it has ended meanwhile: so much the better
            registry().cancel(owner, job.id, by=owner)


@bp.get("/api/v1/runs")
@described(tag="market runs", query=RunsQuery, answers={200: RunList, 400: None})
def list_runs() -> Response:
    """Your runs, filtered and in the order you like, page by page."""
    asked = validate(RunsQuery, query(RunsQuery))
    if asked.model_type is not None:
        kinds = [_model_of(asked.model_type).kind]
    else:
        kinds = list(BY_KIND)
    status = "pending" if asked.status == "queued" else asked.status
    owner = current_owner()
    rows, total = registry().list(
        owner,
        status=() if status is None else (Status(status),),
        kind=kinds,
        limit=asked.limit,
        offset=asked.offset,
        oldest_first=asked.order_dir == "asc",
        order=_ORDERS[asked.order_by],
    )
    runs = [run_row(job) for row in rows if (job := _whole(owner, row)) is not None]
    return jsonify(runs=runs, total=total, limit=asked.limit, offset=asked.offset)


def _whole(owner: str, row: Job) -> Job | None:
    """The job of a row with its bulk; None where it was deleted meanwhile."""
    try:
        return registry().get(owner, row.id)
    except JobNotFound:
        return None


@bp.get("/api/v1/runs/<id>")
@described(tag="market runs", answers={200: RunDetail, 404: None})
def read_run(id: str) -> Response:
    """A run: what was asked, how far it is, in short what it found, and its files."""
    job = run_named(id)
    return jsonify(run_row(job) | {"files": kept_files(job)})


@bp.post("/api/v1/runs/<id>/cancel")
@described(tag="market runs", answers={200: RunAnswer, 404: None, 409: None})
def cancel_run(id: str) -> Response:
    """Stop a run; 409 for one that has ended. What it told last stays."""
    owner = current_owner()
    job = registry().cancel(owner, run_named(id).id, by=owner)
    return jsonify(run_row(job))


@bp.delete("/api/v1/runs/<id>")
@described(tag="market runs", answers={204: None, 404: None, 409: None})
def delete_run(id: str) -> Response:
    """Remove a run with its results and files; a running one is cancelled first.

    Data that came with it go too, once no other run names them.
    """
    job = run_named(id)
    registry().delete(current_owner(), job.id)
    return current_app.response_class(status=HTTPStatus.NO_CONTENT)

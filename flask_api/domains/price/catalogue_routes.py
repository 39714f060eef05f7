"""Stored price models over REST: `/price/models`, also under `/api`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import BaseModel, Field

from flask_api.domains.price.revision import (
    ModelText,
    model_files,
    model_text,
    revision,
)
from flask_api.domains.price.schema import NoQuery, RevisionQuery, StoreQuery
from flask_api.domains.price.stored import MAX_BYTES, Refused, Revision, Stored
from flask_api.errors import (
    Conflict,
    DiskFull,
    Gone,
    NotFound,
    UnsupportedMediaType,
    ValidationError,
)
from flask_api.http.answers import Accepted
from flask_api.http.auth import current_owner
from flask_api.http.body import json_object, query, text_body
from flask_api.http.error_handlers import service_error
from flask_api.http.openapi import Media, described
from flask_api.http.waiting import (
    accepted,
    complete,
    finished,
    idempotency,
    preference,
    registry,
    result_of,
    whole,
)
from flask_api.settings import Settings
from flask_api.validation import validate

bp = Blueprint("price_models", __name__)

YAML = "application/yaml"
_YAML_TYPES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")
_YAML_LIMIT = "a model text may have {limit} bytes"


class StoredAnswer(BaseModel):
    """A stored revision, with its solved price."""

    version: str
    revision: int
    timestamp: str
    sha256: str = Field(description="of the text")
    title: str
    price: float = Field(description="solved, at the text's own values")
    unit: str = Field(description="of the price")
    comment: str | None
    extension_prices: dict[str, float] = Field(description="by extension")
    warnings: list[str]


class RevisionRow(StoredAnswer):
    """A revision in the history."""

    etag: str


class RevisionsAnswer(BaseModel):
    """Every revision of a version, the first one first."""

    version: str
    origin: str = Field(description="built-in, models_dir or stored")
    retired_at: str | None
    revisions: list[RevisionRow] = Field(description="none of a file")
    total: int


def stored_models() -> Stored:
    """What the caller has stored."""
    settings: Settings = current_app.config["SETTINGS"]
    return Stored(settings.stored_models_folder.absolute(), current_owner())


def models_dir() -> str | None:
    """The folder of model files of this server's owner, if there is one."""
    settings: Settings = current_app.config["SETTINGS"]
    return str(settings.models_dir) if settings.models_dir else None


def data_revision(version: str | None = None) -> str:
    """The state of what the caller's models hold: of one version, or of all."""
    return revision(models_dir(), stored_models(), version)


@bp.errorhandler(Refused)
def refused(error: Refused) -> Response:
    """409 for what the state of the stored models does not allow."""
    return service_error(Conflict(str(error)))


@bp.post("/price/models")
@bp.post("/api/price/models")
@described(
    tag="price",
    kind="price.store",
    query=StoreQuery,
    waits=True,
    also=Media(YAML, "The YAML text itself; `?name=` names its version."),
    answers={
        200: StoredAnswer,
        201: StoredAnswer,
        202: Accepted,
        **dict.fromkeys((400, 409, 413, 415, 503, 504, 507)),
    },
)
def store_model() -> Response:
    """Check a price model, solve its price, and store it as a revision.

    201 with a new revision; 200 where the latest one has the same text. With
    `If-Match` it is stored only if that is the latest revision, else 409.
    """
    settings: Settings = current_app.config["SETTINGS"]
    wish = preference(settings.wait_s)
    owner = current_owner()
    submission = registry().submit(
        "price.store", _asked(), owner=owner, idempotency=idempotency()
    )
    job = submission.job
    if not wish.only_async and not job.status.terminal:
        job = registry().wait(owner, job.id, wish.wait_s)
    if wish.only_async or not job.status.terminal:
        return complete(accepted(job), submission, wish)
    told: dict[str, Any] = orjson.loads(whole(result_of(job)))
    record = stored_models().record(told["version"], told["revision"])
    response = finished(job, {}, etag=False)
    if record is not None:
        if record.job_id == job.id:
            response.status_code = HTTPStatus.CREATED
        response.set_etag(record.etag)
    response.headers["Location"] = f"{request.path}/{told['version']}"
    return complete(response, submission, wish)


def _asked() -> dict[str, Any]:
    """The request's model, however it was sent, with `If-Match` in it."""
    if request.mimetype in _YAML_TYPES:
        content = text_body(MAX_BYTES, _YAML_LIMIT)
        beside = query(StoreQuery)
        if "content" in beside:
            problem = "stands in the query; the body is the content"
            raise ValidationError(
                f"content {problem}", details=[{"field": "content", "problem": problem}]
            )
        asked = {**beside, "content": content}
    elif not request.is_json:
        got = f"got {request.mimetype!r}" if request.mimetype else "it is missing"
        raise UnsupportedMediaType(
            f"send application/json, or {YAML} with ?name=, as Content-Type; {got}"
        )
    else:
        asked = json_object()
        if request.args:
            key = next(iter(request.args))[:60]
            problem = "stands in the query of a JSON body; put it into the body"
            raise ValidationError(
                f"{key} {problem}", details=[{"field": key, "problem": problem}]
            )
    header = request.headers.get("If-Match")
    if header is None:
        return asked
    given = asked.get("if_match", asked.get("ifMatch", header))
    if given != header:
        problem = "differs from the header If-Match; give it once"
        raise ValidationError(
            f"if_match {problem}", details=[{"field": "if_match", "problem": problem}]
        )
    return {**{k: v for k, v in asked.items() if k != "ifMatch"}, "if_match": header}


@bp.get("/price/models/<version>")
@bp.get("/api/price/models/<version>")
@described(
    tag="price",
    query=RevisionQuery,
    answers={200: Media(YAML, "The model's text"), 304: None, 404: None, 410: None},
)
def read_model(version: str) -> Response:
    """The YAML text of a price model: the latest, or any stored revision of it."""
    asked = validate(RevisionQuery, query(RevisionQuery))
    text = _text(version, asked.revision)
    response = current_app.response_class(
        text.content, content_type=f"{YAML}; charset=utf-8"
    )
    response.set_etag(text.etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]


def _text(version: str, number: int | None) -> ModelText:
    stored = stored_models()
    if number is None:
        _refuse_retired(version, stored)
        return _in_use(version, stored)
    record = stored.record(version, number)
    if record is None:
        raise NotFound(_no_revision(version, number, stored))
    content = stored.content(record)
    return ModelText(version, f"{version}.yaml", content, "stored", record)


def _in_use(version: str, stored: Stored) -> ModelText:
    if version in model_files(models_dir()) or _was_stored(version, stored):
        return model_text(version, models_dir(), stored)
    raise NotFound(
        f"there is no price model of version {version[:80]!r}; GET /price/models "
        "lists those there are"
    )


def _was_stored(version: str, stored: Stored) -> bool:
    return stored.latest(version) is not None


def _refuse_retired(version: str, stored: Stored) -> None:
    """Gone for a version that was retired and is no file."""
    last = stored.latest(version)
    if last is None or version in model_files(models_dir()):
        return
    retired = stored.retired(version)
    if retired:
        raise Gone(
            f"version {version} was retired at {retired}; its last text is at "
            f"?revision={last.revision}, and POST /price/models stores it anew"
        )


def _no_revision(version: str, number: int, stored: Stored) -> str:
    last = stored.latest(version)
    if last is not None:
        return (
            f"version {version} has no revision {number}; the last is {last.revision}"
        )
    return f"no revisions are stored of version {version[:80]!r}; leave revision out"


@bp.get("/price/models/<version>/revisions")
@bp.get("/api/price/models/<version>/revisions")
@described(tag="price", query=NoQuery, answers={200: RevisionsAnswer, 404: None})
def read_revisions(version: str) -> Response:
    """The history of a stored model: every revision with its price and comment."""
    validate(NoQuery, query(NoQuery))
    stored = stored_models()
    found = stored.history(version)
    if found:
        origin, retired = "stored", stored.retired(version)
    else:
        origin, retired = _in_use(version, stored).origin, None
    answer = RevisionsAnswer(
        version=version,
        origin=origin,
        retired_at=retired,
        revisions=[_row(record) for record in found],
        total=len(found),
    )
    return jsonify(answer.model_dump())


def _row(record: Revision) -> RevisionRow:
    return RevisionRow(**record.as_dict(), etag=f'"{record.etag}"')


@bp.delete("/price/models/<version>")
@bp.delete("/api/price/models/<version>")
@described(
    tag="price", query=NoQuery, answers=dict.fromkeys((204, 400, 404, 409, 410, 507))
)
def retire_model(version: str) -> Response:
    """Take a stored model out of use; its history stays.

    With `If-Match` only if that is the latest revision, else 409.
    """
    validate(NoQuery, query(NoQuery))
    stored = stored_models()
    if not _was_stored(version, stored):
        if version in model_files(models_dir()):
            raise Conflict(
                f"version {version} is a model file: it can't be retired here; one of "
                "your own is removed from MODELS_DIR"
            )
        _in_use(version, stored)
    _refuse_retired(version, stored)
    try:
        stored.retire(version, request.headers.get("If-Match"))
    except OSError as error:
        raise DiskFull(f"the model can't be retired: {error.strerror}") from None
    return current_app.response_class(status=HTTPStatus.NO_CONTENT)

"""Routes that make a job: wait for it a while, then answer its result or 202.

`Prefer: respond-async` and `wait=N` (RFC 7240) change how long. Results are passed on
as bytes, never parsed. A client that hangs up does not cancel its job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any

import orjson
from flask import Response, current_app, jsonify, request, url_for

from flask_api.errors import Conflict, ServiceError, ValidationError
from flask_api.http.answers import Accepted
from flask_api.http.auth import current_owner
from flask_api.jobs.job import Job
from flask_api.jobs.registry import Registry, Result
from flask_api.jobs.submission import Submission
from flask_api.settings import Settings

#: Longer waits would be cut off by proxies (Nginx: 60 s).
MAX_WAIT_S = 55.0
#: Files are sent in pieces of this size, bytes.
PIECE = 64 * 1024
_KEY = re.compile(r"[!-~]{1,255}\Z")


@dataclass(frozen=True)
class Preference:
    """What the header `Prefer` asks for, and what of it applies."""

    wait_s: float
    #: Not even a finished job is answered with its result.
    only_async: bool = False
    applied: str = ""


def registry() -> Registry:
    """The jobs of this app."""
    found: Registry = current_app.extensions["registry"]
    return found


def preference(default_s: float) -> Preference:
    """How long this request wants to wait; unknown and broken wishes don't count."""
    wishes: dict[str, str] = {}
    for item in ",".join(request.headers.getlist("Prefer")).split(","):
        name, _, value = item.partition(";")[0].partition("=")
        wishes.setdefault(name.strip().lower(), value.strip().strip('"'))
    parallel = "respond-async" in wishes
    wait = wishes.get("wait", "")
    if wait.isascii() and wait.isdigit() and len(wait) <= 9:
        asked = min(float(wait), MAX_WAIT_S)
        applied = f"wait={int(asked)}"
        return Preference(
            asked, False, f"respond-async, {applied}" if parallel else applied
        )
    if parallel:
        return Preference(0.0, True, "respond-async")
    return Preference(default_s)


def idempotency() -> tuple[str, str] | None:
    """(route, key) of this request, if it bears an `Idempotency-Key`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.match(key):
        raise ValidationError(
            f"Idempotency-Key: must be 1 to 255 visible ASCII characters, got "
            f"{len(key)} characters {key[:40]!r}",
            details=[{"field": "Idempotency-Key", "problem": "is not usable"}],
        )
    return f"{request.method} {request.path.removeprefix('/api')}", key


def answer(
    kind: str,
    params: object,
    *,
    with_id: bool = True,
    leading: Mapping[str, Any] | None = None,
    data_revision: str = "",
    reuse: bool = False,
) -> Response:
    """The result of a new job of `kind`, or 202 if it takes longer than the wait.

    with_id        put `analysis_id` in front of the result's keys
    leading        further keys for there
    data_revision  state of what the job reads; with `reuse`, an earlier result for
                   the same request and revision is answered, with ETag and 304

    Raises the job's own error if it failed, and what `Registry.submit` raises.
    """
    settings: Settings = current_app.config["SETTINGS"]
    wish = preference(settings.wait_s)
    owner = current_owner()
    submission = registry().submit(
        kind,
        params,
        owner=owner,
        idempotency=idempotency() if request.method == "POST" else None,
        data_revision=data_revision,
        reuse=reuse,
    )
    job = submission.job
    if not wish.only_async and not job.status.terminal:
        job = registry().wait(owner, job.id, wish.wait_s)
    if wish.only_async or not job.status.terminal:
        response = accepted(job)
    else:
        keys: dict[str, Any] = {"analysis_id": job.public_id} if with_id else {}
        response = finished(job, {**keys, **(leading or {})}, etag=reuse)
    return complete(response, submission, wish)


def complete(response: Response, submission: Submission, wish: Preference) -> Response:
    """`response` with the headers that say which job it is of and what applied."""
    response.headers["X-Job-ID"] = submission.job.public_id
    if wish.applied:
        response.headers["Preference-Applied"] = wish.applied
    if submission.replayed and request.method == "POST":
        response.headers["Idempotency-Replayed"] = "true"
    response.vary.add("Prefer")
    return response


def accepted(job: Job, *, location: str | None = None) -> Response:
    """202: the job's id, its state and where to ask again (else: at the job)."""
    location = location or url_for("jobs.read_job", id=job.public_id)
    fields = Accepted(
        id=job.public_id,
        job_id=job.public_id,
        analysis_id=job.public_id,
        status=job.status.value,
        progress=job.progress,
        message=job.message,
        location=location,
        events=url_for("jobs.stream_job", id=job.public_id),
    )
    response = jsonify(fields.model_dump())
    response.status_code = HTTPStatus.ACCEPTED
    response.headers["Location"] = location
    response.headers["Retry-After"] = str(_retry_after_s(job))
    return response


def _retry_after_s(job: Job) -> int:
    """When it is likely done: its own estimate, within a second and half a minute."""
    return max(1, min(30, round(job.eta_seconds or 1)))


def finished(job: Job, leading: Mapping[str, Any], *, etag: bool) -> Response:
    """200 with the result of `job` behind the keys of `leading`.

    Raises the error of a job that failed, JobCancelled for a cancelled one; both name
    the job.
    """
    result = result_of(job)
    if etag and request.if_none_match.contains_weak(result.sha256):
        response = current_app.response_class(status=HTTPStatus.NOT_MODIFIED)
        response.headers.pop("Content-Type", None)
    else:
        response = spliced(result, leading)
    if etag:
        response.set_etag(result.sha256)
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def result_of(job: Job) -> Result:
    """The result of `job`; every error raised on the way names the job."""
    try:
        return registry().result(current_owner(), job.id)
    except ServiceError as error:
        error.job_id = job.public_id
        raise


def spliced(result: Result, leading: Mapping[str, Any]) -> Response:
    """`result` as JSON with the keys of `leading` in front, its bytes untouched."""
    front = orjson.dumps(dict(leading))[:-1]
    if result.data is not None:
        return _json(_joined(front, result.data))
    file = open_result(result)
    first = file.read(PIECE)
    pieces = _pieces(_joined(front, first), file)
    response = current_app.response_class(pieces, mimetype="application/json")
    response.content_length = result.size + len(_joined(front, first)) - len(first)
    response.call_on_close(file.close)  # for one whose client left before the end
    return response


def _json(data: bytes) -> Response:
    return current_app.response_class(data, mimetype="application/json")


def _joined(front: bytes, data: bytes) -> bytes:
    """One object of two: `front` lacks its closing bracket, `data` may be partial."""
    if len(front) == 1 or not data.startswith(b"{"):
        return data
    rest = data[1:]
    return front + rest if rest.lstrip().startswith(b"}") else front + b"," + rest


def open_result(result: Result) -> IO[bytes]:
    """The file of a large result. Raises Conflict where it is gone."""
    assert result.path is not None
    try:
        return open(result.path, "rb")
    except FileNotFoundError:
        raise Conflict(
            "the file of this result was removed from the results folder; run the "
            "job again (POST .../rerun)"
        ) from None


def _pieces(first: bytes, file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield first
        while piece := file.read(PIECE):
            yield piece


def whole(result: Result) -> bytes:
    """All bytes of `result`; only for those known to be small."""
    if result.data is not None:
        return result.data
    with open_result(result) as file:
        return file.read()

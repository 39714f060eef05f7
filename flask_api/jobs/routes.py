"""Jobs over REST: start, list, read, watch, cancel, rerun, delete."""

from __future__ import annotations

from typing import Any, Literal

import orjson
from flask import Blueprint, Response, current_app, jsonify
from pydantic import Field

from flask_api.analysis import Request
from flask_api.errors import JobNotFound
from flask_api.http.answers import Accepted, EventList, JobDetail, JobList, JobMessage
from flask_api.http.auth import current_owner
from flask_api.http.body import json_object, query
from flask_api.http.documents import Form, forms, result_as
from flask_api.http.openapi import Media, described
from flask_api.http.waiting import (
    accepted,
    complete,
    idempotency,
    preference,
    registry,
    result_of,
    whole,
)
from flask_api.jobs.job import Job, Status, problem_with_client_id
from flask_api.push import dialects, sse
from flask_api.validation import validate

bp = Blueprint("jobs", __name__)

#: `/events` lists this many at most; `last_seq` leads to the next ones.
_MOST_EVENTS = 1000
_STREAM = Media("text/event-stream", "Server-sent events; resumes by Last-Event-ID")
_UNFINISHED = tuple(status for status in Status if not status.terminal)
_FINISHED = tuple(status for status in Status if status.terminal)


class JobRequest(Request):
    """One run of an analysis."""

    kind: str = Field(min_length=1, max_length=100, description="such as price.data")
    params: dict[str, Any] = Field(
        default_factory=dict, description="what the analysis of this kind takes"
    )
    name: str | None = Field(None, max_length=255)
    priority: int = Field(5, ge=0, le=9, description="9 runs first")
    timeout: float | None = Field(None, gt=0, description="seconds it may run")
    metadata: dict[str, Any] | None = Field(None, description="remarks of your own")


class ListQuery(Request):
    """Which jobs to list."""

    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10**9)
    status: Status | None = None
    kind: str | None = Field(None, max_length=100)
    order: Literal["newest", "oldest"] = Field("newest", description="first of all")


class EventsQuery(Request):
    """From where to list events."""

    after: int = Field(0, ge=0, le=2**62, description="the last `seq` you have")


class StreamQuery(Request):
    """From where to watch."""

    after: int | None = Field(
        None, ge=0, le=2**62, description="the last `seq` you have; none: a snapshot"
    )


class StreamsQuery(Request):
    """Which jobs to watch on one connection."""

    jobs: str = Field(min_length=1, description="ids, comma-separated")


class ResultQuery(Request):
    """In which form to give a result."""

    format: Form = Field(
        "json", description="csv, xlsx, html: see `formats` of the job"
    )
    table: str | None = Field(
        None, max_length=100, description="only this one; csv: the first, if left out"
    )


def named(id: str) -> Job:
    """The caller's job with this id, ours or the client's. Raises JobNotFound."""
    if problem_with_client_id(id):
        shown = id if len(id) <= 40 else id[:40] + "..."
        raise JobNotFound(f"There is no job {shown!r}; GET /api/jobs lists yours.")
    return registry().get(current_owner(), id)


@bp.post("/api/jobs")
@described(
    tag="jobs",
    body=JobRequest,
    any_kind=True,
    waits=True,
    answers={202: Accepted, 200: JobDetail, 409: None, 413: None, 415: None, 503: None},
)
def create_job() -> Response:
    """Start a job of any kind.

    Answers 202 at once; with `Prefer: wait=N` it waits up to N seconds and answers
    200 with the job if it has finished by then, be it well or badly.
    """
    asked = validate(JobRequest, json_object())
    wish = preference(0.0)
    owner = current_owner()
    submission = registry().submit(
        asked.kind,
        asked.params,
        owner=owner,
        name=asked.name,
        priority=asked.priority,
        timeout_s=asked.timeout,
        metadata=asked.metadata,
        idempotency=idempotency(),
    )
    job = submission.job
    if wish.wait_s > 0 and not job.status.terminal:
        job = registry().wait(owner, job.id, wish.wait_s)
    waited = wish.wait_s > 0 and job.status.terminal
    return complete(_detail(job) if waited else accepted(job), submission, wish)


@bp.get("/api/jobs")
@described(tag="jobs", query=ListQuery, answers={200: JobList})
def list_jobs() -> Response:
    """Your jobs, and beside them the active and the newest finished ones."""
    asked = validate(ListQuery, query(ListQuery))
    owner, found = current_owner(), registry()
    kind = asked.kind
    analysis = found.analyses.get(kind) if kind else None
    jobs, total = found.list(
        owner,
        status=() if asked.status is None else (asked.status,),
        kind=() if kind is None else (analysis.kind if analysis else kind,),
        limit=asked.limit,
        offset=asked.offset,
        oldest_first=asked.order == "oldest",
    )
    active, total_active = found.list(owner, status=_UNFINISHED)
    done, total_done = found.list(owner, status=_FINISHED)
    return jsonify(
        jobs=[dialects.job_row(job) for job in jobs],
        total=total,
        limit=asked.limit,
        offset=asked.offset,
        active_jobs=[dialects.job_row(job) for job in active],
        completed_jobs=[dialects.job_row(job) for job in done],
        total_active=total_active,
        total_completed=total_done,
    )


@bp.get("/api/jobs/<id>")
@described(tag="jobs", answers={200: JobDetail, 404: None})
def read_job(id: str) -> Response:
    """A job, whole: parameters, latest results and, up to 256 kB, its result."""
    return _detail(named(id))


def _detail(job: Job) -> Response:
    fields = dialects.job_detail(job)
    fields["result"] = None
    fields["results_truncated"] = False
    analysis = registry().analyses.get(job.kind)
    fields["tables"] = (
        [t.name for t in analysis.tables_of(job.params)] if analysis else []
    )
    fields["formats"] = forms(analysis)
    if job.status is Status.COMPLETED:
        result = result_of(job)
        fields["results_truncated"] = result.size > dialects.EMBEDDED_BYTES
        if not fields["results_truncated"]:
            fields["result"] = orjson.Fragment(whole(result))
    return jsonify(fields)


@bp.get("/api/jobs/<id>/events")
@described(tag="jobs", query=EventsQuery, answers={200: EventList, 404: None})
def list_events(id: str) -> Response:
    """What a job has said so far, after the event with number `after`."""
    asked = validate(EventsQuery, query(EventsQuery))
    job, past = registry().past(current_owner(), named(id).id, asked.after)
    listed = [dialects.event_data(event, job) for event in past[:_MOST_EVENTS]]
    last = listed[-1]["seq"] if listed else asked.after
    return jsonify(job_id=job.public_id, events=listed, last_seq=last)


@bp.get("/api/jobs/<id>/stream")
@described(tag="jobs", query=StreamQuery, answers={200: _STREAM, 404: None})
def stream_job(id: str) -> Response:
    """A job's events as they come; ends with `event: close`."""
    asked = validate(StreamQuery, query(StreamQuery))
    return sse.stream_job(registry(), current_owner(), named(id).id, asked.after)


@bp.get("/api/stream")
@described(tag="jobs", query=StreamsQuery, answers={200: _STREAM, 404: None})
def stream_several() -> Response:
    """The events of several jobs on one connection."""
    asked = validate(StreamsQuery, query(StreamsQuery))
    ids = [id.strip() for id in asked.jobs.split(",") if id.strip()]
    return sse.stream_jobs(registry(), current_owner(), ids)


@bp.get("/api/jobs/stream")
@described(tag="jobs", answers={200: _STREAM})
def stream_list() -> Response:
    """Rows of the list of jobs as they change; does not end by itself."""
    return sse.stream_changes(registry(), current_owner())


@bp.get("/api/jobs/<id>/result")
@described(
    tag="jobs",
    query=ResultQuery,
    answers={
        200: Media("application/json", "The result, in the format that was asked for"),
        202: Accepted,
        404: None,
        409: None,
    },
)
def read_result(id: str) -> Response:
    """The result of a completed job: JSON, a table as CSV, a workbook, or a page.

    Workbooks, pages and large tables are made once, on demand: 202 where that takes
    longer than the wait; the same address again has it then. 409 while the job runs;
    the error of a job that failed.
    """
    asked = validate(ResultQuery, query(ResultQuery))
    return result_as(named(id), asked.format, asked.table)


@bp.post("/api/jobs/<id>/cancel")
@described(tag="jobs", answers={200: JobMessage, 404: None, 409: None})
def cancel_job(id: str) -> Response:
    """Stop a job. One that is cancelled already stays so; a finished one is 409."""
    owner = current_owner()
    job = registry().cancel(owner, named(id).id, by=owner)
    ended = job.status is Status.CANCELLED
    told = "The job is cancelled." if ended else "The job was asked to stop."
    return jsonify({**dialects.job_row(job), "message": told})


@bp.post("/api/jobs/<id>/rerun")
@described(tag="jobs", answers={202: Accepted, 404: None, 409: None, 503: None})
def rerun_job(id: str) -> Response:
    """Run a job's request again, as a new job; its result never changes."""
    return accepted(registry().rerun(current_owner(), named(id).id))


@bp.delete("/api/jobs/<id>")
@described(tag="jobs", answers={204: None, 404: None})
def delete_job(id: str) -> Response:
    """Remove a job with its events and results; a running one is cancelled first."""
    registry().delete(current_owner(), named(id).id)
    return current_app.response_class(status=204)

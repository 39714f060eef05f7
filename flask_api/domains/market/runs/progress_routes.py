"""How far a run is, over REST and SSE, at `/api/v1/progress/{id}`."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, Response, jsonify

from flask_api.domains.market.runs.answers_schema import ProgressAnswer
from flask_api.domains.market.runs.dialect import closing_of, progress_of
from flask_api.http.auth import current_owner
from flask_api.http.openapi import Media, described
from flask_api.http.waiting import registry
from flask_api.jobs.job import Event, Job
from flask_api.jobs.registry import Registry
from flask_api.jobs.routes import named
from flask_api.push import sse

bp = Blueprint("market_progress", __name__)


@bp.get("/api/v1/progress/<id>")
@described(tag="market runs", answers={200: ProgressAnswer, 404: None})
def read_progress(id: str) -> Response:
    """How far a run is, now."""
    job, event = _present(named(id).id)
    return jsonify(progress_of(event, job))


def _present(job_id: str) -> tuple[Job, Event]:
    """The job, and the event that tells its present state."""
    owner = current_owner()
    with closing(registry().follow(owner, job_id, None, 1.0)) as events:
        event = next(event for event in events if event is not None)
    return registry().get(owner, job_id), event


@bp.get("/api/v1/progress/<id>/stream")
@described(
    tag="market runs",
    answers={
        200: Media("text/event-stream", "Server-sent events; resumes by Last-Event-ID"),
        404: None,
    },
)
def stream_progress(id: str) -> Response:
    """A run's progress as it comes, the present state first.

    A comment every 3 s of silence; ends with `event: close`, whose data say why.
    """
    jobs = registry()
    words = sse.Words(event=_Teller(jobs), closing=closing_of, named=False)
    return sse.stream_job(jobs, current_owner(), named(id).id, None, words)


class _Teller:
    """Tells events of one stream, whose job is as old as the stream at first."""

    def __init__(self, jobs: Registry) -> None:
        self._jobs = jobs
        self._job: Job | None = None

    def __call__(self, event: Event, job: Job) -> dict[str, object]:
        known = self._job or job
        if known.started_at is None and event.state.get("status") != "pending":
            known = self._jobs.get(job.owner, job.id)  # for the time it started
        self._job = known
        return progress_of(event, known)

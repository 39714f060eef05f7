"""Raw WebSocket `/realtime` of seed 000: progress and results of analyses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, request

from flask_api.errors import ServiceError
from flask_api.jobs.job import Event, Job, Status
from flask_api.push import dialects
from flask_api.push.websocket import (
    IDLE_S,
    Messages,
    current_owner,
    serve,
    sock,
    topic,
)

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry, Result

bp = topic("realtime", __name__)


@sock.route("/realtime", bp=bp)  # type: ignore[untyped-decorator]
def realtime(ws: Any) -> None:
    """Progress and results of one analysis (`?analysis_id=`), or of all."""
    registry = cast("Registry", current_app.extensions["registry"])
    owner = current_owner()
    name = request.args.get("analysis_id")
    serve(ws, _one(registry, owner, name) if name else _all(registry, owner))


def _one(registry: Registry, owner: str, name: str) -> Messages:
    try:
        job = registry.get(owner, name)
        follow = registry.follow(job.owner, job.id, None, IDLE_S)
        with closing(follow) as events:
            for event in events:
                yield None if event is None else _of_event(registry, job, event)
    except ServiceError as error:
        yield {**dialects.refusal(error), "analysis_id": name}


def _of_event(registry: Registry, job: Job, event: Event) -> Mapping[str, Any]:
    if dialects.is_final(event):
        return _ended(registry, registry.get(job.owner, job.id))
    progress = dialects.progress_update(event, job)["progress"]
    return _progress(job, progress)


def _all(registry: Registry, owner: str) -> Messages:
    told: set[str] = set()
    with closing(registry.changes(owner, IDLE_S)) as changes:
        for change in changes:
            if change is None or isinstance(change, str):
                yield None
            elif not change.status.terminal:
                yield _progress(change, round(100 * change.progress, 6))
            elif change.id not in told:  # its row may change once more
                told.add(change.id)
                yield _ended(registry, change)


def _progress(job: Job, progress: float) -> Mapping[str, Any]:
    return {
        "type": "analysis_progress",
        "analysis_id": job.public_id,
        "progress": progress,
    }


def _ended(registry: Registry, job: Job) -> Mapping[str, Any]:
    if job.status is not Status.COMPLETED:
        error = job.error or {"code": "CANCELLED", "message": "The job was cancelled."}
        told = dialects.error_words(
            str(error.get("message") or error["code"]),
            str(error["code"]),
            error.get("details"),
        )
        return {**told, "analysis_id": job.public_id}
    try:
        result: Result = registry.result(job.owner, job.id)
        results = dialects.results_of(job, result, job.latest_results)
    except ServiceError as error:  # deleted in this very moment
        return {**dialects.refusal(error), "analysis_id": job.public_id}
    return {
        "type": "calculation_complete",
        "analysis_id": job.public_id,
        **results,
    }

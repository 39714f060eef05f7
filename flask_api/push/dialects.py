"""One job, one event, in the words of each seed that watches it.

Large JSON (`latest_results`, results, parameters) travels as bytes, spliced in by
orjson: the web process never parses it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from flask_api.errors import JobNotFound, ServiceError
from flask_api.jobs.job import CLIENT, Event, EventType, Job, Status

if TYPE_CHECKING:
    from flask_api.jobs.registry import Result

#: Results up to this many bytes travel inside an event; larger ones are fetched.
EMBEDDED_BYTES = 256 * 1024

#: Latest results up to this many bytes travel inside an event. Analyses keep to it by
#: themselves; what clients report of their own may be longer.
_LATEST_BYTES = 16 * 1024

_SEED_STATUS = {"completed": "complete", "failed": "error"}


def iso(t: float | None) -> str | None:
    """`2026-11-21T04:50:19.123Z` of seconds since 1970; None of None."""
    if t is None:
        return None
    text = datetime.fromtimestamp(t, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def now() -> str:
    """The present as ISO 8601 UTC."""
    return str(iso(time.time()))


def spliced(document: bytes | None) -> orjson.Fragment | None:
    """JSON bytes as they stand, for a place inside a larger document."""
    return None if document is None else orjson.Fragment(document)


def results_url(job: Job) -> str:
    """Where the result of `job` is fetched."""
    return f"/api/jobs/{job.public_id}/result"


# -- REST and SSE ----------------------------------------------------------------


def job_row(job: Job) -> dict[str, Any]:
    """A job as one row of a list: everything but parameters and results."""
    run_seconds = _span(job.started_at, job.finished_at, running=not job.finished_at)
    return {
        "id": job.public_id,
        "job_id": job.public_id,
        "analysis_id": job.public_id,
        "kind": job.kind,
        "job_type": job.kind,
        "name": job.name,
        "status": job.status.value,
        "progress": job.progress,
        "step": job.step,
        "total_steps": job.total_steps,
        "phase": job.phase,
        "message": job.message,
        "progress_message": job.message,
        "eta_seconds": job.eta_seconds,
        "created_at": iso(job.created_at),
        "queued_at": iso(job.queued_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "completed_at": iso(job.finished_at),
        "queue_seconds": _span(job.queued_at, job.started_at or job.finished_at),
        "run_seconds": run_seconds,
        "duration": run_seconds,
        "attempts": job.attempts,
        "priority": job.priority,
        "owner": job.owner,
        "metadata": spliced(job.metadata),
        "warnings": list(job.warnings),
        "error": job.error,
        "rerun_of": job.rerun_of,
    }


def _span(
    start: float | None, end: float | None, *, running: bool = False
) -> float | None:
    """Seconds from start to end, or to now where it still runs."""
    if start is None or (end is None and not running):
        return None
    return round(max(0.0, (time.time() if end is None else end) - start), 3)


def job_detail(job: Job) -> dict[str, Any]:
    """A job with its parameters and what its watchers saw last."""
    detail = job_row(job)
    detail["params"] = spliced(job.params)
    detail["latest_results"] = spliced(job.latest_results)
    detail["results_url"] = results_url(job) if job.status is Status.COMPLETED else None
    return detail


def event_data(event: Event, job: Job) -> dict[str, Any]:
    """An event as `/events` and SSE give it: the job's whole state at that time."""
    state = _state(event, job)
    data: dict[str, Any] = {
        "job_id": job.public_id,
        "analysis_id": job.public_id,
        "seq": event.seq,
        "type": event.type.value,
        "time": iso(event.time),
        "status": state["status"],
        "progress": state["progress"],
        "step": state["step"],
        "total_steps": state["total_steps"],
        "phase": state["phase"],
        "message": state["message"],
        "eta_seconds": state["eta_seconds"],
        "rate": state.get("rate"),
        "has_errors": state["has_errors"],
        "warnings": state["warnings"],
        "error": state["error"],
        **_latest(state["latest_results"], job),
    }
    if state["status"] == "completed":
        data["results_url"] = results_url(job)
    if event.snapshot:
        data["snapshot"] = True
    if event.skipped:
        data["skipped"] = event.skipped
    return data


def closing_data(job: Job) -> dict[str, Any]:
    """Data of the `close` event that ends a stream: why, and where the job stands."""
    return {
        "job_id": job.public_id,
        "reason": job.status.value if job.status.terminal else "server_closing",
        "status": job.status.value,
        "progress": job.progress,
        "phase": job.phase,
        "message": (job.error or {}).get("message") or job.message,
    }


def _state(event: Event, job: Job) -> dict[str, Any]:
    state = {**job.state(), **event.state}
    if event.type.final:
        state["status"] = event.type.value
    return state


def is_final(event: Event) -> bool:
    """Whether nothing follows `event`, be it the final event or a snapshot after it."""
    return event.type.final or (
        event.snapshot and Status(event.state.get("status", "running")).terminal
    )


def is_completion(event: Event, job: Job) -> bool:
    """Whether `event` says that the job has its result."""
    return is_final(event) and bool(_state(event, job)["status"] == Status.COMPLETED)


# -- seed 000: the analysis dialect of Socket.IO ---------------------------------


def analysis_started(job: Job, why: str | None = None) -> dict[str, Any]:
    """Data of `analysis_started`; `why` says why the client computes, if it does."""
    started: dict[str, Any] = {
        "analysis_id": job.public_id,
        "status": "started",
        "timestamp": now(),
        "runner": "client" if job.kind == CLIENT else "server",
    }
    if why is not None:
        started["reason"] = why
    return started


def progress_update(event: Event, job: Job) -> dict[str, Any]:
    """Data of `progress_update`: progress 0..100, seconds that remain or None."""
    state = _state(event, job)
    progress = float(state["progress"])
    total, step = state["total_steps"], state["step"]
    if job.kind != CLIENT and job.total_steps:
        total = job.total_steps
        step = math.floor(progress * total + 1e-9)  # 0.29 * 100 is 28.999...
    update: dict[str, Any] = {
        "analysis_id": job.public_id,
        "seq": event.seq,
        "progress": round(100 * progress, 6),
        "step": step,
        "total_steps": total,
        "status": _SEED_STATUS.get(state["status"], state["status"]),
        "time_remaining": state["eta_seconds"],
        "has_errors": bool(state["has_errors"]),
        **_latest(state["latest_results"], job),
        "phase": state["phase"],
        "message": state["message"],
    }
    if event.skipped:
        update["skipped"] = event.skipped
    return update


def analysis_complete(
    event: Event, job: Job, result: Result | None = None
) -> dict[str, Any]:
    """Data of `analysis_complete`, for a completed or failed job.

    result    the job's result, or None where it has none

    A result over 256 kB is not embedded: `results_truncated` is true, `results` holds
    the last summary and `results_url` says where all of it is.
    """
    state = _state(event, job)
    failed = state["status"] == Status.FAILED
    return {
        "analysis_id": job.public_id,
        "seq": event.seq,
        "status": "error" if failed else "complete",
        "errors": errors_of(state, job),
        "timestamp": iso(event.time),
        **results_of(job, result, state["latest_results"]),
    }


def results_of(
    job: Job, result: Result | None, latest_results: bytes | None
) -> dict[str, Any]:
    """`results` as a message carries them: whole up to 256 kB, else where they are."""
    if result is None:
        return _latest(latest_results, job, "results")
    if result.size <= EMBEDDED_BYTES:
        return {"results": orjson.Fragment(with_id(_bytes_of(result), job))}
    return {
        **_latest(latest_results, job, "results"),
        "results_truncated": True,
        "results_url": results_url(job),
    }


def _latest(
    document: bytes | None, job: Job, key: str = "latest_results"
) -> dict[str, Any]:
    """Latest results as an event carries them: up to 16 kB, else where they are."""
    if document is None or len(document) <= _LATEST_BYTES:
        return {key: spliced(document)}
    return {
        key: None,
        "results_truncated": True,
        "results_url": f"/api/jobs/{job.public_id}",
    }


def errors_of(state: Mapping[str, Any], job: Job) -> list[str]:
    """The sentences that say what went wrong, in the order it did."""
    # What a client reports as error does not end its analysis; it is kept as warning.
    reported = [str(text) for text in state["warnings"]] if job.kind == CLIENT else []
    error = state["error"]
    if not error:
        return reported
    message = str(error.get("message") or error.get("code"))
    return reported if message in reported else [*reported, message]


def analysis_cancelled(event: Event, job: Job) -> dict[str, Any]:
    """Data of `analysis_cancelled`."""
    return {
        "analysis_id": job.public_id,
        "seq": event.seq,
        "timestamp": iso(event.time),
    }


def with_id(document: bytes, job: Job) -> bytes:
    """The result of an analysis with `analysis_id` put in front, unparsed.

    What a client computed comes back as it was sent.
    """
    if job.kind == CLIENT or not document.startswith(b"{"):
        return document
    if document.startswith(b'{"analysis_id":'):
        return document
    head = b'{"analysis_id":' + orjson.dumps(job.public_id)
    return head + (b"}" if document == b"{}" else b"," + document[1:])


def _bytes_of(result: Result) -> bytes:
    if result.data is not None:
        return result.data
    assert result.path is not None  # a Result has one or the other
    try:
        return Path(result.path).read_bytes()
    except FileNotFoundError:
        raise JobNotFound from None  # deleted in this very moment


def in_analysis_words(
    event: Event, job: Job, result: Result | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """The Socket.IO messages (name, data) that `event` is for analysis watchers."""
    status = _state(event, job)["status"]
    if status == Status.CANCELLED:
        return [("analysis_cancelled", analysis_cancelled(event, job))]
    if is_final(event):
        return [
            ("progress_update", progress_update(event, job)),
            ("analysis_complete", analysis_complete(event, job, result)),
        ]
    if job.kind == CLIENT and event.type in (EventType.CREATED, EventType.STARTED):
        return []  # `analysis_started` said it; the next word is the client's own
    return [("progress_update", progress_update(event, job))]


# -- seed 004: the job dialect of Socket.IO --------------------------------------


def job_progress(event: Event, job: Job) -> dict[str, Any]:
    """Data of `progress`: progress 0..100, the present step and first insights."""
    state = _state(event, job)
    return {
        "job_id": job.public_id,
        "seq": event.seq,
        "progress": round(100 * float(state["progress"]), 6),
        "current_step": state["phase"] or state["status"],
        "message": state["message"],
        "insights": _insights(state["latest_results"]),
    }


def _insights(latest_results: bytes | None) -> list[Any]:
    # At most 16 kB, and parsed only where the word occurs at all.
    if latest_results is None or b'"insights"' not in latest_results:
        return []
    parsed = orjson.loads(latest_results)
    found = parsed.get("insights") if isinstance(parsed, dict) else None
    return found if isinstance(found, list) else []


def in_job_words(event: Event, job: Job) -> list[tuple[str, dict[str, Any]]]:
    """The Socket.IO messages (name, data) that `event` is for job watchers."""
    state = _state(event, job)
    if state["status"] == Status.COMPLETED and is_final(event):
        done = {
            "job_id": job.public_id,
            "seq": event.seq,
            "status": "complete",
            "results_url": results_url(job),
        }
        return [("progress", job_progress(event, job)), ("complete", done)]
    if not is_final(event):
        return [("progress", job_progress(event, job))]
    if state["status"] == Status.CANCELLED:
        error = {"code": "CANCELLED", "message": "The job was cancelled."}
    else:
        error = state["error"] or {"code": "INTERNAL_ERROR", "message": None}
    told = error_words(
        str(error.get("message") or error["code"]),
        str(error["code"]),
        error.get("details"),
    )
    return [("error", {**told, "job_id": job.public_id, "seq": event.seq})]


# -- errors ----------------------------------------------------------------------


def error_words(message: str, code: str, details: Any = None) -> dict[str, Any]:
    """Data of `error` on every socket."""
    return {
        "type": "error",
        "message": message,
        "error": message,
        "code": code,
        "details": details,
    }


def refusal(error: ServiceError) -> dict[str, Any]:
    """`error` as the data of an `error` message."""
    return error_words(error.message, error.code, error.details)

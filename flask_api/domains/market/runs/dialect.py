"""A job as a run of the market dialect, and its state as progress: seed 001's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from flask_api.domains.market.runs.registry import BY_KIND
from flask_api.jobs.job import Event, Job, Status
from flask_api.push.dialects import iso, job_row, now, spliced

#: Requests above this are not opened for a list, bytes: data may stand in them.
_SHORT = 256 * 1024
#: Told at the top of a progress message, where a job reports them.
_TOLD = (
    "chain",
    "draw",
    "total_draws",
    "samples_per_second",
    "divergences",
    "iteration",
    "log_likelihood",
)


def run_row(job: Job) -> dict[str, Any]:
    """A job, with its parameters and latest results, as a run."""
    row = job_row(job)
    asked = _asked(job)
    told = latest_of(job.latest_results)
    return {
        "id": job.public_id,
        "model_type": BY_KIND[job.kind].model_type,
        "name": job.name,
        "description": asked.get("description"),
        "status": row["status"],
        **{key: row[key] for key in ("created_at", "queued_at", "started_at")},
        "completed_at": row["completed_at"],
        "queue_duration": row["queue_seconds"],
        "run_duration": row["run_seconds"],
        "model_params": asked.get("params"),
        "data_id": asked.get("data_id"),
        "data_shape": told.get("data_shape") or asked.get("data_shape"),
        "product_columns": told.get("product_columns") or asked.get("product_columns"),
        "progress": _progress(job.status.value, job.progress),
        "progress_message": job.message,
        "results_summary": told.get("results_summary"),
        "metrics": told.get("metrics"),
        "error_message": (job.error or {}).get("message"),
        "warnings": row["warnings"],
    }


def _asked(job: Job) -> Mapping[str, Any]:
    """What a run was asked: from the remarks of its route, else from the request."""
    found = orjson.loads(job.metadata).get("market")
    if isinstance(found, dict):
        return found
    if len(job.params) > _SHORT:
        return {}
    request: dict[str, Any] = orjson.loads(job.params)
    return request


def latest_of(latest_results: bytes | None) -> dict[str, Any]:
    """What a job told last; at most 16 kB are opened."""
    if latest_results is None or len(latest_results) > 16 * 1024:
        return {}
    found = orjson.loads(latest_results)
    return found if isinstance(found, dict) else {}


def _progress(status: str, progress: float) -> float:
    return -1.0 if status == Status.FAILED.value else progress


def progress_of(event: Event, job: Job) -> dict[str, Any]:
    """An event as `GET /api/v1/progress/{id}` and its stream tell it."""
    state = {**job.state(), **event.state}
    status = event.type.value if event.type.final else str(state["status"])
    told = latest_of(state["latest_results"])
    error = state["error"] or {}
    data: dict[str, Any] = {
        "model_run_id": job.public_id,
        "seq": event.seq,
        "progress": _progress(status, float(state["progress"])),
        "phase": _phase(status, state["phase"], job),
        "message": error.get("message") or state["message"] or status,
        **{name: told.get(name) for name in _TOLD},
        "elapsed_seconds": _elapsed(event, job),
        "eta_seconds": state["eta_seconds"],
        "timestamp": iso(event.time),
        "extra": told.get("extra") or {},
        "status": status,
        "warnings": state["warnings"],
        "latest_results": spliced(state["latest_results"]),
    }
    if event.skipped:
        data["skipped"] = event.skipped
    if event.snapshot:
        data["snapshot"] = True
    return data


def _phase(status: str, phase: str | None, job: Job) -> str:
    """Phases of the seed: a waiting job is `queued` once it was given back or waits."""
    if status == Status.PENDING.value:
        return "queued" if job.attempts else "pending"
    if status == Status.RUNNING.value:
        return phase or "initializing"
    return status


def _elapsed(event: Event, job: Job) -> float | None:
    if job.started_at is None:
        return None
    until = job.finished_at or event.time
    return round(max(0.0, until - job.started_at), 3) if math.isfinite(until) else None


def closing_of(job: Job) -> dict[str, Any]:
    """Data of the `close` event that ends a stream."""
    status = job.status.value
    return {
        "model_run_id": job.public_id,
        "reason": status if job.status.terminal else "disconnected",
        "progress": _progress(status, job.progress),
        "phase": _phase(status, job.phase, job),
        "message": (job.error or {}).get("message") or job.message or status,
        "timestamp": now(),
    }

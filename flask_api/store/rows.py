"""Jobs and events as rows of the tables, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import Row

from flask_api.jobs.job import Event, EventType, Job, Status

_JSON_TEXT = {"warnings", "error"}


def columns_of(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values of `Job` fields as the columns hold them."""
    found = dict(changes)
    for name in _JSON_TEXT & found.keys():
        value = found[name]
        found[name] = None if value is None else orjson.dumps(value).decode()
    if "status" in found:
        found["status"] = Status(found["status"]).value
    return found


def values_of(job: Job) -> dict[str, Any]:
    return columns_of({f.name: getattr(job, f.name) for f in fields(job)})


def job_of(row: Row[Any]) -> Job:
    found = dict(row._mapping)
    found["status"] = Status(found["status"])
    found["warnings"] = tuple(orjson.loads(found["warnings"]))
    found["error"] = orjson.loads(found["error"]) if found["error"] else None
    return Job(**found)


def event_values_of(event: Event) -> dict[str, Any]:
    state = dict(event.state)
    partial = state.get("latest_results")
    if isinstance(partial, bytes):
        state["latest_results"] = orjson.Fragment(partial)
    return {
        "job_id": event.job_id,
        "seq": event.seq,
        "type": event.type.value,
        "time": event.time,
        "state": orjson.dumps(state),
    }


def event_of(row: Row[Any]) -> Event:
    state = orjson.loads(row.state)
    if state.get("latest_results") is not None:
        state["latest_results"] = orjson.dumps(state["latest_results"])
    return Event(row.job_id, row.seq, EventType(row.type), row.time, state)

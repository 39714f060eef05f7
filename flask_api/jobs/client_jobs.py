"""Jobs that their own client computes and reports: they take no slot."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Any

import orjson

from flask_api import errors
from flask_api.jobs.events import Events
from flask_api.jobs.job import (
    CLIENT,
    MOST_WARNINGS,
    EventType,
    Job,
    Status,
    new_id,
)
from flask_api.jobs.submission import Submission, checked_id, refuse_other_content
from flask_api.store.base import SEQ_BLOCK, Store

#: All results that a client reports for one job, bytes of JSON.
MOST_RESULTS = 2**20


class ClientJobs:
    """The client-driven jobs of a server."""

    def __init__(self, store: Store, events: Events) -> None:
        self._store = store
        self._events = events

    def start(
        self, *, owner: str, client_id: str, total_steps: int, parameters: object
    ) -> Submission:
        """A job whose progress its own client reports; it takes no slot."""
        params = orjson.dumps(
            {"parameters": parameters, "total_steps": total_steps},
            option=orjson.OPT_SORT_KEYS,
        )
        now = time.time()
        job = Job(
            id=new_id(),
            owner=owner,
            kind=CLIENT,
            client_id=checked_id(client_id),
            status=Status.RUNNING,
            params=params,
            request_sha256=hashlib.sha256(b"client\0" + params).hexdigest(),
            started_at=now,
            attempt=1,
            total_steps=total_steps,
            step=0,
            seq_floor=SEQ_BLOCK,
        )
        created = self._events.begin(job)
        with self._events.speaking(job.id):
            added = self._store.add(job, created, None, replay=False)
            if added.how == "new":
                self._events.tell(created, owner)
        refuse_other_content(added, job)
        return Submission(added.job, replayed=added.how != "new")

    def report(
        self,
        owner: str,
        client_id: str,
        *,
        step: int,
        status: str,
        results: object = None,
        error: str | None = None,
    ) -> Job:
        """Note what the client of a client-driven job reports.

        step     0..total_steps
        status   running, complete or error
        results  merged into the earlier ones, if both are objects
        error    collected in the job's warnings

        Raises JobNotFound, NotClientDriven, Conflict for a finished job.
        """
        there = self._there(owner, client_id)
        # Reports come on threads of their own: each adds to the row of the one before.
        with self._events.speaking(there.id):
            job = self._there(owner, there.id)
            if job.status.terminal:
                raise errors.Conflict(f"the job is {job.status.value} already")
            job = _with_report(job, step, results, error)
            if status == "running":
                self._goes_on(job)
                return job
            return self._ends(job, status)

    def _there(self, owner: str, job_id: str) -> Job:
        job = self._store.get(owner, job_id)
        if job is None:
            raise errors.JobNotFound(f"there is no job {job_id[:130]!r}")
        if job.kind != CLIENT:
            raise errors.NotClientDriven(job_id=job.public_id)
        return job

    def _goes_on(self, job: Job) -> None:
        state = job.state()
        kept = {k: v for k, v in state.items() if k != "status"}
        kept["warnings"] = job.warnings
        if not self._store.save_progress(job.id, job.attempt, kept):
            raise errors.Conflict("the job has ended already")
        self._store.touch_client(job.id, job.attempt)
        event = self._events.make(job.id, EventType.PROGRESS, state)
        self._events.tell(event, job.owner)

    def _ends(self, job: Job, status: str) -> Job:
        changes: dict[str, Any] = {
            "status": Status.COMPLETED,
            "step": job.step,
            "progress": 1.0,
            "warnings": job.warnings,
            "has_errors": job.has_errors,
            "latest_results": job.latest_results,
            "result": job.latest_results or b"{}",
        }
        changes["result_sha256"] = hashlib.sha256(changes["result"]).hexdigest()
        kind = EventType.COMPLETED
        if status == "error":
            kind = EventType.FAILED
            last = job.warnings[-1] if job.warnings else "the client reported an error"
            changes |= {
                "status": Status.FAILED,
                "progress": job.progress,
                "error": {"code": "CLIENT_ERROR", "message": last, "details": []},
            }
        job = replace(job, **changes)
        final = self._events.make(job.id, kind, job.state())
        if not self._store.finish(job.id, job.attempt, final, changes):
            raise errors.Conflict("the job has ended already")
        self._events.tell(final, job.owner)
        return job


def _with_report(job: Job, step: int, results: object, error: str | None) -> Job:
    total = job.total_steps or 1
    latest = job.latest_results
    if results is not None:
        before = orjson.loads(latest) if latest else None
        both = isinstance(before, dict) and isinstance(results, dict)
        merged = {**before, **results} if both else results  # type: ignore[dict-item]
        latest = orjson.dumps(merged)
        if len(latest) > MOST_RESULTS:
            raise errors.TooLarge(
                f"results: all reports together have {len(latest):,} bytes, and "
                f"{MOST_RESULTS:,} are the most; keep large results where they are "
                "made, and report what people look at",
                details=[{"field": "results", "problem": "is too large"}],
            )
    return replace(
        job,
        step=step,
        progress=max(0.0, min(1.0, step / total)),
        latest_results=latest,
        warnings=(*job.warnings, error)[-MOST_WARNINGS:] if error else job.warnings,
        has_errors=job.has_errors or error is not None,
        eta_seconds=_eta(job, step / total),
    )


def _eta(job: Job, progress: float) -> float | None:
    elapsed = time.time() - (job.started_at or time.time())
    if progress <= 0 or elapsed <= 0:
        return None
    return max(0.0, elapsed / min(1.0, progress) - elapsed)

"""A job store that lives in this process: for tests and for servers that may forget."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from flask_api.jobs.job import CLIENT, Event, EventType, Job, Status
from flask_api.store.base import (
    IDEMPOTENCY_S,
    LEASE_S,
    MAX_DELAY_S,
    REPLAY_S,
    SEQ_BLOCK,
    Added,
    Key,
    Order,
    Store,
)


class MemoryStore(Store):
    """All promises of `Store`, kept by one lock around plain dicts."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """`clock` is seconds since 1970; tests bring their own."""
        self._clock = clock
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._events: dict[str, dict[int, Event]] = {}
        self._keys: dict[tuple[str, Key], tuple[str, float]] = {}

    def now(self) -> float:
        return self._clock()

    def add(
        self,
        job: Job,
        created: Event,
        key: Key | None,
        *,
        replay: bool,
        room: int | None = None,
    ) -> Added:
        with self._lock:
            now = self.now()
            if key and (job.owner, key) in self._keys:
                job_id, made = self._keys[job.owner, key]
                if made > now - IDEMPOTENCY_S and job_id in self._jobs:
                    return Added(self._jobs[job_id], "key")
            if job.client_id and (there := self.get(job.owner, job.client_id)):
                return Added(there, "client_id")
            if replay and (there := self._twin(job, now)):
                return Added(there, "body")
            if room is not None and self.counts()[Status.PENDING] >= room:
                return Added(job, "full")
            job = replace(job, queued_at=now, created_at=now)
            self._jobs[job.id] = job
            self._events[job.id] = {created.seq: created}
            if key:
                self._keys[job.owner, key] = (job.id, now)
            return Added(job, "new")

    def _twin(self, job: Job, now: float) -> Job | None:
        for other in reversed(self._jobs.values()):
            if (
                other.owner == job.owner
                and other.kind == job.kind
                and other.client_id is None
                and other.request_sha256 == job.request_sha256
                and other.data_revision == job.data_revision
                and not other.status.terminal
                and other.cancel_requested_at is None
                and other.created_at > now - REPLAY_S
            ):
                return other
        return None

    def get(self, owner: str, job_id: str) -> Job | None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job and job.owner == owner:
                return job
            for job in self._jobs.values():
                if job.owner == owner and job.client_id == job_id:
                    return job
            return None

    def page(
        self,
        owner: str,
        *,
        statuses: Collection[Status] = (),
        kinds: Collection[str] = (),
        limit: int = 50,
        offset: int = 0,
        oldest_first: bool = False,
        order: Order = "created",
    ) -> tuple[list[Job], int]:
        with self._lock:
            found = [
                replace(job, params=b"{}", latest_results=None, result=None)
                for job in self._jobs.values()
                if job.owner == owner
                and not job.hidden
                and (not statuses or job.status in statuses)
                and (not kinds or job.kind in kinds)
            ]
        found.sort(key=lambda job: job.id, reverse=not oldest_first)
        if order != "created":
            field = "name" if order == "name" else "finished_at"
            by = attrgetter(field)
            told = [job for job in found if by(job) is not None]
            told.sort(key=by, reverse=not oldest_first)
            found = told + [job for job in found if by(job) is None]
        return found[offset : offset + limit], len(found)

    def cached(
        self, owner: str, kind: str, request_sha256: str, data_revision: str
    ) -> Job | None:
        with self._lock:
            found = [
                job
                for job in self._jobs.values()
                if job.owner == owner
                and job.kind == kind
                and job.request_sha256 == request_sha256
                and job.data_revision == data_revision
                and job.status not in (Status.FAILED, Status.CANCELLED)
                and job.cancel_requested_at is None
            ]
            return max(found, key=lambda job: job.id, default=None)

    def counts(self) -> dict[Status, int]:
        with self._lock:
            counter = Counter(j.status for j in self._jobs.values() if j.kind != CLIENT)
            return {status: counter[status] for status in Status}

    def claim(self, holder: str, *, quick: bool) -> Job | None:
        with self._lock:
            now = self.now()
            served: dict[str, float] = {}
            running: Counter[str] = Counter()
            for job in self._jobs.values():
                served[job.owner] = max(
                    served.get(job.owner, 0.0), job.started_at or 0.0
                )
                running[job.owner] += job.status is Status.RUNNING
            waiting = [
                job
                for job in self._jobs.values()
                if job.status is Status.PENDING
                and not now < job.not_before <= now + MAX_DELAY_S
                and (job.quick or not quick)
            ]
            if not waiting:
                return None

            def order(job: Job) -> tuple[int, int, float, str]:
                aged = min(9, job.priority + max(0, int((now - job.queued_at) // 60)))
                return -aged, running[job.owner], served[job.owner], job.id

            job = min(waiting, key=order)
            job = replace(
                job,
                status=Status.RUNNING,
                holder=holder,
                started_at=now,
                attempt=job.attempt + 1,
                attempts=job.attempts + 1,
                progress=0.0,
                message=None,
                eta_seconds=None,
                lease_until=now + LEASE_S,
            )
            self._jobs[job.id] = job
            return job

    def _held(self, job_id: str, attempt: int) -> Job | None:
        job = self._jobs.get(job_id)
        if job and job.attempt == attempt and job.status is Status.RUNNING:
            return job
        return None

    def renew(self, job_id: str, attempt: int) -> Job | None:
        with self._lock:
            job = self._held(job_id, attempt)
            if job:
                job = self._jobs[job_id] = replace(
                    job, lease_until=self.now() + LEASE_S
                )
            return job

    def save_progress(
        self, job_id: str, attempt: int, state: Mapping[str, Any]
    ) -> bool:
        with self._lock:
            job = self._held(job_id, attempt)
            if job:
                self._jobs[job_id] = replace(job, **state)
            return job is not None

    def finish(
        self, job_id: str, attempt: int, final: Event, changes: Mapping[str, Any]
    ) -> bool:
        with self._lock:
            job = self._held(job_id, attempt)
            if job is None:
                return False
            completes = changes["status"] is Status.COMPLETED
            if completes and job.cancel_requested_at is not None:
                return False
            self._jobs[job_id] = replace(
                job, **changes, finished_at=self.now(), lease_until=None, holder=None
            )
            self._events[job_id][final.seq] = final
            return True

    def give_back(
        self,
        job_id: str,
        attempt: int,
        event: Event,
        *,
        counted: bool,
        died: bool = False,
        delay_s: float = 0.0,
    ) -> bool:
        with self._lock:
            job = self._held(job_id, attempt)
            if job is None or job.cancel_requested_at is not None:
                return False
            self._jobs[job_id] = replace(
                job,
                status=Status.PENDING,
                holder=None,
                lease_until=None,
                has_errors=job.has_errors or counted,
                attempts=job.attempts - (not counted),
                deaths=job.deaths + died,
                not_before=self.now() + delay_s if delay_s else 0.0,
            )
            self._events[job_id][event.seq] = event
            return True

    def request_cancel(
        self, job_id: str, by: str, reason: str, seq: int
    ) -> tuple[Job, Event | None] | None:
        with self._lock:
            job, now = self._jobs.get(job_id), self.now()
            if job is None:
                return None
            if job.status.terminal or job.cancel_requested_at is not None:
                return job, None
            job = replace(
                job, cancel_requested_at=now, cancel_reason=reason, cancelled_by=by
            )
            kind = EventType.CANCEL_REQUESTED
            if job.status is Status.PENDING or job.kind == CLIENT:
                job = replace(
                    job, status=Status.CANCELLED, finished_at=now, lease_until=None
                )
                kind = EventType.CANCELLED
            event = Event(job_id, seq, kind, now, job.state())
            self._jobs[job_id] = job
            self._events[job_id][seq] = event
            return job, event

    def running(self) -> list[Job]:
        with self._lock:
            return [
                job
                for job in self._jobs.values()
                if job.status is Status.RUNNING and job.kind != CLIENT
            ]

    def expired(self) -> list[Job]:
        with self._lock:
            now = self.now()
            return [
                job
                for job in self._jobs.values()
                if job.status is Status.RUNNING
                and job.kind != CLIENT
                and (job.lease_until or 0.0) < now
            ]

    def idle_clients(self, idle_s: float) -> list[Job]:
        with self._lock:
            since = self.now() - idle_s
            return [
                job
                for job in self._jobs.values()
                if job.status is Status.RUNNING
                and job.kind == CLIENT
                and (job.lease_until or job.created_at) < since
            ]

    def touch_client(self, job_id: str, attempt: int) -> bool:
        with self._lock:
            job = self._held(job_id, attempt)
            if job:
                self._jobs[job_id] = replace(job, lease_until=self.now())
            return job is not None

    def raise_seq(self, job_id: str) -> int | None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            self._jobs[job_id] = replace(job, seq_floor=job.seq_floor + SEQ_BLOCK)
            return job.seq_floor

    def add_event(self, event: Event) -> None:
        with self._lock:
            if event.job_id in self._events:
                self._events[event.job_id].setdefault(event.seq, event)

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        with self._lock:
            kept = self._events.get(job_id, {})
            return [kept[seq] for seq in sorted(kept) if seq > after]

    def delete(self, owner: str, job_id: str) -> Job | None:
        with self._lock:
            job = self.get(owner, job_id)
            if job is None or not job.status.terminal:
                return None
            del self._jobs[job.id], self._events[job.id]
            return job

    def prune(self, keep: int, spared: Collection[str] = ()) -> list[Job]:
        with self._lock:
            old = self.now() - IDEMPOTENCY_S
            self._keys = {k: v for k, v in self._keys.items() if v[1] > old}
            seen: Counter[tuple[str, bool]] = Counter()
            gone = []
            for job in sorted(self._jobs.values(), key=lambda j: j.id, reverse=True):
                if job.status.terminal and job.kind not in spared:
                    seen[job.owner, job.hidden] += 1
                    if seen[job.owner, job.hidden] > keep:
                        gone.append(job)
            for job in gone:
                del self._jobs[job.id], self._events[job.id]
            return gone

    def result_files(self) -> set[str]:
        with self._lock:
            return {j.result_file for j in self._jobs.values() if j.result_file}

    def living(self, ids: Collection[str]) -> set[str]:
        with self._lock:
            return {job_id for job_id in ids if job_id in self._jobs}

    def close(self) -> None:
        pass

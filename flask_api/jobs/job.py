"""The job record, its states and its events; what every floor above speaks of.

An *analysis* is a kind of run; a *job* is one run of it. A job's life:

    pending -> running -> completed | failed | cancelled
       |          |
       |          +-> pending      given back: restart, lost worker (attempt + 1)
       +-> cancelled

Times are seconds since 1970 (UTC), for display; durations are measured elsewhere by
monotonic clocks.
"""

from __future__ import annotations

import os
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where a job is in its life."""

    PENDING = "pending"  # waits for a slot
    RUNNING = "running"  # a worker (or, for kind `client`, its client) computes
    COMPLETED = "completed"  # has its result
    FAILED = "failed"  # has an error
    CANCELLED = "cancelled"  # stopped on request; never completes

    @property
    def terminal(self) -> bool:
        return self not in (Status.PENDING, Status.RUNNING)


class EventType(StrEnum):
    """What a job says. All but PROGRESS are milestones: stored and never dropped."""

    CREATED = "created"
    STARTED = "started"
    PROGRESS = "progress"
    RETRIED = "retried"  # an attempt failed through no fault of the job
    INTERRUPTED = "interrupted"  # given back because the server stops
    WARNING = "warning"
    CANCEL_REQUESTED = "cancel_requested"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def milestone(self) -> bool:
        return self is not EventType.PROGRESS

    @property
    def final(self) -> bool:
        return self in (EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED)


#: Priority of a job that names none.
DEFAULT_PRIORITY = 5
#: The kind of a job that its own client computes.
CLIENT = "client"
#: A job keeps so many warnings: every event carries them all.
MOST_WARNINGS = 100


@dataclass(frozen=True)
class Job:
    """One run, as the store keeps it."""

    #: UUIDv7, made by us; used for files and rooms.
    id: str
    owner: str
    kind: str
    #: The id the client chose (`analysis_id`), unique per owner.
    client_id: str | None = None
    name: str | None = None
    status: Status = Status.PENDING
    #: 0..9, 9 first; waiting adds one a minute, up to 9.
    priority: int = DEFAULT_PRIORITY
    #: Runs in the reserved slot for short work.
    quick: bool = False
    #: Left out of lists.
    hidden: bool = False
    #: The validated request as canonical JSON.
    params: bytes = b"{}"
    #: The caller's own remarks as JSON.
    metadata: bytes = b"{}"
    request_sha256: str = ""
    #: Names the state of what the request reads (model revision); "" = nothing.
    data_revision: str = ""
    created_at: float = 0.0
    queued_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    #: Not claimed before (back-off after a lost worker).
    not_before: float = 0.0
    timeout_s: float | None = None
    #: Fencing token: grows at every claim; older writers are refused.
    attempt: int = 0
    #: Attempts that count towards JOB_MAX_ATTEMPTS.
    attempts: int = 0
    #: Unexplained deaths of a worker on this job.
    deaths: int = 0
    holder: str | None = None
    lease_until: float | None = None
    cancel_requested_at: float | None = None
    cancel_reason: str | None = None
    cancelled_by: str | None = None
    progress: float = 0.0
    step: int | None = None
    total_steps: int | None = None
    phase: str | None = None
    message: str | None = None
    eta_seconds: float | None = None
    has_errors: bool = False
    warnings: tuple[str, ...] = ()
    #: {code, message, details} or None.
    error: Mapping[str, Any] | None = None
    #: What watchers last saw, as JSON.
    latest_results: bytes | None = None
    #: The result as JSON, if it is small ...
    result: bytes | None = None
    #: ... else the name of its file, and the file's size and sha256.
    result_file: str | None = None
    result_size: int | None = None
    file_sha256: str | None = None
    #: Hash of the result without provenance and times: the ETag.
    result_sha256: str | None = None
    rerun_of: str | None = None
    #: For a request that names none; kept by reruns. None: made before there was one.
    seed: int | None = None
    #: Numbers up to here may have been given to events.
    seq_floor: int = 0

    @property
    def public_id(self) -> str:
        """The id its owner knows it by: the client's, else ours."""
        return self.client_id or self.id

    def state(self) -> dict[str, Any]:
        """What an event carries: everything a watcher needs to draw the job."""
        return {
            "status": self.status.value,
            "progress": self.progress,
            "step": self.step,
            "total_steps": self.total_steps,
            "phase": self.phase,
            "message": self.message,
            "eta_seconds": self.eta_seconds,
            "has_errors": self.has_errors,
            "warnings": list(self.warnings),
            "error": self.error,
            "latest_results": self.latest_results,
        }


@dataclass(frozen=True)
class Event:
    """One thing a job said.

    `state` holds the keys of `Job.state()`, with `latest_results` as JSON bytes, and
    `rate` (units of the total per second) where it is known.
    """

    job_id: str
    #: Rises strictly within a job, also across restarts.
    seq: int
    type: EventType
    time: float
    state: Mapping[str, Any] = field(default_factory=dict)
    #: True = the whole state made from the row, for a watcher who missed some.
    snapshot: bool = False
    #: Progress events left out for this watcher since the one before.
    skipped: int = 0


_last_tick = 0
_tick_lock = threading.Lock()


def new_id() -> str:
    """A UUIDv7: cannot be guessed, and later ones of this process sort later.

    48 bits of milliseconds, 12 bits of their fraction (RFC 9562, method 3), 62 random.
    """
    global _last_tick
    with _tick_lock:
        _last_tick = max(_last_tick + 1, time.time_ns() * 4096 // 1_000_000)
        ms, fraction = divmod(_last_tick, 4096)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=ms << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random))


_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")

#: Words that stand for addresses of their own below `/api/jobs/`.
RESERVED_IDS = frozenset(
    {"forecast", "monte-carlo", "validate", "report", "stream", "events"}
)


def problem_with_client_id(value: object) -> str | None:
    """What is wrong with an id chosen by a client; None if nothing is."""
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not _CLIENT_ID.match(value):
        shown = value if len(value) <= 40 else value[:40] + "..."
        return (
            f"must be 1 to 128 of the characters A-Z a-z 0-9 . _ : -, the first a "
            f"letter or digit; got {shown!r} ({len(value)} characters)"
        )
    if value in RESERVED_IDS:
        return f"{value!r} is a reserved word; choose another id"
    return None

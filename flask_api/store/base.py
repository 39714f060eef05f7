"""What a job store promises. `memory.py` and `sql.py` keep these promises.

Order      the store owns the queue: `claim` hands out pending jobs by aged priority,
           then to the owner with the fewest running, then to the owner served longest
           ago, then oldest first. There is no second queue.
Fencing    `attempt` grows at every claim. Every write for a running job names the
           attempt it was claimed with; a write of an older attempt changes nothing
           and returns False. So two processes that both believe to hold a job cannot
           both finish it.
Finishing  `finish` is one atomic step: state, result and final event together. It
           refuses to complete a job whose cancellation was requested: who commits
           first wins.
Owners     every call that names a job also names its owner; a job of another owner
           does not exist.
Clock      leases and `not_before` are judged by the store's own clock (`now`).
Threads    all methods may be called from any thread.
Faults     a database that is locked or away raises StoreBusy: try again. A full or
           read-only disk raises DiskFull.
Events     milestones only; progress events are never stored, but `save_progress`
           keeps the newest state in the row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flask_api.errors import ServiceError
from flask_api.jobs.job import Event, Job, Status

#: What lists are ordered by: when jobs were made, when they ended, their names.
Order = Literal["created", "finished", "name"]

#: A claimed job belongs to its holder for this long without a renewal, seconds.
LEASE_S = 20.0
#: Event numbers are reserved in blocks of this size.
SEQ_BLOCK = 1000
#: The longest delay of a job that was given back, seconds: one that claims to wait
#: longer was given back before the clock was set back.
MAX_DELAY_S = 60.0
#: An idempotency key is remembered this long, seconds.
IDEMPOTENCY_S = 24 * 3600.0
#: An identical body within this time returns the unfinished first job, seconds.
REPLAY_S = 30.0


class StoreBusy(ServiceError):
    """The database did not answer in time: try again in a second."""

    status = 503
    code = "STORE_BUSY"
    title = "Service unavailable"


@dataclass(frozen=True)
class Key:
    """A client's Idempotency-Key, for one owner and route."""

    route: str
    key: str


@dataclass(frozen=True)
class Added:
    """Outcome of `add`: the job that now stands for the request."""

    job: Job
    #: "new", "key" (same key), "client_id" (same id), "body" (same recent body), or
    #: "full" (not inserted)
    how: str


class Store(ABC):
    """Keeps jobs, their milestones and idempotency keys."""

    @abstractmethod
    def now(self) -> float:
        """The store's clock, seconds since 1970."""

    @abstractmethod
    def add(
        self,
        job: Job,
        created: Event,
        key: Key | None,
        *,
        replay: bool,
        room: int | None = None,
    ) -> Added:
        """Insert a pending job with its first event, unless it is there already.

        An earlier job stands for it if it was made with the same key, the same
        client id, or (`replay`) within REPLAY_S with the same kind, content and data
        revision while it is unfinished. The caller compares contents. Queue times are
        the store's. Where none does and `room` jobs are pending, nothing is inserted:
        "full".
        """

    @abstractmethod
    def get(self, owner: str, job_id: str) -> Job | None:
        """The job with our id, or the client's."""

    @abstractmethod
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
        """A page of the owner's visible jobs, and how many there are.

        oldest_first   ascending; jobs that lack what they are ordered by come last in
                       both directions, and equal ones by when they were made
        The rows come without params, latest results and result.
        """

    @abstractmethod
    def cached(
        self, owner: str, kind: str, request_sha256: str, data_revision: str
    ) -> Job | None:
        """The newest completed or unfinished job with this request and data."""

    @abstractmethod
    def counts(self) -> dict[Status, int]:
        """Server-run jobs by status, of all owners."""

    @abstractmethod
    def claim(self, holder: str, *, quick: bool) -> Job | None:
        """The next pending job, now running and held by `holder`; None if none waits.

        quick   True: only quick jobs; False: any
        """

    @abstractmethod
    def renew(self, job_id: str, attempt: int) -> Job | None:
        """Prolong the lease; the row as it is now, or None if the job is lost."""

    @abstractmethod
    def save_progress(
        self, job_id: str, attempt: int, state: Mapping[str, Any]
    ) -> bool:
        """Keep the newest state (keys of `Job.state()`) of a running job."""

    @abstractmethod
    def finish(
        self, job_id: str, attempt: int, final: Event, changes: Mapping[str, Any]
    ) -> bool:
        """End a running job: status and fields of `changes`, and its final event.

        False, and nothing changed, if the attempt is not the current one, the job is
        not running, or it would complete although its cancellation was requested.
        """

    @abstractmethod
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
        """Return a running job to the queue; `counted` attempts are limited.

        False, and nothing changed, if the attempt is not the current one, the job is
        not running, or its cancellation was requested: such a one is to be finished.
        """

    @abstractmethod
    def request_cancel(
        self, job_id: str, by: str, reason: str, seq: int
    ) -> tuple[Job, Event | None] | None:
        """Ask that a job stops; the row as it is now, and the milestone this made.

        A pending job, or one that its client computes, is cancelled at once: the
        milestone is its final one. A running one is marked: `cancel_requested`. One
        that is finished, or marked already, is left alone: no milestone. `seq` numbers
        the milestone. None if the job is gone.
        """

    @abstractmethod
    def running(self) -> Sequence[Job]:
        """All running jobs of the server."""

    @abstractmethod
    def expired(self) -> list[Job]:
        """Running jobs of the server whose lease has run out."""

    @abstractmethod
    def idle_clients(self, idle_s: float) -> list[Job]:
        """Client-driven jobs that have been silent for longer than `idle_s`."""

    @abstractmethod
    def touch_client(self, job_id: str, attempt: int) -> bool:
        """Note that the client of a client-driven job is alive."""

    @abstractmethod
    def raise_seq(self, job_id: str) -> int | None:
        """Reserve SEQ_BLOCK event numbers; the last one below them, None if gone."""

    @abstractmethod
    def add_event(self, event: Event) -> None:
        """Keep a milestone; does nothing if its job is gone or the number is taken."""

    @abstractmethod
    def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Stored milestones with seq > after, in order."""

    @abstractmethod
    def delete(self, owner: str, job_id: str) -> Job | None:
        """Remove a finished job and its events; the row that was, None if none."""

    @abstractmethod
    def prune(self, keep: int, spared: Collection[str] = ()) -> Iterable[Job]:
        """Remove each owner's oldest finished jobs beyond `keep`; the removed rows.

        Jobs of the kinds `spared` are neither removed nor counted.
        Forgets idempotency keys older than IDEMPOTENCY_S.
        """

    @abstractmethod
    def result_files(self) -> set[str]:
        """Names of all result files that a row refers to."""

    @abstractmethod
    def living(self, ids: Collection[str]) -> set[str]:
        """Those of our ids that jobs bear, of any owner."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections."""

"""A job store in SQLite or PostgreSQL, through SQLAlchemy.

Each method is one short transaction. On SQLite a writing one begins with BEGIN
IMMEDIATE, so that two processes on one file queue up instead of failing half-way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

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
from flask_api.store.database import open_database, told_apart
from flask_api.store.rows import (
    columns_of,
    event_of,
    event_values_of,
    job_of,
    values_of,
)
from flask_api.store.tables import events, idempotency, jobs

_FINISHED = [s.value for s in Status if s.terminal]
#: Ids that one query names; databases bound the parameters of a statement.
_MOST_NAMED = 500
_BIG = {"params", "latest_results", "result"}


class SqlStore(Store):
    """All promises of `Store`, kept by a database."""

    def __init__(self, url: str) -> None:
        """Open the database at `url` (SQLAlchemy's form) and bring it up to date.

        Raises SettingsError where `url` is no address or its driver is missing.
        """
        self._engine = open_database(url)
        self._sqlite = self._engine.dialect.name == "sqlite"

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        immediate = self._engine.execution_options(immediate=True)
        with told_apart(), immediate.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with told_apart(), self._engine.connect() as connection:
            yield connection

    def now(self) -> float:
        with self._read() as connection:
            return self._now(connection)

    def _now(self, connection: Connection) -> float:
        clock = (
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if self._sqlite
            else "SELECT extract(epoch FROM clock_timestamp())::float8"
        )
        return float(connection.execute(text(clock)).scalar_one())

    def add(
        self,
        job: Job,
        created: Event,
        key: Key | None,
        *,
        replay: bool,
        room: int | None = None,
    ) -> Added:
        try:
            return self._add(job, created, key, replay=replay, room=room)
        except IntegrityError:  # another process was first: now its row is there
            return self._add(job, created, key, replay=replay, room=room)

    def _add(
        self,
        job: Job,
        created: Event,
        key: Key | None,
        *,
        replay: bool,
        room: int | None,
    ) -> Added:
        with self._write() as connection:
            now = self._now(connection)
            there = self._standing(connection, job, key, now, replay=replay)
            if there:
                return there
            if room is not None and self._pending(connection) >= room:
                return Added(job, "full")
            job = replace(job, queued_at=now, created_at=now)
            connection.execute(insert(jobs).values(**values_of(job)))
            connection.execute(insert(events).values(**event_values_of(created)))
            if key:
                connection.execute(
                    delete(idempotency).where(
                        idempotency.c.owner == job.owner,
                        idempotency.c.route == key.route,
                        idempotency.c.key == key.key,
                    )
                )
                connection.execute(
                    insert(idempotency).values(
                        owner=job.owner,
                        route=key.route,
                        key=key.key,
                        job_id=job.id,
                        created_at=now,
                    )
                )
            return Added(job, "new")

    def _pending(self, connection: Connection) -> int:
        waiting = jobs.c.status == Status.PENDING.value
        count = select(func.count()).select_from(jobs).where(waiting)
        return int(connection.execute(count).scalar_one())

    def _standing(
        self,
        connection: Connection,
        job: Job,
        key: Key | None,
        now: float,
        *,
        replay: bool,
    ) -> Added | None:
        """The earlier job that stands for this request, if there is one."""
        mine = select(jobs).where(jobs.c.owner == job.owner)
        if key:
            found = connection.execute(
                mine.join(idempotency, idempotency.c.job_id == jobs.c.id).where(
                    idempotency.c.owner == job.owner,
                    idempotency.c.route == key.route,
                    idempotency.c.key == key.key,
                    idempotency.c.created_at > now - IDEMPOTENCY_S,
                )
            ).first()
            if found:
                return Added(job_of(found), "key")
        if job.client_id:
            found = connection.execute(
                mine.where(jobs.c.client_id == job.client_id)
            ).first()
            if found:
                return Added(job_of(found), "client_id")
        if replay:
            found = connection.execute(
                mine.where(
                    jobs.c.kind == job.kind,
                    jobs.c.request_sha256 == job.request_sha256,
                    jobs.c.data_revision == job.data_revision,
                    jobs.c.client_id.is_(None),
                    jobs.c.status.not_in(_FINISHED),
                    jobs.c.cancel_requested_at.is_(None),
                    jobs.c.created_at > now - REPLAY_S,
                ).order_by(jobs.c.id.desc())
            ).first()
            if found:
                return Added(job_of(found), "body")
        return None

    def get(self, owner: str, job_id: str) -> Job | None:
        mine = select(jobs).where(jobs.c.owner == owner)
        with self._read() as connection:
            row = connection.execute(mine.where(jobs.c.id == job_id)).first()
            if row is None:
                row = connection.execute(mine.where(jobs.c.client_id == job_id)).first()
        return job_of(row) if row else None

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
        small = [column for column in jobs.c if column.name not in _BIG]
        wanted = [jobs.c.owner == owner, jobs.c.hidden.is_(False)]
        if statuses:
            wanted.append(jobs.c.status.in_([s.value for s in statuses]))
        if kinds:
            wanted.append(jobs.c.kind.in_(list(kinds)))
        by = [jobs.c.id]
        if order != "created":
            by.insert(0, jobs.c.name if order == "name" else jobs.c.finished_at)
        told = [column.asc() if oldest_first else column.desc() for column in by]
        if order != "created":
            told.insert(0, by[0].is_(None).asc())  # what lacks it comes last
        page = select(*small).where(*wanted).order_by(*told)
        with self._read() as connection:
            rows = connection.execute(page.limit(limit).offset(offset)).all()
            total = connection.execute(
                select(func.count()).select_from(jobs).where(*wanted)
            ).scalar_one()
        return [job_of(row) for row in rows], total

    def cached(
        self, owner: str, kind: str, request_sha256: str, data_revision: str
    ) -> Job | None:
        query = (
            select(jobs)
            .where(
                jobs.c.owner == owner,
                jobs.c.kind == kind,
                jobs.c.request_sha256 == request_sha256,
                jobs.c.data_revision == data_revision,
                jobs.c.status.not_in([Status.FAILED.value, Status.CANCELLED.value]),
                jobs.c.cancel_requested_at.is_(None),
            )
            .order_by(jobs.c.id.desc())
            .limit(1)
        )
        with self._read() as connection:
            row = connection.execute(query).first()
        return job_of(row) if row else None

    def counts(self) -> dict[Status, int]:
        query = (
            select(jobs.c.status, func.count())
            .where(jobs.c.kind != CLIENT)
            .group_by(jobs.c.status)
        )
        with self._read() as connection:
            found = {str(status): int(n) for status, n in connection.execute(query)}
        return {status: found.get(status.value, 0) for status in Status}

    def claim(self, holder: str, *, quick: bool) -> Job | None:
        with self._read() as connection:  # an idle slot asks each second: no lock
            if not self._pending(connection):
                return None
        with self._write() as connection:
            now = self._now(connection)
            row = connection.execute(self._next(now, quick=quick)).first()
            if row is None:
                return None
            job = replace(
                job_of(row),
                status=Status.RUNNING,
                holder=holder,
                started_at=now,
                attempt=row.attempt + 1,
                attempts=row.attempts + 1,
                progress=0.0,
                message=None,
                eta_seconds=None,
                lease_until=now + LEASE_S,
            )
            connection.execute(
                update(jobs)
                .where(jobs.c.id == job.id)
                .values(
                    status=job.status.value,
                    holder=holder,
                    started_at=now,
                    attempt=job.attempt,
                    attempts=job.attempts,
                    progress=0.0,
                    message=None,
                    eta_seconds=None,
                    lease_until=job.lease_until,
                )
            )
            return job

    def _next(self, now: float, *, quick: bool) -> Select[Any]:
        """The pending job whose turn it is, locked against other claimers."""
        waiting = [
            jobs.c.status == Status.PENDING.value,
            or_(jobs.c.not_before <= now, jobs.c.not_before > now + MAX_DELAY_S),
        ]
        if quick:
            waiting.append(jobs.c.quick.is_(True))
        # Only the oldest of each owner and priority can be next: the index jobs_claim
        # holds all that this reads, and the rest is judged for a few rows.
        first = (
            select(
                jobs.c.owner,
                jobs.c.priority,
                func.min(jobs.c.queued_at).label("queued_at"),
                func.min(jobs.c.id).label("id"),
            )
            .where(*waiting)
            .group_by(jobs.c.owner, jobs.c.priority)
            .subquery("first")
        )
        other = jobs.alias("other")
        running = (
            select(func.count())
            .where(other.c.owner == first.c.owner, other.c.status == "running")
            .scalar_subquery()
        )
        served = (
            select(func.coalesce(func.max(other.c.started_at), 0.0))
            .where(other.c.owner == first.c.owner)
            .scalar_subquery()
        )
        minutes = func.floor((literal(now) - first.c.queued_at) / 60.0)
        aged = first.c.priority + case((minutes > 0, minutes), else_=0)
        capped = case((aged > 9, 9), else_=aged)
        chosen = (
            select(first.c.id)
            .order_by(capped.desc(), running, served, first.c.id)
            .limit(1)
            .scalar_subquery()
        )
        query = select(jobs).where(jobs.c.id == chosen)
        return query.with_for_update(of=jobs, skip_locked=True)

    def _held(self, job_id: str, attempt: int) -> Any:
        """UPDATE of a job that is still ours: the fence."""
        return update(jobs).where(
            jobs.c.id == job_id,
            jobs.c.attempt == attempt,
            jobs.c.status == Status.RUNNING.value,
        )

    def renew(self, job_id: str, attempt: int) -> Job | None:
        with self._write() as connection:
            until = self._now(connection) + LEASE_S
            row = connection.execute(
                self._held(job_id, attempt).values(lease_until=until).returning(*jobs.c)
            ).first()
            return job_of(row) if row else None

    def save_progress(
        self, job_id: str, attempt: int, state: Mapping[str, Any]
    ) -> bool:
        with self._write() as connection:
            done = connection.execute(
                self._held(job_id, attempt).values(**columns_of(state))
            )
            return bool(done.rowcount)

    def finish(
        self, job_id: str, attempt: int, final: Event, changes: Mapping[str, Any]
    ) -> bool:
        ours = self._held(job_id, attempt)
        if changes["status"] is Status.COMPLETED:
            ours = ours.where(jobs.c.cancel_requested_at.is_(None))
        with self._write() as connection:
            done = connection.execute(
                ours.values(
                    **columns_of(changes),
                    finished_at=self._now(connection),
                    lease_until=None,
                    holder=None,
                )
            )
            if not done.rowcount:
                return False
            connection.execute(insert(events).values(**event_values_of(final)))
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
        with self._write() as connection:
            done = connection.execute(
                self._held(job_id, attempt)
                .where(jobs.c.cancel_requested_at.is_(None))
                .values(
                    status=Status.PENDING.value,
                    holder=None,
                    lease_until=None,
                    has_errors=True if counted else jobs.c.has_errors,
                    attempts=jobs.c.attempts - (0 if counted else 1),
                    deaths=jobs.c.deaths + (1 if died else 0),
                    not_before=self._now(connection) + delay_s if delay_s else 0.0,
                )
            )
            if not done.rowcount:
                return False
            connection.execute(insert(events).values(**event_values_of(event)))
            return True

    def request_cancel(
        self, job_id: str, by: str, reason: str, seq: int
    ) -> tuple[Job, Event | None] | None:
        with self._write() as connection:
            row = connection.execute(
                select(jobs).where(jobs.c.id == job_id).with_for_update()
            ).first()
            if row is None:
                return None
            job, now = job_of(row), self._now(connection)
            if job.status.terminal or job.cancel_requested_at is not None:
                return job, None
            changes: dict[str, Any] = {
                "cancel_requested_at": now,
                "cancel_reason": reason,
                "cancelled_by": by,
            }
            kind = EventType.CANCEL_REQUESTED
            if job.status is Status.PENDING or job.kind == CLIENT:
                kind = EventType.CANCELLED
                changes |= {
                    "status": Status.CANCELLED,
                    "finished_at": now,
                    "lease_until": None,
                }
            job = replace(job, **changes)
            made = Event(job.id, seq, kind, now, job.state())
            connection.execute(
                update(jobs).where(jobs.c.id == job.id).values(**columns_of(changes))
            )
            connection.execute(insert(events).values(**event_values_of(made)))
            return job, made

    def running(self) -> list[Job]:
        return self._running(jobs.c.kind != CLIENT)

    def _running(self, *wanted: Any) -> list[Job]:
        query = select(jobs).where(jobs.c.status == Status.RUNNING.value, *wanted)
        with self._read() as connection:
            return [job_of(row) for row in connection.execute(query)]

    def expired(self) -> list[Job]:
        return self._running(jobs.c.kind != CLIENT, jobs.c.lease_until < self.now())

    def idle_clients(self, idle_s: float) -> list[Job]:
        seen = func.coalesce(jobs.c.lease_until, jobs.c.created_at)
        return self._running(jobs.c.kind == CLIENT, seen < self.now() - idle_s)

    def touch_client(self, job_id: str, attempt: int) -> bool:
        with self._write() as connection:
            seen = self._now(connection)
            done = connection.execute(
                self._held(job_id, attempt).values(lease_until=seen)
            )
            return bool(done.rowcount)

    def raise_seq(self, job_id: str) -> int | None:
        with self._write() as connection:
            floor = connection.execute(
                update(jobs)
                .where(jobs.c.id == job_id)
                .values(seq_floor=jobs.c.seq_floor + SEQ_BLOCK)
                .returning(jobs.c.seq_floor)
            ).scalar()
        return None if floor is None else int(floor) - SEQ_BLOCK

    def add_event(self, event: Event) -> None:
        try:
            with self._write() as connection:
                connection.execute(insert(events).values(**event_values_of(event)))
        except IntegrityError:
            return  # promised: the job is gone, or the number is taken

    def events(self, job_id: str, after: int = 0) -> list[Event]:
        query = (
            select(events)
            .where(events.c.job_id == job_id, events.c.seq > after)
            .order_by(events.c.seq)
        )
        with self._read() as connection:
            return [event_of(row) for row in connection.execute(query)]

    def delete(self, owner: str, job_id: str) -> Job | None:
        job = self.get(owner, job_id)
        if job is None:
            return None
        gone = delete(jobs).where(jobs.c.id == job.id, jobs.c.status.in_(_FINISHED))
        with self._write() as connection:
            row = connection.execute(gone.returning(*jobs.c)).first()
        return job_of(row) if row else None

    def prune(self, keep: int, spared: Collection[str] = ()) -> list[Job]:
        rank = (
            func.row_number()
            .over(partition_by=(jobs.c.owner, jobs.c.hidden), order_by=jobs.c.id.desc())
            .label("rank")
        )
        counted = (jobs.c.status.in_(_FINISHED), jobs.c.kind.not_in(list(spared)))
        ranked = select(jobs.c.id, rank).where(*counted).subquery()
        old = select(ranked.c.id).where(ranked.c.rank > keep)
        with self._write() as connection:
            horizon = self._now(connection) - IDEMPOTENCY_S
            connection.execute(
                delete(idempotency).where(idempotency.c.created_at < horizon)
            )
            rows = connection.execute(
                delete(jobs).where(jobs.c.id.in_(old)).returning(*jobs.c)
            ).all()
        return [job_of(row) for row in rows]

    def result_files(self) -> set[str]:
        query = select(jobs.c.result_file).where(jobs.c.result_file.is_not(None))
        with self._read() as connection:
            return {str(name) for name in connection.execute(query).scalars()}

    def living(self, ids: Collection[str]) -> set[str]:
        wanted, found = list(ids), set[str]()
        with self._read() as connection:
            for start in range(0, len(wanted), _MOST_NAMED):
                part = wanted[start : start + _MOST_NAMED]
                query = select(jobs.c.id).where(jobs.c.id.in_(part))
                found.update(connection.execute(query).scalars())
        return found

    def close(self) -> None:
        self._engine.dispose()

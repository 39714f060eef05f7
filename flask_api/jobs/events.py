"""Numbering events, handing them out, and following them from any point on."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from flask_api.jobs.event_log.base import EventLog, Mailbox
from flask_api.jobs.job import Event, EventType, Job, Status
from flask_api.store.base import SEQ_BLOCK, Store

#: How often a follower looks into the store when the engine is another process.
REMOTE_POLL_S = 0.5
#: A watcher of the list hears of one job at most this often, seconds.
LIST_INTERVAL_S = 0.25


@dataclass
class _Voice:
    """The numbers of one job, and the right to speak for it."""

    turn: threading.RLock = field(default_factory=lambda: threading.RLock())
    last: int = 0  # given to an event
    limit: int = 0  # reserved in the store
    users: int = 0
    ended: bool = False


class Events:
    """All that is said about jobs in this process."""

    def __init__(self, store: Store, log: EventLog) -> None:
        self._store = store
        self._log = log
        self._lock = threading.Lock()
        self._voices: dict[str, _Voice] = {}
        #: False while another process runs the engine: then the log here is silent.
        self.engine_here = False

    @contextmanager
    def speaking(self, job_id: str) -> Iterator[_Voice]:
        """Number, keep and tell a job's event as one step.

        Without it a milestone that was numbered first could be told after a later
        event, and followers, whose numbers only rise, would never see it.
        """
        with self._lock:
            voice = self._voices.setdefault(job_id, _Voice())
            voice.users += 1
        try:
            with voice.turn:
                yield voice
        finally:
            with self._lock:
                voice.users -= 1
                if not voice.users and (voice.ended or voice.last >= voice.limit):
                    self._voices.pop(job_id, None)

    def begin(self, job: Job) -> Event:
        """The first event of a new job; the store is to keep it with the row."""
        return Event(job.id, 1, EventType.CREATED, time.time(), job.state())

    def number(self, job_id: str) -> int:
        """The next number of a job's events."""
        with self.speaking(job_id) as voice:
            if voice.last >= voice.limit:
                floor = self._store.raise_seq(job_id)
                voice.last = max(voice.last, floor or 0)
                if floor is not None and self.engine_here:
                    voice.limit = floor + SEQ_BLOCK
                # Else the next number is another block's: the engine of the other
                # process speaks in between, and numbers rise over both.
            voice.last += 1
            return voice.last

    def heed(self, job: Job) -> None:
        """Number above what another process has reserved, by the row's word."""
        with self.speaking(job.id) as voice:
            if job.seq_floor > voice.limit:
                voice.limit = 0

    def make(self, job_id: str, kind: EventType, state: Mapping[str, Any]) -> Event:
        """A numbered event, not yet told to anyone."""
        return Event(job_id, self.number(job_id), kind, time.time(), state)

    def tell(self, event: Event, owner: str, *, stored: bool = True) -> None:
        """Give an event to its followers; `stored=False` keeps a milestone first."""
        if not stored and event.type.milestone:
            self._store.add_event(event)
        with self.speaking(event.job_id) as voice:
            if event.type is EventType.CREATED and self.engine_here:
                voice.last, voice.limit = event.seq, SEQ_BLOCK
            voice.ended = voice.ended or event.type.final
            self._log.append(event, owner)

    def forget(self, job: Job) -> None:
        """Drop what is remembered of a deleted job, and tell watchers of the list."""
        gone = Event(
            job.id, 2**62, EventType.CANCELLED, time.time(), {"deleted": job.public_id}
        )
        self._log.append(gone, job.owner)
        self._log.forget(job.id)
        with self._lock:
            self._voices.pop(job.id, None)

    def past(self, job: Job, after: int) -> list[Event]:
        """Known events with seq > after: stored milestones and what the log holds."""
        known = {e.seq: e for e in self._store.events(job.id, after)}
        known.update({e.seq: e for e in self._log.read(job.id, after)})
        return [known[seq] for seq in sorted(known)]

    def follow(
        self, job: Job, after: int | None, idle_s: float
    ) -> Generator[Event | None, None, None]:
        """Events of a job from `after` on; see `Registry.follow`."""
        box = self._log.open(job.id)
        try:
            last = after or 0
            for event in self._catch_up(job, after):
                last = event.seq
                yield event
                if event.type.final:
                    return
            yield from self._live(box, job, last, idle_s)
        finally:
            self._log.close(job.id, box)

    def _catch_up(self, job: Job, after: int | None) -> Iterator[Event]:
        # Read the row after the mailbox is open: what happens from now on is in it.
        job = self._store.get(job.owner, job.id) or job
        past = self.past(job, after or 0)
        newest = past[-1].seq if past else 0
        if after is None:
            if past and past[-1].type.final:
                yield past[-1]
            else:
                yield self._snapshot(job, newest)
            return
        kept_from = self._log.first(job.id)
        unknown = not past and after > self._newest(job)
        gap = kept_from is not None and kept_from > after + 1 and after > 0
        if unknown:
            yield self._snapshot(job, self._newest(job))
        elif gap and not any(e.type.final for e in past):
            yield from (e for e in past[:-1] if e.type.milestone)
            yield self._snapshot(job, newest)
        else:
            yield from past

    def _newest(self, job: Job) -> int:
        past = self.past(job, 0)
        return past[-1].seq if past else 0

    def _snapshot(self, job: Job, seq: int) -> Event:
        """The whole state at `seq`, from the newest event or the row."""
        newest = self._log.read(job.id, seq - 1)[:1]
        state = newest[0].state if newest else job.state()
        kind = _FINAL.get(job.status, EventType.PROGRESS)
        return Event(job.id, seq, kind, time.time(), state, snapshot=True)

    def _live(
        self, box: Mailbox, job: Job, last: int, idle_s: float
    ) -> Generator[Event | None, None, None]:
        silent_since = time.monotonic()
        while True:
            pause = idle_s if self.engine_here else min(idle_s, REMOTE_POLL_S)
            event = box.get(min(pause, idle_s))
            if event is not None and "deleted" in event.state:
                return
            if event is not None and event.seq > last:
                last, silent_since = event.seq, time.monotonic()
                yield event
                if event.type.final:
                    return
            elif event is None:
                # The final event is never lost: where nobody told it, the row does.
                final = self.final_of(job)
                if final is not None:
                    yield final
                    return
                if time.monotonic() - silent_since >= idle_s:
                    silent_since = time.monotonic()
                    yield None

    def final_of(self, job: Job) -> Event | None:
        """The final event of a finished job; None if it is not finished."""
        row = self._store.get(job.owner, job.id)
        if row is None:
            return Event(job.id, 2**62, EventType.CANCELLED, time.time(), job.state())
        if not row.status.terminal:
            return None
        stored = self._store.events(job.id)
        if stored and stored[-1].type.final:
            return stored[-1]
        seq = stored[-1].seq + 1 if stored else 1
        return Event(job.id, seq, _FINAL[row.status], time.time(), row.state())

    def changes(
        self, owner: str, idle_s: float
    ) -> Generator[Job | str | None, None, None]:
        """Rows of the owner's visible jobs as they change; see `Registry.changes`."""
        topic = f"owner:{owner}"
        box = self._log.open(topic)
        told: dict[str, float] = {}
        try:
            while True:
                event = box.get(idle_s)
                if event is None:
                    yield None
                    continue
                if "deleted" in event.state:
                    yield str(event.state["deleted"])
                    continue
                now = time.monotonic()
                if not event.type.milestone:
                    if now - told.get(event.job_id, -1.0) < LIST_INTERVAL_S:
                        continue
                    told = {k: v for k, v in told.items() if now - v < 10}
                    told[event.job_id] = now
                job = self._store.get(owner, event.job_id)
                if job is not None and not job.hidden:
                    fresh = {k: v for k, v in event.state.items() if k in _LIST_FIELDS}
                    yield job if job.status.terminal else replace(job, **fresh)
        finally:
            self._log.close(topic, box)


_FINAL = {
    Status.COMPLETED: EventType.COMPLETED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
}
_LIST_FIELDS = frozenset({"progress", "step", "phase", "message", "eta_seconds"})

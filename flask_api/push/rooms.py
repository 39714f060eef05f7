"""Who watches which job over Socket.IO, and the task that tells them.

A watched job has one follower: a background task that renders each event once per
dialect and sends it to that dialect's room. Who joins is first caught up by a task of
its own, from the `seq` it has, and enters the room in the instant it has seen what
the room has seen. So nothing is lost between catch-up and live, and order is kept.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Any, Literal

from flask_api.errors import JobNotFound, ServiceError
from flask_api.jobs.job import Event, Job
from flask_api.push import dialects

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry, Result

#: `analysis`: the words of seed 000; `job`: those of seed 004.
Dialect = Literal["analysis", "job"]

#: How soon a follower notices that nobody watches any more, seconds.
_IDLE_S = 3.0
#: How long a report waits until its watchers have it, seconds.
_SETTLE_S = 1.0
#: How soon a silent job's newcomer enters the room, seconds.
_CATCH_UP_IDLE_S = 0.05


@dataclass(eq=False)
class _Room:
    job: Job
    #: `seq` of the last event sent to the rooms; None before the first.
    position: int | None = None
    ended: bool = False
    #: Who is in the rooms, and the last `seq` each had when it came in.
    live: dict[tuple[str, Dialect], int] = field(default_factory=dict)
    #: Who is being caught up; the object names the attempt, a later one replaces it.
    catching: dict[tuple[str, Dialect], object] = field(default_factory=dict)

    def name(self, dialect: Dialect) -> str:
        return f"{dialect}:{self.job.owner}:{self.job.id}"


class Rooms:
    """The watchers of one Socket.IO server."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._rooms: dict[str, _Room] = {}
        # Held for every send and every join: what makes the catch-up exact. Sending
        # only puts packets into queues, so it is held for microseconds.
        self._lock = Condition()

    def watch(
        self,
        registry: Registry,
        sid: str,
        job: Job,
        watched: set[Dialect],
        after: int | None,
    ) -> None:
        """Send `job`'s events to `sid` from now on.

        watched   in which dialects
        after     events with a larger `seq` are sent first; None = a snapshot
        """
        token = object()
        with self._lock:
            room = self._rooms.get(job.id)
            fresh = room is None
            if room is None:
                room = self._rooms[job.id] = _Room(job)
            for dialect in watched:
                self._drop(room, sid, dialect)
                room.catching[sid, dialect] = token
        start = self._server.start_background_task
        if fresh:
            start(self._follow, registry, room)
        start(self._catch_up, registry, room, sid, token, after)

    def unwatch(self, sid: str, job: Job, watched: set[Dialect]) -> bool:
        """Stop sending; False where `sid` was not watching in any of these ways."""
        with self._lock:
            room = self._rooms.get(job.id)
            if room is None:
                return False
            was = [self._drop(room, sid, dialect) for dialect in watched]
            return any(was)

    def watches(self, sid: str, job: Job) -> bool:
        """Whether `sid` hears of `job` in the analysis dialect."""
        with self._lock:
            room = self._rooms.get(job.id)
            key: tuple[str, Dialect] = (sid, "analysis")
            return room is not None and (key in room.live or key in room.catching)

    def settle(self, registry: Registry, sid: str, job: Job) -> None:
        """Wait until `sid`, and everybody else in the room, was told what is known.

        So the reports of a client that computes itself are told one by one, and each
        before it is acknowledged. Waits a second at most.
        """
        with self._lock:
            room = self._rooms.get(job.id)
            if room is None:
                return
            seen = room.position or 0
        _, newer = registry.past(job.owner, job.id, seen)
        newest = newer[-1].seq if newer else seen

        def told() -> bool:
            joining = any(key[0] == sid for key in room.catching)
            return room.ended or (not joining and (room.position or 0) >= newest)

        with self._lock:
            self._lock.wait_for(told, _SETTLE_S)

    def forget(self, sid: str) -> None:
        """Forget a client that has gone. Its jobs go on."""
        with self._lock:
            for room in self._rooms.values():
                self._drop(room, sid, "analysis")
                self._drop(room, sid, "job")

    def count(self) -> int:
        """How many jobs are watched."""
        with self._lock:
            return len(self._rooms)

    def _drop(self, room: _Room, sid: str, dialect: Dialect) -> bool:
        key = (sid, dialect)
        was = key in room.live or key in room.catching
        if key in room.live:
            del room.live[key]
            self._server.leave_room(sid, room.name(dialect))
        room.catching.pop(key, None)
        return was

    # -- the follower of a room ----------------------------------------------------

    def _follow(self, registry: Registry, room: _Room) -> None:
        job = room.job
        try:
            with closing(registry.follow(job.owner, job.id, None, _IDLE_S)) as events:
                for event in events:
                    result = _result(registry, job, event)
                    with self._lock:
                        if not room.live and not room.catching:
                            self._close(room)  # while we hold the lock: none can join
                            return
                        if event is not None:
                            room.position = event.seq
                            self._tell_rooms(room, event, result)
                            self._lock.notify_all()
            registry.get(job.owner, job.id)  # raises where it was deleted
        except ServiceError as error:  # deleted while watched, or shutting down
            with self._lock:
                for dialect in {d for _, d in room.live}:
                    self._emit("error", _about(error, job), room.name(dialect))
        finally:
            with self._lock:
                self._close(room)

    def _close(self, room: _Room) -> None:
        room.ended = True
        self._lock.notify_all()
        if self._rooms.get(room.job.id) is room:
            del self._rooms[room.job.id]
        for sid, dialect in list(room.live):
            self._drop(room, sid, dialect)

    def _tell_rooms(self, room: _Room, event: Event, result: Result | None) -> None:
        for dialect in {d for _, d in room.live}:
            # Catching up can be ahead of us by an event: who has it is left out.
            ahead = [
                sid
                for (sid, d), last in room.live.items()
                if d == dialect and last >= event.seq
            ]
            for name, data in _words(dialect, event, room.job, result):
                self._emit(name, data, room.name(dialect), skip=ahead)

    # -- catching up ---------------------------------------------------------------

    def _catch_up(
        self,
        registry: Registry,
        room: _Room,
        sid: str,
        token: object,
        after: int | None,
    ) -> None:
        try:
            if not self._replay(registry, room, sid, token, after):
                # All was seen already. Where that includes the end, say it again.
                self._replay(registry, room, sid, token, None)
        except ServiceError as error:
            self._emit("error", _about(error, room.job), sid)
        finally:
            with self._lock:
                for key in self._wanted(room, sid, token):
                    del room.catching[key]

    def _replay(
        self,
        registry: Registry,
        room: _Room,
        sid: str,
        token: object,
        after: int | None,
    ) -> bool:
        """False if the log ended before anything could be said."""
        job, last, said = room.job, after, False
        follow = registry.follow(job.owner, job.id, after, _CATCH_UP_IDLE_S)
        with closing(follow) as events:
            for event in events:
                result = _result(registry, job, event)
                with self._lock:
                    wanted = self._wanted(room, sid, token)
                    if not wanted:
                        return True
                    if event is not None:
                        last, said = event.seq, True
                        for _, dialect in wanted:
                            for name, data in _words(dialect, event, job, result):
                                self._emit(name, data, sid)
                        if dialects.is_final(event):
                            return True
                    if _caught_up(room, last):
                        self._enter(room, wanted, last or 0)
                        return True
        return said

    @staticmethod
    def _wanted(room: _Room, sid: str, token: object) -> list[tuple[str, Dialect]]:
        return [key for key, t in room.catching.items() if t is token and key[0] == sid]

    def _enter(self, room: _Room, keys: list[tuple[str, Dialect]], last: int) -> None:
        for sid, dialect in keys:
            del room.catching[sid, dialect]
            try:
                self._server.enter_room(sid, room.name(dialect))
            except (KeyError, ValueError):  # gone in this very moment
                continue
            room.live[sid, dialect] = last
        self._lock.notify_all()

    def _emit(
        self, name: str, data: dict[str, Any], to: str, skip: list[str] | None = None
    ) -> None:
        self._server.emit(name, data, to=to, skip_sid=skip or None)


def _caught_up(room: _Room, last: int | None) -> bool:
    if room.ended or room.position is None or last is None:
        return False
    return last >= room.position


def _words(
    dialect: Dialect, event: Event, job: Job, result: Result | None
) -> list[tuple[str, dict[str, Any]]]:
    if dialect == "job":
        return dialects.in_job_words(event, job)
    return dialects.in_analysis_words(event, job, result)


def _result(registry: Registry, job: Job, event: Event | None) -> Result | None:
    """The result, where `event` says that there is one."""
    if event is None or not dialects.is_completion(event, job):
        return None
    try:
        return registry.result(job.owner, job.id)
    except JobNotFound:  # completed, and deleted since: the end is told all the same
        return None


def _about(error: ServiceError, job: Job) -> dict[str, Any]:
    return {
        **dialects.refusal(error),
        "analysis_id": job.public_id,
        "job_id": job.public_id,
    }

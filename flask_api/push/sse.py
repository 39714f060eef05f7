"""Server-sent events: one job, several jobs on one connection, or the list of jobs.

Every stream says something at least every 3 s (a comment, where nothing happened):
clients that give up after a few silent seconds stay, and a client that left is
noticed by the failed write.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request

from flask_api.errors import JobNotFound, ServiceError, ValidationError
from flask_api.jobs.job import Event, Job
from flask_api.push import dialects
from flask_api.push.socketio import socketio

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry

#: Seconds of silence before a comment is sent.
IDLE_S = 3.0
#: Jobs that one multiplexed stream may watch.
MOST_JOBS = 100

_COMMENT = b": nothing new\n\n"
#: Sent at once, so that proxies and clients see that the stream is open.
_OPEN = b": open\nretry: 2000\n\n"


@dataclass(frozen=True)
class Words:
    """How one job's events are told on a stream: the data of each, and of the end.

    named   whether messages bear the name of their event; browsers call `onmessage`
            for those that don't
    """

    event: Callable[[Event, Job], Mapping[str, Any]] = dialects.event_data
    closing: Callable[[Job], Mapping[str, Any]] = dialects.closing_data
    named: bool = True


def stream_job(
    registry: Registry,
    owner: str,
    job_id: str,
    after: int | None = None,
    words: Words | None = None,
) -> Response:
    """A stream of one job's events; ends with `event: close` after the final one.

    after   the last `seq` the client has; None = begin with a snapshot. The header
            `Last-Event-ID`, which browsers send when they reconnect, goes before it.
    words   how events are told; None = as the service itself does

    Raises JobNotFound; ValidationError where Last-Event-ID is no number.
    """
    job = registry.get(owner, job_id)
    last = request.headers.get("Last-Event-ID", "").strip()
    if last:
        after = _seq(last)
    return _response(_one_job(registry, job, after, words or Words()))


def stream_jobs(registry: Registry, owner: str, ids: Sequence[str]) -> Response:
    """One stream of the events of several jobs; each event's data names its `job_id`.

    `id:` is `job:seq,job:seq,...`, where each job stands; sent back by the browser as
    Last-Event-ID it resumes all of them. Ends with `event: close` after the last
    final event.

    Raises JobNotFound for the first unknown id; ValidationError for none or too many.
    """
    names = list(dict.fromkeys(ids))
    if not 1 <= len(names) <= MOST_JOBS:
        raise ValidationError(
            f"jobs: names {len(names)} jobs; name 1 to {MOST_JOBS}, comma-separated",
            details=[{"field": "jobs", "problem": f"1 to {MOST_JOBS} ids are needed"}],
        )
    jobs = [registry.get(owner, name) for name in names]
    known = _positions(request.headers.get("Last-Event-ID", "").strip())
    seen = {j.public_id: known[j.public_id] for j in jobs if j.public_id in known}
    return _response(_many_jobs(registry, jobs, seen))


def stream_changes(registry: Registry, owner: str) -> Response:
    """A stream of changed rows of the owner's job list; it does not end by itself.

    `event: job` carries a row as in `GET /api/jobs`, `event: deleted` a `job_id`.
    """
    return _response(_changes(registry, owner))


def _response(pieces: Iterator[bytes]) -> Response:
    response = Response(pieces, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


def _message(
    event: str | None, data: Mapping[str, Any], id: str | None = None
) -> bytes:
    head = f"id: {id}\n" if id is not None else ""
    if event is not None:
        head += f"event: {event}\n"
    return f"{head}data: ".encode() + orjson.dumps(data) + b"\n\n"


def _one_job(
    registry: Registry, job: Job, after: int | None, words: Words
) -> Iterator[bytes]:
    yield _OPEN
    # Nothing more comes of a finished job: don't wait for it.
    idle_s = 0.05 if job.status.terminal else IDLE_S
    try:
        with closing(registry.follow(job.owner, job.id, after, idle_s)) as events:
            for event in events:
                if event is None:
                    yield _COMMENT
                    continue
                name = event.type.value if words.named else None
                yield _message(name, words.event(event, job), str(event.seq))
        yield _message("close", words.closing(registry.get(job.owner, job.id)))
    except ServiceError as error:
        yield _message("close", _broken_off(job, error))


def _broken_off(job: Job, error: ServiceError) -> dict[str, Any]:
    reason = "deleted" if isinstance(error, JobNotFound) else error.code.lower()
    return {
        "job_id": job.public_id,
        "reason": reason,
        "status": None,
        "progress": None,
        "phase": None,
        "message": error.message,
    }


#: What the tasks of a multiplexed stream hand over: the job and its event, or None
#: where nothing follows any more.
_Feed = queue.Queue[tuple[Job, Event | None]]


def _many_jobs(
    registry: Registry, jobs: list[Job], seen: dict[str, int]
) -> Iterator[bytes]:
    yield _OPEN
    feed: _Feed = queue.Queue(maxsize=100)
    left = Flag()
    try:
        for job in jobs:
            after = seen.get(job.public_id)
            socketio.start_background_task(_feed_from, registry, job, after, feed, left)
        running = len(jobs)
        while running:
            try:
                job, event = feed.get(timeout=IDLE_S)
            except queue.Empty:
                yield _COMMENT
                continue
            if event is None:
                running -= 1
                continue
            seen[job.public_id] = event.seq
            where = ",".join(f"{name}:{seq}" for name, seq in seen.items())
            data = dialects.event_data(event, job)
            yield _message(event.type.value, data, where)
        yield _message(
            "close",
            {
                "reason": "finished",
                "status": None,
                "progress": None,
                "message": f"nothing more to come of {len(jobs)} jobs",
            },
        )
    finally:
        left.set()


def _feed_from(
    registry: Registry, job: Job, after: int | None, feed: _Feed, left: Flag
) -> None:
    try:
        idle_s = 0.05 if job.status.terminal else IDLE_S
        with closing(registry.follow(job.owner, job.id, after, idle_s)) as events:
            for event in events:
                if left.is_set():
                    return
                if event is not None:
                    _put(feed, (job, event), left)
    except JobNotFound:
        pass  # deleted while watched: nothing follows, which the next line says
    finally:
        _put(feed, (job, None), left)


def _put(feed: _Feed, item: tuple[Job, Event | None], left: Flag) -> None:
    # A full queue means a slow client. Waiting here is what lets the event log leave
    # out progress for it; the flag ends the wait when the client is gone.
    while not left.is_set():
        try:
            feed.put(item, timeout=IDLE_S)
            return
        except queue.Full:
            continue


def _changes(registry: Registry, owner: str) -> Iterator[bytes]:
    yield _OPEN
    with closing(registry.changes(owner, IDLE_S)) as changes:
        for change in changes:
            if change is None:
                yield _COMMENT
            elif isinstance(change, str):
                yield _message("deleted", {"job_id": change})
            else:
                yield _message("job", dialects.job_row(change))


def _seq(text: str) -> int:
    # 18 digits: databases hold no whole numbers of 20.
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    raise ValidationError(
        f"Last-Event-ID is {text[:80]!r}; send back the `id:` of the last event",
        details=[{"field": "Last-Event-ID", "problem": "is no event id"}],
    )


def _positions(text: str) -> dict[str, int]:
    """{'a': 7, 'b:1': 2} of `a:7,b:1:2`: an id may hold colons, but no comma."""
    pairs = (part.rpartition(":") for part in text.split(",") if part)
    return {name: _seq(seq) for name, _, seq in pairs}

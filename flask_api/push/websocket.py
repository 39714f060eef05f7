"""Raw WebSockets: `/realtime` of seed 000, and what every raw socket here shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from socket import IPPROTO_TCP, TCP_NODELAY
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Blueprint, Flask, current_app, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server

from flask_api.errors import Forbidden, ServiceError, ValidationError
from flask_api.jobs.job import Event, Job, Status
from flask_api.push import dialects
from flask_api.push.origins import origin_allowed
from flask_api.push.socketio import socketio

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry, Result
    from flask_api.settings import Settings

#: Seconds between the pings that tell a silent client from a gone one.
PING_S = 30
#: Seconds after which a silent sender looks whether its client is still there.
_IDLE_S = 3.0

#: What a sender gives: JSON messages, None where it has nothing to say for a while.
Messages = Iterator[Mapping[str, Any] | None]

sock = Sock()
bp = Blueprint("websockets", __name__)


def init_app(app: Flask, *, owner: Callable[[], str]) -> None:
    """Serve the raw WebSockets from `app`; `owner` says who asks."""
    settings: Settings = app.config["SETTINGS"]
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": PING_S,
        "max_message_size": settings.max_message_bytes,
        # A plain thread would keep a stopped server alive until the next ping.
        "thread_class": partial(Thread, daemon=True),
    }
    app.extensions["websocket_owner"] = owner
    app.register_blueprint(bp)


@bp.before_request
def check_origin() -> None:
    """Refuse pages of foreign origin; browsers let them open WebSockets anywhere."""
    settings: Settings = current_app.config["SETTINGS"]
    origin = request.headers.get("Origin")
    if not origin_allowed(origin, request.environ, settings.allowed_origins):
        raise Forbidden(
            f"pages from {origin!r:.100} may not open a WebSocket here; add the origin "
            "to CORS_ORIGINS"
        )


@bp.before_request
def check_handshake() -> None:
    """Refuse what is no WebSocket handshake, which the library answers with a crash."""
    wanted = {"Connection": "upgrade", "Upgrade": "websocket"}
    for name, word in wanted.items():
        given = request.headers.get(name, "").lower()
        if word not in [part.strip() for part in given.split(",")]:
            raise _no_handshake(name, f"must say {word}, got {given[:40]!r}")
    if request.headers.get("Sec-WebSocket-Version") != "13":
        raise _no_handshake("Sec-WebSocket-Version", "must be 13")
    if not request.headers.get("Sec-WebSocket-Key"):
        raise _no_handshake("Sec-WebSocket-Key", "is missing")


def _no_handshake(header: str, problem: str) -> ValidationError:
    return ValidationError(
        f"{request.path} takes WebSockets only; the header {header} {problem}. Open "
        "ws://..., or let the proxy pass Upgrade and Connection on",
        details=[{"field": header, "problem": problem}],
    )


class _WholeSends:
    """A socket whose `send` sends everything, one message after the other.

    simple-websocket calls `send` once per message, from two threads; under eventlet
    that sends only what fits into the kernel's buffer.
    """

    def __init__(self, sock: Any) -> None:
        # Without it, a second small message waits 40 ms for the first one's receipt.
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._sock = sock
        self._lock = Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._sock.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def serve(ws: Server, messages: Messages) -> None:
    """Send `messages` to `ws` until they end or the client leaves.

    What the client sends is read and dropped. `messages` is closed at the end.
    """
    try:
        ws.sock = _WholeSends(ws.sock)
    except OSError:  # closed since the handshake: by the client, or for what it sent
        cast(Any, messages).close()
        return
    sender = socketio.start_background_task(_send, ws, messages)
    try:
        while ws.connected:
            ws.receive()
    except ConnectionClosed:
        pass
    finally:
        sender.join()


def _send(ws: Server, messages: Messages) -> None:
    try:
        for message in messages:
            if not ws.connected:
                return
            if message is not None:
                ws.send(orjson.dumps(message).decode())
        ws.close()
    except (ConnectionClosed, OSError):
        return  # the client has gone; the loop that reads ends by itself
    finally:
        cast(Any, messages).close()


# -- /realtime ---------------------------------------------------------------------


@sock.route("/realtime", bp=bp)  # type: ignore[untyped-decorator]
def realtime(ws: Server) -> None:
    """Progress and results of one analysis (`?analysis_id=`), or of all."""
    registry = cast("Registry", current_app.extensions["registry"])
    owner = str(current_app.extensions["websocket_owner"]())
    name = request.args.get("analysis_id")
    serve(ws, _one(registry, owner, name) if name else _all(registry, owner))


def _one(registry: Registry, owner: str, name: str) -> Messages:
    try:
        job = registry.get(owner, name)
        follow = registry.follow(job.owner, job.id, None, _IDLE_S)
        with closing(follow) as events:
            for event in events:
                yield None if event is None else _of_event(registry, job, event)
    except ServiceError as error:
        yield {**dialects.refusal(error), "analysis_id": name}


def _of_event(registry: Registry, job: Job, event: Event) -> Mapping[str, Any]:
    if dialects.is_final(event):
        return _ended(registry, registry.get(job.owner, job.id))
    progress = dialects.progress_update(event, job)["progress"]
    return _progress(job, progress)


def _all(registry: Registry, owner: str) -> Messages:
    told: set[str] = set()
    with closing(registry.changes(owner, _IDLE_S)) as changes:
        for change in changes:
            if change is None or isinstance(change, str):
                yield None
            elif not change.status.terminal:
                yield _progress(change, round(100 * change.progress, 6))
            elif change.id not in told:  # its row may change once more
                told.add(change.id)
                yield _ended(registry, change)


def _progress(job: Job, progress: float) -> Mapping[str, Any]:
    return {
        "type": "analysis_progress",
        "analysis_id": job.public_id,
        "progress": progress,
    }


def _ended(registry: Registry, job: Job) -> Mapping[str, Any]:
    if job.status is not Status.COMPLETED:
        error = job.error or {"code": "CANCELLED", "message": "The job was cancelled."}
        told = dialects.error_words(
            str(error.get("message") or error["code"]),
            str(error["code"]),
            error.get("details"),
        )
        return {**told, "analysis_id": job.public_id}
    try:
        result: Result = registry.result(job.owner, job.id)
        results = dialects.results_of(job, result, job.latest_results)
    except ServiceError as error:  # deleted in this very moment
        return {**dialects.refusal(error), "analysis_id": job.public_id}
    return {
        "type": "calculation_complete",
        "analysis_id": job.public_id,
        **results,
    }

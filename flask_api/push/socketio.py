"""Socket.IO, default namespace: start, watch, report and cancel analyses.

Every client event is acknowledged, `{ok: true, ...}` or `{ok: false, error}`; a
refusal also goes to its sender as the event `error`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Flask, current_app, request
from flask_socketio import ConnectionRefusedError, SocketIO

import flask_api
from flask_api.errors import NotFound, ServiceError, ValidationError
from flask_api.jobs.job import Job
from flask_api.push import dialects, starting
from flask_api.push.origins import origin_allowed
from flask_api.push.packets import MALFORMED, ForgivingPacket, Json
from flask_api.push.rooms import Dialect, Rooms

if TYPE_CHECKING:
    from flask_api.jobs.registry import Registry
    from flask_api.settings import Settings

log = logging.getLogger(__name__)

socketio = SocketIO()

#: What a client event's payload is after the first look, and what answers it.
_Answer = Callable[[Mapping[str, Any]], dict[str, Any]]

#: What the events take that are no request of an analysis.
_KEYS = {
    "update_progress": ("analysis_id", "step", "status", "results", "error"),
    "cancel_analysis": ("analysis_id",),
    "subscribe": ("analysis_id", "job_id", "after_seq"),
    "unsubscribe": ("analysis_id", "job_id"),
}

_ROOMS, _OWNER, _ADMIT = "push_rooms", "push_owner", "push_admit"


def init_app(
    app: Flask, *, owner: Callable[[], str], admit: Callable[[], None]
) -> None:
    """Serve Socket.IO from `app`; its settings stand in `app.config["SETTINGS"]`.

    owner   says who asks, within a request or a socket event
    admit   raises ServiceError for connections that are not welcome
    """
    settings: Settings = app.config["SETTINGS"]

    def allowed(origin: str | None, environ: Mapping[str, Any]) -> bool:
        return origin_allowed(origin, environ, settings.allowed_origins)

    socketio.init_app(
        app,
        async_mode=settings.async_mode,
        cors_allowed_origins=allowed,
        serializer=ForgivingPacket,
        json=Json,
        max_http_buffer_size=settings.max_message_bytes,
        # One after the other, as sent: step 4 must not overtake step 3.
        async_handlers=False,
        manage_session=False,
    )
    _let_go_at_once(socketio.server.eio)
    served = _written_at_once(_upgraded(app.wsgi_app))
    app.wsgi_app = served  # type: ignore[method-assign]
    app.extensions[_ROOMS] = Rooms(socketio.server)
    app.extensions[_OWNER] = owner
    app.extensions[_ADMIT] = admit


def _let_go_at_once(engine: Any) -> None:
    """Disconnect clients without waiting until they have fetched what is queued.

    A long-polling client whose POST is refused (too large, no packet) can't fetch
    anything before it has the refusal: both would wait for ever.
    """

    def disconnect(sid: str | None = None) -> None:
        for each in [sid] if sid is not None else list(engine.sockets):
            client = engine.sockets.pop(each, None)
            if client is not None:
                client.close(wait=False, reason=engine.reason.SERVER_DISCONNECT)

    engine.disconnect = disconnect


def _written_at_once(inner: Any) -> Any:
    """`inner`, whose streams eventlet's own server does not hold back until 4 kB.

    Around everything: what stands further in sees a copy of the environment.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        environ["eventlet.minimum_write_chunk_size"] = 1
        return inner(environ, start_response)

    return serve


def _upgraded(inner: Any) -> Any:
    """`inner`, where a client may leave amid its upgrade to WebSocket.

    gunicorn would log that as a fault of ours. It is told of the end as the library
    tells it of every other end of a WebSocket.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        try:
            return inner(environ, start_response)
        except OSError:
            if "gunicorn.socket" in environ and "HTTP_UPGRADE" in environ:
                raise StopIteration from None
            raise

    return serve


def say_goodbye(reason: str) -> None:
    """Tell all clients that the server is about to close their connection."""
    socketio.emit("server_closing", {"reason": reason})


def _registry() -> Registry:
    return cast("Registry", current_app.extensions["registry"])


def _rooms() -> Rooms:
    return cast(Rooms, current_app.extensions[_ROOMS])


def _owner() -> str:
    return str(current_app.extensions[_OWNER]())


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]  # put there by the library


# -- answers and refusals ----------------------------------------------------------


def _on(name: str) -> Callable[[_Answer], _Answer]:
    """Register what answers the event `name`."""

    def register(answer: _Answer) -> _Answer:
        @socketio.on(name)  # type: ignore[untyped-decorator]
        def handle(*payload: Any) -> dict[str, Any]:
            first = payload[0] if payload else None
            try:
                if len(payload) > 1 or not isinstance(first, Mapping):
                    raise _no_object(name, payload)
                _check_plain(first)
                if name in _KEYS:
                    first = _with_known_keys(first, _KEYS[name])
                return {"ok": True, **answer(first)}
            except ServiceError as error:
                return _refuse(error, first)

        return answer

    return register


def _with_known_keys(
    payload: Mapping[str, Any], known: tuple[str, ...]
) -> dict[str, Any]:
    given = starting.one_spelling(payload, known)
    if not any(given.get(key) for key in known if key.endswith("_id")):
        return given  # a missing id is told first, in the seed's words
    for key in given:
        if key not in known:
            raise _wrong(
                str(key)[:60], f"is not a known key; known here: {', '.join(known)}"
            )
    return given


def _no_object(name: str, payload: tuple[Any, ...]) -> ServiceError:
    names = {type(None): "null", list: "an array", str: "text", bool: "true or false"}
    got = f"{len(payload)} values" if len(payload) != 1 else None
    got = got or names.get(type(payload[0]), "a number")
    needs_id = name in ("start_analysis", "update_progress", "cancel_analysis")
    problem = f"{name} takes one object, got {got}"
    return ValidationError(
        "Analysis ID is required" if needs_id else problem,
        details=[{"field": "payload", "problem": problem}],
    )


def _check_plain(payload: Mapping[str, Any]) -> None:
    try:
        orjson.dumps(payload)
    except TypeError as error:  # binary attachments, nesting deeper than is written
        problem = f"must be plain JSON: {error}"[:200]
        raise _wrong("payload", problem) from None


def _refuse(error: ServiceError, payload: object) -> dict[str, Any]:
    told = dialects.refusal(error)
    ids = {}
    if isinstance(payload, Mapping):
        named = {key: payload.get(key) for key in ("analysis_id", "job_id")}
        ids = {k: v[:128] for k, v in named.items() if isinstance(v, str)}
    socketio.emit("error", {**told, **ids}, to=_sid())
    return {"ok": False, "error": {**told, **ids}}


@socketio.on_error_default  # type: ignore[untyped-decorator]
def _fault(error: Exception) -> dict[str, Any]:
    log.error("a socket event failed", exc_info=error)
    payload = request.event["args"]  # type: ignore[attr-defined]
    return _refuse(
        ServiceError("The server failed at this event; its log says why."),
        payload[0] if payload else None,
    )


# -- connections -------------------------------------------------------------------


@socketio.on("connect")  # type: ignore[untyped-decorator]
def _connect(auth: object = None) -> None:
    try:
        current_app.extensions[_ADMIT]()
    except ServiceError as error:
        raise ConnectionRefusedError(error.message, dialects.refusal(error)) from None
    socketio.emit(
        "connection_status",
        {
            "status": "connected",
            "server_time": dialects.now(),
            "version": flask_api.__version__,
        },
        to=_sid(),
    )


@socketio.on("disconnect")  # type: ignore[untyped-decorator]
def _disconnect(reason: object = None) -> None:
    _rooms().forget(_sid())


@socketio.on("*")  # type: ignore[untyped-decorator]
def _unknown(name: str, *payload: Any) -> dict[str, Any]:
    first = payload[0] if payload else None
    if name == MALFORMED:
        return _refuse(ValidationError(str(first)), None)
    return _refuse(
        ValidationError(
            f"there is no event {name[:60]!r}; known: start_analysis, update_progress, "
            "cancel_analysis, subscribe, unsubscribe",
            details=[{"field": "event", "problem": "is not known"}],
        ),
        first,
    )


# -- the analysis dialect ----------------------------------------------------------


@_on("start_analysis")
def _start_analysis(payload: Mapping[str, Any]) -> dict[str, Any]:
    registry, owner, sid = _registry(), _owner(), _sid()
    submission, reason = starting.start(registry, owner, payload)
    job = submission.job
    started = dialects.analysis_started(job, reason)
    socketio.emit("analysis_started", started, to=sid)
    after = None if submission.replayed else 0
    _rooms().watch(registry, sid, job, {"analysis"}, after)
    if reason is not None:
        _rooms().settle(registry, sid, job)
    answer = {"analysis_id": job.public_id, "runner": started["runner"]}
    if reason is not None:
        answer["reason"] = reason
    return {**answer, "status": job.status.value, "replayed": submission.replayed}


@_on("update_progress")
def _update_progress(payload: Mapping[str, Any]) -> dict[str, Any]:
    name = starting.analysis_id(payload)
    step, status = _step(payload), payload.get("status", "running")
    error = payload.get("error")
    if status not in ("running", "complete", "error"):
        raise _wrong(
            "status", f"must be running, complete or error, got {status!r:.60}"
        )
    if error is not None and not isinstance(error, str):
        raise _wrong("error", f"must be text, got {error!r:.60}")
    registry = _registry()
    try:
        job = registry.clients.report(
            _owner(),
            name,
            step=step,
            status=status,
            results=payload.get("results"),
            error=error,
        )
    except NotFound as missing:
        raise _invalid_id(missing) from None
    _rooms().settle(registry, _sid(), job)
    return {
        "analysis_id": name,
        "status": job.status.value,
        "progress": 100 * job.progress,
    }


@_on("cancel_analysis")
def _cancel_analysis(payload: Mapping[str, Any]) -> dict[str, Any]:
    name = starting.analysis_id(payload)
    registry, owner, sid = _registry(), _owner(), _sid()
    try:
        watching = _rooms().watches(sid, registry.get(owner, name))
        job = registry.cancel(owner, name, by=owner)
    except NotFound as missing:
        raise _invalid_id(missing) from None
    if not watching:  # whoever cancels hears when it is done
        _rooms().watch(registry, sid, job, {"analysis"}, None)
    return {"analysis_id": name, "status": job.status.value}


def _step(payload: Mapping[str, Any]) -> int:
    step = payload.get("step")
    if type(step) is not int or not 0 <= step <= starting.MOST_STEPS:
        problem = f"must be a whole number, 0 to {starting.MOST_STEPS:,}"
        raise _wrong("step", f"{problem}, got {step!r:.60}")
    return step


def _wrong(field: str, problem: str) -> ValidationError:
    return ValidationError(
        f"{field}: {problem}", details=[{"field": field, "problem": problem}]
    )


def _invalid_id(missing: NotFound) -> ValidationError:
    problem = "there is no such analysis; start_analysis begins one"
    return ValidationError(
        "Invalid analysis ID",
        details=[{"field": "analysis_id", "problem": problem}],
        job_id=missing.job_id,
    )


# -- watching, in both dialects ----------------------------------------------------


@_on("subscribe")
def _subscribe(payload: Mapping[str, Any]) -> dict[str, Any]:
    after = payload.get("after_seq")
    if after is not None and (type(after) is not int or not 0 <= after < 2**63):
        raise _wrong("after_seq", f"must be a whole number >= 0, got {after!r:.60}")
    registry = _registry()
    watched = _watched(registry, payload)
    for job, words in watched:
        _rooms().watch(registry, _sid(), job, words, after)
    return _named(watched)


@_on("unsubscribe")
def _unsubscribe(payload: Mapping[str, Any]) -> dict[str, Any]:
    watched = _watched(_registry(), payload)
    was = [_rooms().unwatch(_sid(), job, words) for job, words in watched]
    return {**_named(watched), "was_watching": any(was)}


def _watched(
    registry: Registry, payload: Mapping[str, Any]
) -> list[tuple[Job, set[Dialect]]]:
    """The jobs that `payload` names, each with its words: the key says the dialect."""
    owner = _owner()
    found: dict[str, tuple[Job, set[Dialect]]] = {}
    keys: tuple[tuple[str, Dialect], ...] = (
        ("analysis_id", "analysis"),
        ("job_id", "job"),
    )
    for key, dialect in keys:
        name = payload.get(key)
        if name is None:
            continue
        if not isinstance(name, str) or not name:
            problem = f"must be text, got {name!r:.60}"
            raise ValidationError(
                "Invalid analysis ID" if dialect == "analysis" else f"{key} {problem}",
                details=[{"field": key, "problem": problem}],
            )
        try:
            job = registry.get(owner, name)
        except NotFound as missing:
            if dialect == "analysis":
                raise _invalid_id(missing) from None
            raise
        found.setdefault(job.id, (job, set()))[1].add(dialect)
    if not found:
        raise ValidationError(
            "Analysis ID is required",
            details=[
                {
                    "field": "analysis_id",
                    "problem": "is missing, as is job_id; give one",
                }
            ],
        )
    return list(found.values())


def _named(watched: list[tuple[Job, set[Dialect]]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for job, words in watched:
        for dialect in words:
            named[f"{dialect}_id"] = job.public_id
            named["status"] = job.status.value
    return named

"""What every raw WebSocket here shares: who may open one, how it lives, how it ends.

A topic is a file of its own, `realtime.py` for one: a blueprint made by `topic`, a
route on it, and messages handed to `serve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Blueprint, Flask, current_app, request
from flask_sock import Sock

from flask_api.errors import Forbidden, ServiceError, ValidationError
from flask_api.push import dialects
from flask_api.push.allowance import Allowance
from flask_api.push.line import Ending, Line, LineClosed, Unread
from flask_api.push.origins import origin_allowed
from flask_api.push.socketio import socketio

if TYPE_CHECKING:
    from flask_api.settings import Settings

#: Seconds after which a topic with nothing to say gives None, so that its sender sees
#: whether the client is still there.
IDLE_S = 3.0

#: What a topic gives: JSON messages, None where it has nothing to say for a while.
Messages = Iterator[Mapping[str, Any] | None]

#: The owner that stands for everybody where there is no log-in.
_NOBODY = "anonymous"

_OWNER, _ALLOWANCE = "websocket_owner", "websocket_allowance"

sock = Sock()


class TooManyConnections(ServiceError):
    """You hold as many WebSockets as one may: close one, or raise MAX_SOCKETS."""

    status = 503
    code = "TOO_MANY_CONNECTIONS"
    title = "Service unavailable"


class TooManyMessages(ServiceError):
    """You send more messages a second than one may: send fewer at a time."""

    status = 429
    code = "TOO_MANY_MESSAGES"
    title = "Too many requests"


class Words:
    """How a topic says what all topics say, and what it does with what it hears."""

    def heartbeat(self) -> Mapping[str, Any]:
        """What is sent beside every ping, for clients that don't see pings."""
        return {"type": "heartbeat", "timestamp": dialects.now()}

    def refusal(self, error: ServiceError) -> Mapping[str, Any]:
        """The message that tells `error`."""
        return dialects.refusal(error)

    def hear(self, message: str | bytes) -> Mapping[str, Any] | None:
        """The answer to a client's message; None for none.

        Called from the task that listens, while another one draws the topic's messages.
        A ServiceError raised here is told, and the socket lives on.
        """
        return None


def init_app(app: Flask, *, owner: Callable[[], str]) -> None:
    """Let `app` serve topics; `owner` says who asks, within a request."""
    settings: Settings = app.config["SETTINGS"]
    app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": Unread}
    app.extensions[_OWNER] = owner
    app.extensions[_ALLOWANCE] = Allowance(
        settings.max_sockets, settings.max_socket_messages_per_s
    )


def topic(name: str, import_name: str) -> Blueprint:
    """A blueprint whose routes are WebSockets: `@sock.route(path, bp=...)`."""
    bp = Blueprint(name, import_name)
    for check in (_check_origin, _check_handshake, _without_compression):
        bp.before_request(check)
    return bp


# -- before the handshake ------------------------------------------------------------


def _check_origin() -> None:
    """Refuse pages of foreign origin; browsers let them open WebSockets anywhere."""
    settings: Settings = current_app.config["SETTINGS"]
    origin = request.headers.get("Origin")
    if not origin_allowed(origin, request.environ, settings.allowed_origins):
        raise Forbidden(
            f"pages from {origin!r:.100} may not open a WebSocket here; add the origin "
            "to CORS_ORIGINS"
        )


def _check_handshake() -> None:
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


def _without_compression() -> None:
    # It costs each socket 300 kB, and 16 kB of it can unfold to 16 MB at once.
    request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


# -- after it ------------------------------------------------------------------------


def current_owner() -> str:
    """The owner of the socket that this request opens."""
    return str(current_app.extensions[_OWNER]())


def serve(ws: Any, messages: Messages, words: Words | None = None) -> None:
    """Send `messages` to `ws` until they end or the client leaves or must.

    messages   drawn in a task of its own, None at least every IDLE_S; closed at the end
    words      the topic's own way to say heartbeats and refusals, and to hear

    Pings and heartbeats, the bounds of the settings and the closing are done here.
    """
    words = words or Words()
    settings: Settings = current_app.config["SETTINGS"]
    allowance = cast(Allowance, current_app.extensions[_ALLOWANCE])
    line = Line(
        ws,
        ping_s=settings.socket_heartbeat_s,
        silence_s=settings.socket_silence_s,
        most_bytes=settings.max_message_bytes,
    )
    owner = current_owner()
    who = owner if owner != _NOBODY else f"{_NOBODY} at {request.remote_addr}"
    if not allowance.take_socket(who):
        cast(Any, messages).close()
        # After the handshake: a browser tells its page nothing of an answer before it.
        _tell(line, words.refusal(_too_many_sockets(allowance)))
        line.leave(Ending.TRY_LATER)
        ws.sock.close()
        return
    sender = socketio.start_background_task(_send, line, messages)
    ending = Ending.FAILED
    try:
        ending = _listen(line, words, lambda: allowance.take_message(who))
        if ending is Ending.TOO_MANY:
            _tell(line, words.refusal(_too_many_messages(allowance)))
    finally:
        line.leave(ending)
        allowance.give_back(who)
        sender.join()
        ws.sock.close()


def _listen(line: Line, words: Words, allow: Callable[[], bool]) -> Ending:
    def hear(message: str | bytes) -> None:
        try:
            answer = words.hear(message)
        except ServiceError as error:
            answer = words.refusal(error)
        if answer is not None:
            line.send(_text(answer))

    return line.listen(hear, lambda: line.send(_text(words.heartbeat())), allow)


def _too_many_sockets(allowance: Allowance) -> TooManyConnections:
    return TooManyConnections(
        f"you hold {allowance.sockets} WebSockets already, as many as one may: close "
        "one, or have MAX_SOCKETS raised"
    )


def _too_many_messages(allowance: Allowance) -> TooManyMessages:
    return TooManyMessages(
        f"more than {allowance.messages_per_s} messages a second came from you, on all "
        "your WebSockets together: send fewer, or have MAX_SOCKET_MESSAGES_PER_S raised"
    )


def _tell(line: Line, message: Mapping[str, Any]) -> None:
    try:
        line.send(_text(message))
    except LineClosed:
        return  # it left by itself


def _text(message: Mapping[str, Any]) -> str:
    return orjson.dumps(message).decode()


def _send(line: Line, messages: Messages) -> None:
    ending = Ending.FAILED
    try:
        for message in messages:
            if line.closed.is_set():
                break
            if message is not None:
                line.send(_text(message))
        ending = Ending.LEFT
    except LineClosed:
        ending = Ending.LEFT  # the client has gone; who listens ends by itself
    finally:
        cast(Any, messages).close()
        line.close_and_wait(ending)

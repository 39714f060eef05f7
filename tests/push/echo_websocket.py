"""A topic of the tests, as small as a topic can be: it tells what it is given."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Blueprint, Flask, current_app

from flask_api.errors import ServiceError, ValidationError
from flask_api.push import dialects
from flask_api.push.websocket import Messages, Words, serve, sock, topic


def envelope(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "timestamp": dialects.now()}


class Envelopes(Words):
    """Everything in an envelope; what is heard comes back."""

    def heartbeat(self) -> Mapping[str, Any]:
        return envelope("heartbeat")

    def refusal(self, error: ServiceError) -> Mapping[str, Any]:
        return envelope("error", error_code=error.code, error_message=error.message)

    def hear(self, message: str | bytes) -> Mapping[str, Any] | None:
        try:
            said = orjson.loads(message)
        except orjson.JSONDecodeError:
            raise ValidationError("that is no JSON") from None
        if said == {"type": "break"}:
            raise RuntimeError("asked to break")
        return None if said["type"] == "heartbeat" else envelope("echo", **said)


def echo(app: Flask) -> tuple[Blueprint, queue.Queue[Any]]:
    """The topic, and the queue of what it tells: None ends it, errors are raised."""
    bp = topic("echo", __name__)
    told: queue.Queue[Any] = queue.Queue()
    app.extensions["echo"] = told

    @sock.route("/ws/echo", bp=bp)
    def route(ws: Any) -> None:
        serve(ws, _messages(current_app.extensions["echo"]), Envelopes())

    return bp, told


def _messages(told: queue.Queue[Any]) -> Messages:
    while True:
        try:
            message = told.get(timeout=0.05)
        except queue.Empty:
            yield None
            continue
        if message is None:
            return
        if isinstance(message, Exception):
            raise message
        yield message

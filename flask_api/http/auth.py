"""Who asks: the one seam between a request and the owner of its jobs."""

from __future__ import annotations

from flask import Flask, current_app, request

from flask_api.errors import Forbidden
from flask_api.settings import Settings

#: Set by reverse proxies: such a request came from beyond this machine.
_FORWARDED = ("X-Forwarded-For", "Forwarded")


def current_owner() -> str:
    """The owner whose jobs this request or socket event may see and start."""
    return "anonymous"


def refuse_forwarded() -> None:
    """Refuse strangers who come through a proxy to a server without log-in.

    Also for Socket.IO and WebSocket connections, within their request context.
    Raises Forbidden.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if settings.flask_env != "production" or settings.allow_anonymous:
        return
    for name in _FORWARDED:
        if name in request.headers:
            raise Forbidden(
                f"this server has no log-in and serves its own machine only, but the "
                f"request came through a proxy (header {name}): let the proxy ask who "
                "comes and set ALLOW_ANONYMOUS=true"
            )


def init_app(app: Flask) -> None:
    app.before_request(refuse_forwarded)

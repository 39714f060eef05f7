"""What stands in front of the server: reverse proxies it believes, hosts it answers to.

Both work below Flask, so that they hold for Socket.IO and WebSockets too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import get_host, host_is_trusted

from flask_api.settings import Settings

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class TrustedHosts:
    """Answers 400 to requests whose `Host` is not among the trusted ones.

    A page elsewhere can give its own name this machine's address (DNS rebinding); the
    browser then takes the server for part of that page.
    """

    def __init__(self, app: Wsgi, hosts: list[str]) -> None:
        """`hosts` are names without port; `.example.org` means all below it."""
        self._app = app
        self._hosts = hosts

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        host = get_host(
            environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST")
        )
        if host_is_trusted(host, self._hosts):
            return self._app(environ, start_response)
        body = orjson.dumps(
            {
                "error": "Validation error",
                "message": f"this server does not answer to the host {host[:100]!r}; "
                "its owner names the right ones in TRUSTED_HOSTS",
                "code": "UNTRUSTED_HOST",
                "details": [{"field": "Host", "problem": "is not trusted"}],
                "request_id": None,
            }
        )
        length = ("Content-Length", str(len(body)))
        start_response(
            "400 Bad Request", [("Content-Type", "application/json"), length]
        )
        return [body]


def init_app(app: Flask) -> None:
    """Wrap `app` as its settings say; call it after all else that wraps it."""
    settings: Settings = app.config["SETTINGS"]
    wsgi: Any = app.wsgi_app
    if settings.hosts:
        wsgi = TrustedHosts(wsgi, settings.hosts)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        wsgi = ProxyFix(wsgi, x_for=n, x_proto=n, x_host=n, x_port=n, x_prefix=n)
    app.wsgi_app = wsgi  # type: ignore[method-assign]

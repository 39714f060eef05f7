"""Headers of every answer: request id, cross-origin rules, browser safety."""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, request
from flask_cors import CORS

from flask_api.settings import Settings

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z")

#: Ours; readable by scripts of other origins too.
_EXPOSED = (
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "X-Job-ID",
    "X-Request-ID",
)


def request_id() -> str:
    """The id of this request: the caller's `X-Request-ID` if it is sane, else ours."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _SANE_ID.match(given) else uuid.uuid4().hex
    found: str = g.request_id
    return found


def _complete(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    if response.status_code == HTTPStatus.NO_CONTENT:
        response.headers.pop("Content-Type", None)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    app.after_request(_complete)
    if settings.allowed_origins:
        CORS(
            app,
            origins=settings.allowed_origins,
            expose_headers=list(_EXPOSED),
            max_age=600,
        )

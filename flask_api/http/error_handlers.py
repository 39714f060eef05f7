"""One shape for every error: {error, message, code, details, request_id}."""

from __future__ import annotations

import logging
import math
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing.exceptions import WebsocketMismatch

from flask_api.errors import (
    InvalidInput,
    NoSolution,
    NotFound,
    ServiceError,
    TooLarge,
    UnsupportedMediaType,
)
from flask_api.http.headers import request_id
from flask_api.numerics.errors import InputError, NoSolutionError

log = logging.getLogger(__name__)


def error_fields(error: ServiceError) -> dict[str, Any]:
    """What is told of `error`, here and in push messages."""
    fields: dict[str, Any] = {
        "error": error.title,
        "message": error.message,
        "code": error.code,
        "details": error.details if error.details is not None else [],
        "request_id": request_id(),
    }
    if error.job_id is not None:
        fields["job_id"] = error.job_id
    return fields


def answer_for(error: ServiceError) -> Response:
    """The HTTP answer that carries `error`."""
    response = jsonify(error_fields(error))
    response.status_code = error.status
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.job_id is not None:
        response.headers["X-Job-ID"] = error.job_id
    return response


def service_error(error: ServiceError) -> Response:
    """The answer for an error of ours; those of the server's making are logged."""
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", error.code, error.message)
    return answer_for(error)


def http_error(error: HTTPException) -> Response:
    """The answer for what Flask and Werkzeug raise: 404, 405, 413 ..."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None and status < HTTPStatus.BAD_REQUEST:
        return current_app.make_response(error.response)
    response = service_error(_as_service_error(error, status))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _as_service_error(error: HTTPException, status: int) -> ServiceError:
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(_nothing_here())
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge()
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return UnsupportedMediaType()
    phrase = HTTPStatus(status).phrase
    text = error.description or phrase
    if isinstance(error, WebsocketMismatch):
        text = (
            f"{request.path[:200]} takes "
            + ("no WebSockets" if _is_websocket() else "WebSockets only (ws://...)")
            + "; behind a proxy, see that it passes the headers Upgrade and Connection"
        )
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(sorted(getattr(error, "valid_methods", None) or []))
        text = f"{request.method} is not answered at {request.path[:200]}"
        text += f"; it takes {allowed}" if allowed else ""
    made = ServiceError(text)
    made.status = status
    made.title = phrase.capitalize()
    made.code = phrase.upper().replace(" ", "_").replace("-", "_")
    return made


def _is_websocket() -> bool:
    asks = request.headers.get("Connection", "").lower()
    return "upgrade" in asks and request.headers.get("Upgrade", "") == "websocket"


def _nothing_here() -> str:
    """Names the address, and the nearest one that exists."""
    known = sorted({rule.rule for rule in current_app.url_map.iter_rules()})
    near = get_close_matches(request.path[:200], known, 1, 0.75)
    hint = f"did you mean {near[0]}?" if near else "/docs lists what there is."
    return f"There is nothing at {request.path[:200]}; {hint}"


def input_error(error: InputError) -> Response:
    """The answer where the web process itself met a value it can't work with."""
    made = NoSolution if isinstance(error, NoSolutionError) else InvalidInput
    details: Any = error.details
    if error.field and not isinstance(details, list | tuple):
        details = [{"field": error.field, "problem": str(error), **(details or {})}]
    return service_error(made(str(error), details=details))


def unexpected_error(error: Exception) -> Response:
    """500 for a fault of ours: the traceback goes to the log, not to the caller."""
    log.error("%s %s failed", request.method, request.path[:200], exc_info=error)
    return answer_for(
        ServiceError(
            "Something failed on our side. The server's log has it under the request "
            f"id {request_id()}."
        )
    )


def init_app(app: Flask) -> None:
    app.register_error_handler(ServiceError, service_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(InputError, input_error)
    app.register_error_handler(Exception, unexpected_error)

"""Whether the service lives, is ready for work, and how it fares."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from pydantic import BaseModel, Field

from flask_api import __version__
from flask_api.errors import ServiceError
from flask_api.http.openapi import described

log = logging.getLogger(__name__)
bp = Blueprint("health", __name__)

_STARTED = time.monotonic()


class NotReady(ServiceError):
    """The server takes no work at the moment."""

    status = 503
    code = "NOT_READY"
    title = "Service unavailable"


class Health(BaseModel):
    """How the service fares."""

    status: str = Field(description="healthy or degraded")
    version: str
    uptime: float = Field(description="seconds since the process started")
    database_connected: bool
    redis_connected: bool | None = Field(description="null: none is configured")
    workers_active: int
    active_jobs: int = Field(description="jobs that run now")
    cache_size: int = Field(description="bytes held by caches beside the job store")


class Ready(BaseModel):
    """The server takes work."""

    status: str


@bp.get("/health")
@bp.get("/api/health")
@described(tag="service", answers={200: Health})
def health() -> Response:
    """How the service fares: database, workers, running jobs.

    Always 200; `status` is `degraded` where work can't be taken.
    """
    engine = current_app.extensions["engine"]
    running = _running()
    connected = running is not None
    fields: dict[str, Any] = {
        "status": "healthy" if connected and engine.ready else "degraded",
        "version": __version__,
        "uptime": round(time.monotonic() - _STARTED, 3),
        "database_connected": connected,
        "redis_connected": None,
        "workers_active": engine.workers_active,
        "active_jobs": running or 0,
        "cache_size": 0,
    }
    return jsonify(fields)


def _running() -> int | None:
    """Jobs that run now; None where the database does not answer."""
    try:
        return int(current_app.extensions["registry"].counts().get("running", 0))
    except Exception:  # whatever a database driver raises: this page must answer
        log.warning("the job store does not answer", exc_info=True)
        return None


@bp.get("/ready")
@bp.get("/api/ready")
@described(tag="service", answers={200: Ready, 503: None})
def ready() -> Response:
    """Whether the server takes work; 503 with the reason where it doesn't."""
    engine = current_app.extensions["engine"]
    if not engine.ready:
        raise NotReady(
            f"no work is taken at the moment: {engine.why_not_ready}", retry_after_s=5
        )
    return jsonify(status="ready")


@bp.get("/live")
@described(tag="service", answers={200: Ready})
def live() -> Response:
    """That the process answers at all."""
    return current_app.response_class(b'{"status":"alive"}', 200, _JSON)


_JSON = {"Content-Type": "application/json"}


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)

"""Health, readiness, life."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_api import __version__


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_health_tells_how_the_service_fares(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert set(answer.json) == {
        "status",
        "version",
        "uptime",
        "database_connected",
        "redis_connected",
        "workers_active",
        "active_jobs",
        "cache_size",
    }
    assert answer.json["status"] == "healthy"
    assert answer.json["version"] == __version__
    assert answer.json["database_connected"] is True
    assert answer.json["redis_connected"] is None
    assert answer.json["uptime"] > 0


def test_health_is_degraded_and_still_200_when_no_work_is_taken(app: Flask) -> None:
    app.extensions["engine"].stop()
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")


def test_health_is_degraded_and_still_200_without_a_database(app: Flask) -> None:
    def broken() -> dict[str, int]:
        raise OSError("disk on fire")

    app.extensions["registry"].counts = broken
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["database_connected"] is False
    assert "fire" not in answer.get_data(as_text=True)


def test_ready_is_503_with_the_reason_when_no_work_is_taken(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/ready").json == {"status": "ready"}
    app.extensions["engine"].stop()
    answer = client.get("/ready")
    assert (answer.status_code, answer.json["code"]) == (503, "NOT_READY")
    assert "shutting down" in answer.json["message"]
    assert answer.headers["Retry-After"]


def test_live_answers_whatever_the_engine_does(app: Flask) -> None:
    app.extensions["engine"].stop()
    assert app.test_client().get("/live").json == {"status": "alive"}

"""A whole service in this process: inline executor, memory store, its own folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from trial_analyses import with_trials

from flask_api.app import create_app
from flask_api.settings import Settings


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes services with settings of one's own; all are stopped after the test."""
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        folder = tmp_path / f"service-{len(made)}"
        given: dict[str, Any] = {
            "flask_env": "testing",
            "job_executor": "inline",
            "async_mode": "threading",
            "max_concurrent_jobs": 2,
            "database_url": "memory:",
            "instance_folder": folder / "instance",
            "log_folder": folder / "logs",
        }
        app = create_app(Settings(**(given | settings)))
        made.append(app)
        until = time.monotonic() + 10
        while not app.extensions["engine"].ready and time.monotonic() < until:
            time.sleep(0.005)
        return app

    yield make
    for app in made:
        app.extensions["drain"]("the test is over")
        app.extensions["registry"].store.close()


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """A service with the inline executor and the memory store."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """What asks it over HTTP, without a network."""
    return app.test_client()


@pytest.fixture
def trial_app(app: Flask) -> Flask:
    """A service that offers the analyses of `trial_analyses` too."""
    registry = app.extensions["registry"]
    registry.analyses = with_trials(registry.analyses)
    return app


@pytest.fixture
def trials(trial_app: Flask) -> FlaskClient:
    """What asks the service with trial analyses."""
    return trial_app.test_client()

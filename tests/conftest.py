"""A whole service in this process: inline executor, memory store, its own folders."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from trial_analyses import with_trials

from flask_api.app import create_app
from flask_api.domains.market.runs import routes as market_runs
from flask_api.settings import Settings

#: What only requirements-dev.txt installs. The seed runs `pytest tests/` without it.
_DEV = (
    "hypothesis",
    "jsonschema_rs",
    "playwright",
    "psutil",
    "requests",
    "schemathesis",
    "websocket",
)
_MISSING = [name for name in _DEV if find_spec(name) is None]
_USES = re.compile(rf"^\s*(?:from|import) ({'|'.join(_MISSING)})\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out tests whose libraries are not installed."""
    test = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    if _MISSING and test and _USES.search(collection_path.read_text()):
        return True
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Have Hypothesis try the same examples each time, whatever the machine's pace.

    Others are looked for on purpose: `pytest --hypothesis-profile default`.
    """
    if "hypothesis" in _MISSING or config.getoption("hypothesis_profile", None):
        return
    from hypothesis import HealthCheck, settings
    from hypothesis.internal.conjecture import providers
    from hypothesis.internal.constants_ast import Constants

    settings.register_profile(
        "the same",
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("the same")
    # It also tries the constants of all modules of ours that are loaded: with several
    # processes another set each time, as each takes other test files.
    none = Constants()
    providers._get_local_constants = lambda: none


def pytest_report_header() -> str | None:
    """Say what was left out, and why."""
    if not _MISSING:
        return None
    return (
        f"left out: tests that need {', '.join(_MISSING)} "
        "(pip install -r requirements-dev.txt, or make test)"
    )


@pytest.fixture(scope="session", autouse=True)
def patient_judge() -> Iterator[None]:
    """A run is refused for its data however long a busy machine takes to read them.

    Else one that took 2 s would be there first, and fail afterwards.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market_runs, "_JUDGED_S", 30.0)
        yield


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
            "wait_s": 55.0,  # a busy machine compiles a kernel in more than 20 s
            "worker_nice": 0,  # beside other tests, nice workers would not get far
            "database_url": "memory:",
            "instance_folder": folder / "instance",
            "log_folder": folder / "logs",
        }
        app = create_app(Settings(**(given | settings)))
        made.append(app)
        until = time.monotonic() + 60
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

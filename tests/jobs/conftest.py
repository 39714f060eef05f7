"""A real engine on the sample analyses, for every pair of store and executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_api.analysis import discover
from flask_api.jobs.build import build_engine
from flask_api.jobs.engine import Engine
from flask_api.jobs.job import Event, Job
from flask_api.jobs.registry import Registry
from flask_api.settings import load_settings


def spawn(function: Callable[..., None], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


Start = Callable[..., Engine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an engine in this test's folder, with settings as keywords."""
    engines: list[Engine] = []

    def begin(**settings: str) -> Engine:
        environ = {
            "INSTANCE_FOLDER": str(tmp_path / "instance"),
            "MAX_CONCURRENT_JOBS": "2",
            "WORKER_NICE": "0",
            **{name.upper(): value for name, value in settings.items()},
        }
        made = load_settings(environ, tmp_path)
        engine = build_engine(made, discover("tests.jobs.domains"), spawn)
        engine.start()
        engines.append(engine)
        return engine

    yield begin
    for engine in engines:
        engine.stop()
        engine.registry.store.close()


@pytest.fixture(params=["inline-memory", "inline-sqlite", "local-sqlite"])
def registry(request: pytest.FixtureRequest, start: Start) -> Registry:
    executor, store = request.param.split("-")
    extra = {"database_url": "memory:"} if store == "memory" else {}
    return start(job_executor=executor, **extra).registry


def run(registry: Registry, analysis: str, /, **params: Any) -> Job:
    """Submit a job and wait for its end."""
    job = registry.submit(analysis, params, owner="anna").job
    return registry.wait("anna", job.id, 60)


def watch(registry: Registry, job: Job, after: int | None = 0) -> list[Event]:
    """All events of a job from `after` to its final one."""
    return [e for e in registry.follow(job.owner, job.id, after) if e is not None]


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What the condition returns once it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {condition}")

"""A service with the two analyses of `demo`: real registry, memory store, threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from flask_api.analysis import Analyses
from flask_api.http import auth, body, error_handlers, headers
from flask_api.jobs.build import build_engine
from flask_api.jobs.routes import bp as jobs
from flask_api.push import realtime, websocket
from flask_api.push import socketio as push
from flask_api.settings import Settings

from .demo import with_demo
from .watcher import Watcher


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    # A report waits for its watchers, but not for ever: here as long as it takes.
    monkeypatch.setattr("flask_api.push.rooms._SETTLE_S", 30.0)
    settings = Settings(
        flask_env="testing",
        async_mode="threading",
        job_executor="inline",
        database_url="memory:",
        instance_folder=tmp_path,
        max_concurrent_jobs=2,
    )
    app = Flask("flask_api")
    app.config.update(SETTINGS=settings, SECRET_KEY="for tests")
    for part in (body, error_handlers, headers, auth):
        part.init_app(app)
    push.init_app(app, owner=auth.current_owner, admit=auth.refuse_forwarded)
    websocket.init_app(app, owner=auth.current_owner)
    engine = build_engine(
        settings, with_demo(Analyses()), push.socketio.start_background_task
    )
    app.extensions["registry"] = engine.registry
    app.extensions["engine"] = engine
    app.register_blueprint(jobs)
    app.register_blueprint(realtime.bp)
    engine.start()
    until = time.monotonic() + 60
    while not engine.ready and time.monotonic() < until:
        time.sleep(0.005)  # event numbers have gaps where an engine comes late
    yield app
    engine.stop()


@pytest.fixture
def watcher(app: Flask) -> Callable[[], Watcher]:
    return lambda: Watcher(app)

"""The application: the only file that knows everybody."""

from __future__ import annotations

import atexit

from flask import Flask

from flask_api.analysis import discover
from flask_api.domains.market.routes import bp as market
from flask_api.domains.price.routes import bp as price
from flask_api.domains.sensitivity.routes import bp as sensitivity
from flask_api.http import (
    auth,
    body,
    error_handlers,
    headers,
    health,
    logs,
    openapi,
    proxies,
)
from flask_api.jobs.build import build_engine
from flask_api.jobs.routes import bp as jobs
from flask_api.push import realtime, websocket
from flask_api.push import socketio as push
from flask_api.push.socketio import socketio
from flask_api.settings import Settings, concerns, load_settings, secret_key
from flask_api.web.routes import bp as page

__all__ = ["create_app", "socketio"]


def create_app(settings: Settings | None = None) -> Flask:
    """The service, ready to be served; its engine starts in the background.

    settings  None = from the environment and `.env`

    Raises SettingsError where a setting or a folder cannot be used.
    """
    settings = settings or load_settings()
    app = Flask("flask_api", static_folder=None, template_folder="web/templates")
    app.config.update(SETTINGS=settings, SECRET_KEY=secret_key(settings))
    for part in (logs, body, error_handlers, headers, auth, health, openapi):
        part.init_app(app)
    push.init_app(app, owner=auth.current_owner, admit=auth.refuse_forwarded)
    websocket.init_app(app, owner=auth.current_owner)

    for concern in concerns(settings):
        app.logger.warning(concern)
    analyses = discover().limited("market", settings.market_job_timeout)
    engine = build_engine(settings, analyses, socketio.start_background_task)
    app.extensions["registry"] = engine.registry
    app.extensions["engine"] = engine

    for blueprint in (page, jobs, realtime.bp, price, market, sensitivity):
        app.register_blueprint(blueprint)

    proxies.init_app(app)

    def drain(reason: str) -> None:
        """Leave in good order: tell clients, give running jobs back."""
        push.say_goodbye(reason)
        engine.stop()
        logs.close()

    app.extensions["drain"] = drain
    atexit.register(engine.stop)
    engine.start()
    return app

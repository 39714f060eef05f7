"""Logs: one rotating file and warnings on the terminal, each line with its request.

`logs/flask_api.log`, 1 MB x 10 by default, as text or JSON. DEBUG lines appear iff
FLASK_DEBUG is set or LOG_LEVEL says so. One process logs to one place: the newest
app's.
"""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request
from structlog.typing import EventDict, Processor, WrappedLogger

from flask_api.http.auth import current_owner
from flask_api.http.headers import request_id
from flask_api.settings import Settings, SettingsError

access = logging.getLogger("flask_api.access")

#: They tell each packet or request at INFO; ours has its own line for that.
_TALKATIVE = ("engineio", "socketio", "werkzeug", "alembic", "geventwebsocket")
#: Given a level, they don't print on the terminal a second time beside our handlers.
_PRINTING = ("engineio.server", "socketio.server")


class LogFile(RotatingFileHandler):
    """Our file; the class tells it from handlers that others attached."""


class Terminal(logging.StreamHandler):  # type: ignore[type-arg]
    """Warnings and worse, for whoever started the server by hand."""


def init_app(app: Flask) -> None:
    """Log into the settings' folder; raises SettingsError where it can't be written."""
    settings: Settings = app.config["SETTINGS"]
    close()
    file = _open(settings)
    terminal = Terminal()
    terminal.setLevel(logging.WARNING)
    formatter = _formatter(settings)
    root = logging.getLogger()
    for handler in (file, terminal):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    _set_levels(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    app.before_request(_begin)
    app.after_request(_access_line)
    app.teardown_request(_end)


def close() -> None:
    """Close our handlers and take them off, so that no file stays open."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, (LogFile, Terminal)):
            root.removeHandler(handler)
            handler.close()


def _open(settings: Settings) -> LogFile:
    folder = settings.log_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return LogFile(
            folder / "flask_api.log",
            maxBytes=settings.log_max_bytes,
            backupCount=settings.log_backups,
            encoding="utf-8",
        )
    except OSError as error:
        raise SettingsError(
            f"LOG_FOLDER={str(folder)!r}: no log can be written there "
            f"({error.strerror or error}); make it writable or name another folder"
        ) from None


def _set_levels(settings: Settings) -> None:
    root_level = settings.log_level or ("DEBUG" if settings.flask_debug else "INFO")
    logging.getLogger().setLevel(_level("LOG_LEVEL", root_level))
    for name in _TALKATIVE + _PRINTING:
        logging.getLogger(name).setLevel(logging.WARNING)
    for item in filter(None, (i.strip() for i in settings.log_levels.split(","))):
        name, equals, level = item.partition("=")
        if not equals:
            raise SettingsError(
                f"LOG_LEVELS: {item!r} is not of the form logger=LEVEL, such as "
                "sqlalchemy=WARNING"
            )
        logging.getLogger(name.strip()).setLevel(_level("LOG_LEVELS", level.strip()))


def _level(setting: str, text: str) -> int:
    levels = logging.getLevelNamesMapping()
    try:
        return levels[text.upper()]
    except KeyError:
        raise SettingsError(
            f"{setting}: {text!r} is no level; use DEBUG, INFO, WARNING or ERROR"
        ) from None


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def _formatter(settings: Settings) -> logging.Formatter:
    as_json = structlog.processors.JSONRenderer(
        serializer=lambda event, **_: orjson.dumps(event, default=str).decode()
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            as_json if settings.log_format == "json" else _as_text,
        ],
    )


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`time LEVEL logger event key=value ...`; a traceback follows on its own lines."""
    time_ = event.pop("timestamp", "")
    level = str(event.pop("level", "")).upper()
    name = event.pop("logger", "")
    text = _one_line(event.pop("event", ""))
    trace = event.pop("exception", "")
    rest = "".join(f" {k}={_one_line(v)}" for k, v in event.items())
    line = f"{time_} {level:7} {name} {text}{rest}"
    return f"{line}\n{trace}" if trace else line


def _one_line(value: Any) -> str:
    """Text without line ends: a caller can't forge a line of the log."""
    text = str(value)
    return text if text.isprintable() else repr(text)[1:-1]


def _begin() -> None:
    g.began = time.monotonic()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _access_line(response: Response) -> Response:
    # Probes ask every few seconds: they would fill the log.
    level = logging.DEBUG if request.path in ("/live", "/ready") else logging.INFO
    access.log(
        level,
        "%s %s %s %.1f ms",
        request.method,
        request.path,
        response.status_code,
        (time.monotonic() - g.get("began", time.monotonic())) * 1e3,
        extra={"owner": current_owner(), "address": request.remote_addr or ""},
    )
    return response


def _end(_: BaseException | None) -> None:
    structlog.contextvars.unbind_contextvars("request_id")

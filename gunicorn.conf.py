"""How gunicorn serves Model Zone; gunicorn reads this file by itself.

gunicorn --worker-class eventlet -w 1 'flask_api.app:create_app()'
"""

from __future__ import annotations

import _thread
import os
import shlex
import signal
import sys
from typing import Any, NoReturn

from gunicorn.workers import SUPPORTED_WORKERS

from flask_api.http.eventlet_worker import PRELOAD_REFUSED
from flask_api.http.process import SettingsRefused, drain_hook, read_settings, settle

#: The async modes that each kind of gunicorn worker can serve.
MODES = {"eventlet": "eventlet", "gthread": "threading", "gevent": "gevent"}

SUPPORTED_WORKERS["eventlet"] = "flask_api.http.eventlet_worker.EventletWorker"


def refuse(reason: object) -> NoReturn:
    print(f"gunicorn can't serve Model Zone: {reason}", file=sys.stderr)
    sys.exit(2)


# gunicorn loads a preloaded app before it calls any hook: too late to refuse.
if "--preload" in sys.argv + shlex.split(os.environ.get("GUNICORN_CMD_ARGS", "")):
    refuse(PRELOAD_REFUSED)

try:
    settings = read_settings()
except SettingsRefused as error:
    refuse(error)

_host = settings["flask_host"]
bind = f"{f'[{_host}]' if ':' in _host else _host}:{settings['flask_port']}"
workers = settings["web_workers"]
worker_connections = 10_000
control_socket_disable = True  # a socket that commands the server: not asked for
graceful_timeout = 3
keepalive = 5
limit_request_line = 8190  # /api/stream?jobs= with many ids
limit_request_field_size = 32_768  # and their Last-Event-ID
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # never a slow disk


def on_starting(server: Any) -> None:
    if server.cfg.preload_app:
        refuse(PRELOAD_REFUSED)
    if server.cfg.workers > 1:
        refuse(
            f"{server.cfg.workers} web processes would each hold their own clients and "
            "events; sharing them needs Redis, which this version doesn't use yet. "
            "Start one (-w 1): it moves bytes only, the numbers are computed in "
            "MAX_CONCURRENT_JOBS processes beside it"
        )
    name = server.cfg.worker_class_str
    mode = settings["async_mode"]
    if MODES.get(name) != mode:
        fitting = MODES.get(name)
        refuse(
            f"--worker-class {name} needs ASYNC_MODE={fitting}, not {mode}"
            if fitting
            else f"--worker-class {name} can't serve WebSockets: use one of "
            + ", ".join(MODES)
        )


def post_worker_init(worker: Any) -> None:
    """Let gunicorn's own workers drain the app on SIGTERM; ours does so by itself."""
    if worker.cfg.worker_class_str == "eventlet":
        return
    settle()
    drain = drain_hook(worker.wsgi)
    stop = signal.getsignal(signal.SIGTERM)

    def leave(number: int, frame: Any) -> None:
        # Thread.start() waits for the thread, which gevent allows in no handler.
        _thread.start_new_thread(drain, ("shutdown",))
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, leave)

"""What a web process does before it loads the app, after it, and when it leaves."""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

#: Descriptors beside the clients' own: database, logs, workers, listeners.
SPARE_FILES = 512

_SHOW_SETTINGS = """
import sys
from flask_api.settings import SettingsError, load_settings
try:
    print(load_settings().model_dump_json(exclude={"secret_key", "database_url"}))
except SettingsError as error:
    sys.exit(str(error))
"""


class SettingsRefused(ValueError):
    """The settings can't be used; the message says which and why."""


def read_settings() -> dict[str, Any]:
    """The settings by field name, secrets left out, read by a process of its own.

    Reading them imports pydantic, and eventlet can't patch a process that has it:
    whoever needs a setting before `patch` asks here.
    """
    seen = subprocess.run(
        [sys.executable, "-c", _SHOW_SETTINGS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if seen.returncode != 0:
        raise SettingsRefused(seen.stderr.strip())
    found: dict[str, Any] = json.loads(seen.stdout)
    return found


def patch(async_mode: str) -> None:
    """Make the standard library wait the way `async_mode` does.

    async_mode  eventlet, gevent or threading (which changes nothing)

    Call it before the app and its libraries are imported.
    """
    if async_mode == "eventlet":
        with warnings.catch_warnings():
            # eventlet calls itself deprecated at import: docs/decisions says why it
            # stays. Under `python -W error` that sentence would be the end.
            warnings.simplefilter("ignore")
            import eventlet
            import eventlet.hubs
            import eventlet.websocket
            import eventlet.wsgi

        eventlet.monkey_patch()
        _close_once(eventlet.websocket.RFC6455WebSocket)
    elif async_mode == "gevent":
        from gevent import monkey

        monkey.patch_all()


def _close_once(sockets: Any) -> None:
    """Let WebSockets be closed twice, as engineio does at every disconnect.

    eventlet writes `Bad file descriptor` to the error log for each second time.
    """
    close = sockets.close

    def close_if_open(self: Any, *args: Any, **kwargs: Any) -> None:
        if self.socket.fileno() >= 0:
            close(self, *args, **kwargs)

    sockets.close = close_if_open


def settle() -> None:
    """Take what is loaded out of the garbage collector's rounds, and have fewer.

    A full round over an idle app's objects stops every client for 80 ms and more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def allow_open_files(clients: int) -> int:
    """How many clients this process may hold, after raising its own limit.

    clients  wanted number of connections, each an open file

    The limit is raised up to the hard one, which only an administrator moves.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = clients + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return clients
    return max(1, min(clients, soft - SPARE_FILES))


def drain_hook(app: Any) -> Callable[[str], None]:
    """The app's own `drain(reason)`: tell clients, give jobs back.

    app  the WSGI app; one without `extensions["drain"]` has nothing to tell
    """
    extensions: dict[str, Any] = getattr(app, "extensions", {})
    hook = extensions.get("drain")

    def drain(reason: str) -> None:
        if hook is None:
            return
        try:
            hook(reason)
        except Exception:  # the process leaves all the same, and the log says why
            log.exception("the app could not be drained (%s)", reason)

    return drain

"""Start Model Zone on this machine: `python start_backend.py`.

Settings come from the environment, ./.env and flask_api/.env; .env.example lists them.
Ctrl-C ends the server and its workers; jobs that run go on at the next start.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import time
from typing import Any

#: Seconds the app gets to tell clients and give jobs back once it has to stop.
DRAIN_S = 2.0

WINDOWS = (
    "Model Zone runs on Linux and macOS: its workers talk through inherited sockets, "
    "which Windows has not. On Windows use WSL2, or `docker compose up`."
)


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; 2 where the server can't start, and why."""
    if sys.platform == "win32":
        return refuse(WINDOWS)
    # Nothing of the app may be imported before the patch, and no setting's reader.
    from flask_api.http.process import SettingsRefused, patch, read_settings, settle

    try:
        settings = read_settings()
    except SettingsRefused as error:
        return refuse(error)
    mode, host, port = (settings[k] for k in ("async_mode", "flask_host", "flask_port"))
    patch(mode)
    problem = why_no_listening(host, port)
    if problem is not None:
        return refuse(problem)

    from flask_api.app import create_app, socketio
    from flask_api.errors import ServiceError
    from flask_api.settings import SettingsError

    try:
        app = create_app()
    except (OSError, ServiceError, SettingsError) as error:
        return refuse(error)
    settle()
    leave_on_signal(app, socketio)
    print(f"Model Zone: {url_of(host, port)}  (Ctrl-C ends it)", flush=True)
    socketio.run(app, host=host, port=port, **options(mode))
    return 0


def refuse(reason: object) -> int:
    print(f"Model Zone can't start: {reason}", file=sys.stderr)
    return 2


def options(async_mode: str) -> dict[str, Any]:
    """What socketio.run passes on: never Werkzeug's debugger, never its reloader."""
    common: dict[str, Any] = {"debug": False, "use_reloader": False}
    if async_mode == "eventlet":
        # At its default, eventlet keeps a stream's events back until they fill 4 kB.
        stream = {"minimum_chunk_size": 1, "max_size": 10_000}
        return {**common, **stream, "log_output": False, "protocol": prompt_protocol()}
    if async_mode == "threading":
        # load_dotenv would read FLASK_DEBUG again and switch the debugger on.
        quiet = {"use_debugger": False, "load_dotenv": False}
        prompt = {"request_handler": prompt_handler()}
        return {**common, **quiet, **prompt, "allow_unsafe_werkzeug": True}
    return {**common, "log_output": False}


def prompt_protocol() -> type:
    """eventlet's protocol without Nagle's delay, which costs an answer 40 ms."""
    from eventlet.wsgi import HttpProtocol

    class Prompt(HttpProtocol):  # type: ignore[misc]  # eventlet has no types
        def setup(self) -> None:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().setup()

    return Prompt


def prompt_handler() -> type:
    """Werkzeug's handler without Nagle's delay."""
    from werkzeug.serving import WSGIRequestHandler

    class Prompt(WSGIRequestHandler):
        disable_nagle_algorithm = True

    return Prompt


def why_no_listening(host: str, port: int) -> str | None:
    """Why nobody can listen there, or None.

    eventlet and Werkzeug share a port that is in use without a word, or end in a
    traceback; so the port is tried first.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        return f"FLASK_HOST={host} is no address: {error.strerror}"
    with socket.socket(family, kind, proto) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
        except OSError as error:
            return _bind_problem(error, host, port)
    return None


def _bind_problem(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use: stop the other server, or choose "
            f"another port, such as FLASK_PORT={port + 1 if port < 65535 else 5000}"
        )
    if error.errno == errno.EACCES:
        return f"FLASK_PORT={port} needs an administrator: choose 1024 or more"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"FLASK_HOST={host} is no address of this machine"
    return f"{host}:{port} can't be listened on: {error.strerror}"


def url_of(host: str, port: int) -> str:
    """The address a browser on this machine opens."""
    if host in ("0.0.0.0", "", "::"):
        host = "127.0.0.1" if host != "::" else "::1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def leave_on_signal(app: Any, socketio: Any) -> None:
    """On SIGINT or SIGTERM: drain the app, then end this process.

    The signals' own exceptions would strike whichever request runs. So a handler does
    nothing, and the byte that Python writes for it wakes a task.
    """
    from flask_api.http.process import drain_hook

    near, far = socket.socketpair()
    far.setblocking(False)
    signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    ending = (signal.SIGINT, signal.SIGTERM)
    for number in ending:
        signal.signal(number, lambda *_: None)

    def leave() -> None:
        while near.recv(1)[0] not in ending:
            continue
        deadline = time.monotonic() + DRAIN_S
        drained: list[bool] = []

        def drain() -> None:
            drain_hook(app)("shutdown")
            drained.append(True)

        socketio.start_background_task(drain)
        while not drained and time.monotonic() < deadline:
            socketio.sleep(0.02)
        socketio.sleep(0.1)  # for what the drain has sent
        logging.shutdown()
        sys.stdout.flush()
        far.close()
        os._exit(0)  # servers and WebSocket threads would wait for their clients

    socketio.start_background_task(leave)


if __name__ == "__main__":
    sys.exit(main())

"""gunicorn's worker on eventlet: `gunicorn --worker-class eventlet`.

gunicorn dropped its own in version 26. `gunicorn.conf.py` in the project's root puts
this class into gunicorn's table, so that the command works as it always did. It holds
each client's socket, because only whoever holds them can end a server that has
WebSockets open: it stops accepting, tells the clients, gives requests a moment, shuts
the sockets, and kills what is left.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn import util
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.workers.base_async import AsyncWorker

from flask_api.http.process import allow_open_files, drain_hook, patch, settle

#: Seconds that running requests get after SIGTERM, and after SIGINT or SIGQUIT.
REQUESTS_GRACE_S = 1.5
QUICK_GRACE_S = 0.5
#: Seconds that clients whose sockets were shut get to leave before they are killed.
SHUT_GRACE_S = 0.7
#: Connections over the limit that are answered at a time; more are just closed.
REFUSALS_AT_A_TIME = 100

_BUSY = (
    b'{"error":"Service unavailable","message":"this server holds as many connections '
    b'as it may: try again in a moment","code":"TOO_MANY_CONNECTIONS","details":[],'
    b'"request_id":null}'
)
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nRetry-After: 5\r\nConnection: close\r\n\r\n%s"
    % (len(_BUSY), _BUSY)
)

Environ = dict[str, Any]


def write_error(client: Any, status: int, reason: str, message: str) -> None:
    """What gunicorn itself answers to a request it can't read; its own is HTML."""
    told = message.strip() or reason
    if status == 414 or status == 431:
        told += "; send less in the address and headers"
    fields: Environ = {
        "error": reason.capitalize(),
        "message": told,
        "code": reason.upper().replace(" ", "_"),
        "details": [],
        "request_id": None,
    }
    body = json.dumps(fields).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    say_last(client, head.encode("latin1") + body)


def say_last(client: Any, data: bytes) -> None:
    """Send `data` and let the client read it before its socket is closed."""
    import eventlet

    with eventlet.Timeout(1.0, False):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass  # unread bytes would turn our close into a reset


class _Input:
    """Gives a WebSocket library the client's socket, as eventlet's own server does."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_socket(self) -> Any:
        return self._client


class EventletWorker(AsyncWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves every client in a greenlet of its own; ends within 3 s of SIGTERM."""

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        """Refuse what this worker can't do; called before the first worker starts."""
        if cfg.preload_app:
            raise SystemExit(PRELOAD_REFUSED)
        if cfg.is_ssl:
            raise SystemExit(
                "--certfile/--keyfile: this worker speaks plain HTTP. Let the reverse "
                "proxy do TLS (deploy/nginx.conf), or use --worker-class gthread with "
                "ASYNC_MODE=threading"
            )

    def init_process(self) -> None:
        # Here and not at import: the master that forks must never hold a hub.
        patch("eventlet")
        # os.sendfile refuses eventlet's sockets: files would arrive without a body.
        self.cfg.set("sendfile", False)
        util.write_error = write_error
        self.clients: dict[Any, Any] = {}  # client socket -> its greenlet
        self.refusing = 0
        self.grace_s = REQUESTS_GRACE_S
        self.limit = allow_open_files(self.worker_connections)
        if self.limit < self.worker_connections:
            self.log.warning(
                "worker_connections %d lowered to %d: the limit of open files "
                "(ulimit -n) allows no more",
                self.worker_connections,
                self.limit,
            )
        super().init_process()

    def load_wsgi(self) -> None:
        from eventlet.wsgi import WSGI_LOCAL

        from flask_api.errors import ServiceError
        from flask_api.settings import SettingsError

        try:
            super().load_wsgi()
        except (OSError, ServiceError, SettingsError) as error:
            self.log.error("Model Zone can't start: %s", error)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        app: Any = self.wsgi
        self.drain_app = drain_hook(app)

        def serve(environ: Environ, start_response: Callable[..., Any]) -> Any:
            environ["eventlet.input"] = _Input(environ["gunicorn.socket"])
            WSGI_LOCAL.already_handled = False
            return app(environ, start_response)

        self.wsgi: Any = serve
        settle()

    def is_already_handled(self, respiter: Iterable[bytes]) -> bool:
        from eventlet.wsgi import WSGI_LOCAL

        if WSGI_LOCAL.already_handled:
            raise StopIteration  # a WebSocket has ended: so does its connection
        return bool(super().is_already_handled(respiter))

    def timeout_ctx(self) -> Any:
        import eventlet

        return eventlet.Timeout(self.cfg.keepalive or None, False)

    # -- signals: only leave a mark; gunicorn's wake-up pipe ends run()'s wait

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.alive = False
        self.grace_s = QUICK_GRACE_S

    def handle_usr1(self, sig: int, frame: Any) -> None:
        import eventlet

        eventlet.spawn_n(self.log.reopen_files)  # locks can't be waited for in here

    # -- the life of the process

    def run(self) -> None:
        import eventlet
        from eventlet.greenio import GreenSocket

        acceptors = [
            eventlet.spawn(self.accept_from, GreenSocket(listener.sock))
            for listener in self.sockets
        ]
        while self.alive:
            self.notify()
            if self.ppid != os.getppid():
                self.log.info("Parent changed, shutting down: %s", self)
                break
            self.wait_for_signal(1.0)
        self.alive = False  # from here on every response says Connection: close
        for acceptor in acceptors:
            acceptor.kill()
        self.leave()

    def wait_for_signal(self, seconds: float) -> None:
        import eventlet
        from eventlet.hubs import trampoline

        try:
            trampoline(self.PIPE[0], read=True, timeout=seconds)
            os.read(self.PIPE[0], 4096)
        except eventlet.Timeout:
            return

    def accept_from(self, listener: Any) -> None:
        """Take each new client of `listener`, for ever; refuse those over the limit."""
        import eventlet

        while True:
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS):
                    self.log.error("no client can be accepted: %s", error)
                    eventlet.sleep(0.2)  # the listener stays readable: don't spin
                elif error.errno in (errno.EBADF, errno.EINVAL):
                    return  # the listener is closed
                continue
            if len(self.clients) < self.limit:
                greenlet = eventlet.spawn(self.serve_client, listener, client, address)
                self.clients[client] = greenlet
            elif self.refusing < REFUSALS_AT_A_TIME:
                self.refusing += 1
                eventlet.spawn_n(self.refuse, client)
            else:
                client.close()

    def serve_client(self, listener: Any, client: Any, address: Any) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            pass  # a Unix socket has no such option
        try:
            self.handle(listener, client, address)
        finally:
            self.clients.pop(client, None)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        from greenlet import GreenletExit

        if isinstance(exc, GreenletExit):
            return  # killed by leave(): nobody is there to be told
        super().handle_error(req, client, addr, exc)

    def refuse(self, client: Any) -> None:
        try:
            say_last(client, REFUSAL)
        except OSError:
            self.log.debug("a refused client left early")
        finally:
            self.refusing -= 1
            client.close()

    def leave(self) -> None:
        """Tell the clients, wait for requests, shut the sockets, kill what is left."""
        import eventlet

        started = time.monotonic()
        telling = eventlet.spawn(self.drain_app, "shutdown")
        self.wait_until(
            lambda: bool(telling.dead) and not self.clients, started + self.grace_s
        )
        for client in list(self.clients):
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # gone already
        self.wait_until(
            lambda: bool(telling.dead) and not self.clients,
            started + self.grace_s + SHUT_GRACE_S,
        )
        for greenlet in [telling, *self.clients.values()]:
            greenlet.kill()
        self.log.info("left after %.1f s", time.monotonic() - started)

    def wait_until(self, done: Callable[[], bool], deadline: float) -> None:
        import eventlet

        while not done() and time.monotonic() < deadline:
            self.notify()
            eventlet.sleep(0.02)


PRELOAD_REFUSED = (
    "--preload is refused: the app holds the engine's lock, its workers and patched "
    "sockets, and none of these survives the fork into gunicorn's workers"
)

"""Real servers in processes of their own, on free ports of 127.0.0.1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(__file__).parent / "node"

#: Clients that only requirements-dev.txt brings.
CLIENTS_MISSING = [
    name
    for name in ("psutil", "requests", "websocket")
    if importlib.util.find_spec(name) is None
]
collect_ignore_glob = ["test_*.py"] if CLIENTS_MISSING else []
if not CLIENTS_MISSING:
    import psutil

#: The seed's command, word for word.
SEED_COMMAND = "gunicorn --worker-class eventlet -w 1 'flask_api.app:create_app()'"

#: Ways to serve: command and async mode.
KINDS = {
    "gunicorn-eventlet": (SEED_COMMAND, "eventlet"),
    "gunicorn-gthread": (
        "gunicorn --worker-class gthread --threads 64 'flask_api.app:create_app()'",
        "threading",
    ),
    "dev": ("python start_backend.py", "eventlet"),
    "dev-threading": ("python start_backend.py", "threading"),
}


def pytest_report_header() -> str | None:
    if not CLIENTS_MISSING:
        return None
    missing = ", ".join(CLIENTS_MISSING)
    return f"tests/e2e left out: no {missing} (pip install -r requirements-dev.txt)"


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@dataclass
class Server:
    """A server that runs for a test, and what it needs to be asked and ended."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path  # its instance folder, logs and output

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def family(self) -> list[psutil.Process]:
        """The server's process and everything that it has started."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def wait_ready(self, seconds: float = 120.0, path: str = "/ready") -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with (
                suppress(OSError),
                urllib.request.urlopen(self.url + path, timeout=20) as answer,
            ):
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the server is not ready; it said:\n{self.output()}")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> float:
        """Ask it to end; returns the seconds that it took until all of it was gone."""
        family = self.family()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self._gone(family, seconds)

    def _gone(self, family: list[psutil.Process], seconds: float) -> float:
        began = time.monotonic()
        self.process.wait(seconds)
        _, left = psutil.wait_procs(family[1:], timeout=seconds)
        assert not left, f"left behind: {left}\n{self.output()}"
        return time.monotonic() - began

    def interrupt(self) -> float:
        """Ctrl-C as a terminal sends it, to the whole group; as `stop` otherwise."""
        family = self.family()
        os.killpg(self.process.pid, signal.SIGINT)
        return self._gone(family, 60.0)

    def end(self) -> None:
        """End it whatever it does, and nothing else."""
        family = self.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, left = psutil.wait_procs(family, timeout=20)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(60)


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def clean_environ() -> dict[str, str]:
    """This process' environment without any setting of the service."""
    ours = ("FLASK_", "API_", "GUNICORN", "PYTHONWARNINGS")
    keep = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    keep["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{keep['PATH']}"
    return keep


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, clean_environ: dict[str, str]
) -> Iterator[StartServer]:
    """`server(kind, **settings)` starts one, or gives the one it has started before.

    kind      a key of KINDS, or a whole command line
    settings  environment variables; `fresh=True` never shares a server,
              `ready=None` does not wait for it
    """
    started: list[Server] = []
    shared: dict[object, Server] = {}

    def start(
        kind: str = "gunicorn-eventlet",
        *,
        fresh: bool = False,
        folder: Path | None = None,
        ready: str | None = "/ready",
        **settings: object,
    ) -> Server:
        key = (kind, tuple(sorted(settings.items())))
        if not fresh and key in shared and shared[key].process.poll() is None:
            return shared[key]
        command, mode = KINDS.get(kind, (kind, "eventlet"))
        folder = folder or tmp_path_factory.mktemp("server")
        port = free_port()
        environ = clean_environ | {
            "FLASK_HOST": "127.0.0.1",
            "FLASK_PORT": str(port),
            "FLASK_ENV": "testing",
            "ASYNC_MODE": mode,
            "INSTANCE_FOLDER": str(folder / "instance"),
            "LOG_FOLDER": str(folder / "logs"),
            "PYTHONUNBUFFERED": "1",
            # Beside the tests of the other processes, nice workers would not get far.
            "WORKER_NICE": "0",
        }
        environ |= {name: str(value) for name, value in settings.items()}
        with (folder / "output").open("ab") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # what a terminal would send Ctrl-C to
            )
        one = Server(process, port, folder)
        started.append(one)
        if ready is not None:
            one.wait_ready(path=ready)
        if not fresh:
            shared[key] = one
        return one

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, with npm's socket.io-client beside the script."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("needs Node: apt-get install nodejs npm")
    if not (NODE / "node_modules" / "socket.io-client").is_dir():
        pytest.skip("needs npm's socket.io-client: (cd tests/e2e/node && npm ci)")
    return found


@pytest.fixture(scope="session")
def nginx() -> str:
    """The path of Nginx."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("needs Nginx: apt-get install nginx-light")
    return found


@pytest.fixture(scope="module")
def live_server(server: StartServer) -> str:
    """Address of a server that was started as a user starts it."""
    return f"{server('gunicorn-eventlet').url}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; only tests of pages ask for it, and these are skipped without one."""
    from tests.e2e.page_parts import chromium

    with chromium() as started:
        yield started

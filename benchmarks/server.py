"""The service in processes of its own, for the benchmarks: started, asked, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import requests

from benchmarks.plant import monte_carlo

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (
    "gunicorn --worker-class eventlet -w 1 --log-level warning".split()
    + ["flask_api.app:create_app()"]
)  # fmt: skip
_OURS = ("FLASK_", "API_", "GUNICORN", "JOB_", "MAX_", "WORKER_", "DATABASE_URL")


class Server:
    """gunicorn with the eventlet worker, in a temporary folder, on a free port."""

    def __init__(self, **settings: object) -> None:
        """`settings` are environment variables of `flask_api.settings`."""
        self._folder = tempfile.TemporaryDirectory(prefix="model-zone-bench-")
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port = int(trial.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = requests.Session()
        folder = Path(self._folder.name)
        environ = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        environ |= {
            "FLASK_HOST": "127.0.0.1",
            "FLASK_PORT": str(self.port),
            "FLASK_ENV": "testing",
            "ASYNC_MODE": "eventlet",
            "INSTANCE_FOLDER": str(folder / "instance"),
            "LOG_FOLDER": str(folder / "logs"),
        }
        environ |= {name: str(value) for name, value in settings.items()}
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *COMMAND],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Server:
        try:
            self._wait_ready()
            if self.workers():
                self.run(monte_carlo(10_000))  # the first job imports what it needs
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(requests.ConnectionError, requests.Timeout):
                if self.http.get(f"{self.url}/ready", timeout=5).ok:
                    return
            time.sleep(0.1)
        said = self._output.read_text(errors="replace")
        raise RuntimeError(f"the server is not ready; it said:\n{said}")

    def stop(self) -> None:
        """End it and all that it has started."""
        family = self._family()
        self._process.terminate()
        _, left = psutil.wait_procs(family, timeout=10)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(10)
        self.http.close()
        self._folder.cleanup()

    # -- its processes ----------------------------------------------------------

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def workers(self) -> list[psutil.Process]:
        """Its worker processes, the idle ones too."""
        found = []
        for process in self._family():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "flask_api.jobs.worker" in process.cmdline():
                    found.append(process)
        return found

    def web(self) -> psutil.Process:
        """The process that answers requests."""
        arbiter = psutil.Process(self._process.pid)
        return arbiter.children()[0]

    def busy_worker(self, but: set[int] | None = None) -> psutil.Process:
        """The worker that computes now, the one that used most processor time lately.

        but   process ids that don't count
        """
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            before = {
                p: _seconds(p) for p in self.workers() if p.pid not in (but or ())
            }
            time.sleep(0.05)
            used = {p: _seconds(p) - then for p, then in before.items()}
            busiest = max(used, key=lambda p: used[p], default=None)
            if busiest is not None and used[busiest] > 0.005:
                return busiest
        raise RuntimeError("no worker computes")

    def worker_seconds(self) -> dict[int, float]:
        """Processor seconds of each worker so far, by process id."""
        return {process.pid: _seconds(process) for process in self.workers()}

    # -- its jobs ---------------------------------------------------------------

    def run(self, body: dict[str, Any], wait_s: int = 55) -> requests.Response:
        """The answer of POST /sensitivity/monte-carlo, which must be a result."""
        answer = self.http.post(
            f"{self.url}/sensitivity/monte-carlo",
            json=body,
            headers={"Prefer": f"wait={wait_s}"},
            timeout=wait_s + 30,
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")
        return answer

    def start(self, body: dict[str, Any]) -> str:
        """The id of a job that was submitted, without waiting for it."""
        answer = self.http.post(
            f"{self.url}/api/jobs",
            json={"kind": "sensitivity.monte_carlo", "params": body},
            timeout=120,
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    def job(self, name: str) -> dict[str, Any]:
        """The state of a job."""
        answer = self.http.get(f"{self.url}/api/jobs/{name}", timeout=120)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def wait_for(
        self, name: str, *statuses: str, seconds: float = 60
    ) -> dict[str, Any]:
        """The state of a job once its status is one of `statuses`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.job(name)
            if found["status"] in statuses:
                return found
            if found["status"] in ("failed", "cancelled"):
                break
            time.sleep(0.05)
        raise RuntimeError(f"job {name} is {found['status']}: {found.get('error')}")

    def cancel(self, name: str) -> None:
        """Cancel a job and wait until it has ended."""
        self.http.post(f"{self.url}/api/jobs/{name}/cancel", timeout=60)
        self.wait_for(name, "cancelled", "completed", "failed")


def _seconds(process: psutil.Process) -> float:
    """Processor time a process has used, seconds; 0 where it is gone."""
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0

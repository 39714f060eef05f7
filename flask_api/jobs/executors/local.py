"""Workers as plain processes of this machine, started with an inherited socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import flask_api
from flask_api.jobs.executors.base import TICK_S, Executor, Worker, WorkerGone
from flask_api.jobs.frames import MAX_JOB_FRAME, Closed, FrameError, FrameReader, pack

_SEND_S = 10.0  # a worker that takes no bytes for so long is dead
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
_HOME = str(Path(flask_api.__file__).parent.parent)


class ProcessWorker(Worker):
    """A worker process and our end of its socket."""

    def __init__(self, nice: int, memory_mb: int, modules: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:  # ours to drop: while we hold it, EOF never comes when it dies
            arguments = [str(theirs.fileno()), str(nice), str(memory_mb)]
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "flask_api.jobs.worker", *arguments],
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for us; EOF is for workers
                )
            except OSError:
                ours.close()
                raise
        ours.settimeout(TICK_S)
        self._socket = ours
        self._reader = FrameReader(ours)
        self._sending = threading.Lock()
        with suppress(WorkerGone):  # dead at birth: `alive` and `receive` say so
            self.send({"type": "warm", "modules": list(modules)})

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, frame: dict[str, Any]) -> None:
        data = memoryview(pack(frame, MAX_JOB_FRAME))
        give_up = time.monotonic() + _SEND_S
        with self._sending:
            while data:
                try:
                    data = data[self._socket.send(data) :]
                except TimeoutError:
                    if time.monotonic() > give_up:
                        raise WorkerGone("it takes no more bytes") from None
                except OSError as error:
                    raise WorkerGone(str(error)) from None

    def receive(self) -> dict[str, Any] | None:
        try:
            return self._reader.read()
        except Closed:
            raise WorkerGone(self._farewell()) from None
        except FrameError as error:
            self.kill()
            raise WorkerGone(f"it sent a broken frame: {error}") from None

    def _farewell(self) -> str:
        """How the process ended, as far as it can be told."""
        for _ in range(20):  # EOF comes a moment before the process can be reaped
            code = self._process.poll()
            if code is not None:
                break
            time.sleep(0.005)
        self.kill()
        if code is None:
            return "it closed its line"
        if code < 0:
            return f"it was killed by {signal.Signals(-code).name}"
        return f"it left with exit code {code}"

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        with suppress(OSError):  # closed already: then nobody receives any more
            self._socket.shutdown(socket.SHUT_RDWR)

    def discard(self) -> None:
        self.kill()
        self._socket.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None


def _environment() -> dict[str, str]:
    """One thread per worker: parallelism is slots; two pools on two cores thrash."""
    env = dict(os.environ)
    env.update({f"{name}_NUM_THREADS": "1" for name in _THREADS})
    known = env.get("PYTHONPATH")
    env["PYTHONPATH"] = _HOME + (os.pathsep + known if known else "")
    return env


class LocalExecutor(Executor):
    """Worker processes, one warm spare among them."""

    def __init__(
        self,
        spawn: Callable[[Callable[[], None]], Any],
        *,
        nice: int,
        memory_mb: int,
        modules: Sequence[str] = (),
    ) -> None:
        """`modules` are imported by each worker before its first job."""
        self._spawn = spawn
        self._nice, self._memory_mb, self._modules = nice, memory_mb, modules
        self._lock = threading.Lock()
        self._spare: ProcessWorker | None = None
        self._workers: list[ProcessWorker] = []
        self._refilling = False
        self._stopped = False

    def take(self) -> Worker:
        with self._lock:
            worker, self._spare = self._spare, None
        if worker is not None and not worker.alive:
            worker.discard()
            worker = None
        if worker is None:
            worker = self._start()
        self._spawn(self._refill)
        return worker

    def _start(self) -> ProcessWorker:
        worker = ProcessWorker(self._nice, self._memory_mb, self._modules)
        with self._lock:
            self._workers = [w for w in self._workers if w.alive] + [worker]
        return worker

    def _refill(self) -> None:
        """Start a spare, unless there is one or another call is about it."""
        with self._lock:
            if self._spare is not None or self._refilling or self._stopped:
                return
            self._refilling = True
        worker = None
        try:
            worker = self._start()
        finally:
            with self._lock:
                self._refilling = False
                wanted = not self._stopped
                if wanted:
                    self._spare = worker
        if not wanted and worker is not None:
            worker.discard()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            workers, spare = list(self._workers), self._spare
        for worker in workers:
            worker.kill()
        if spare is not None:
            spare.discard()

    @property
    def workers_active(self) -> int:
        return sum(worker.alive for worker in list(self._workers))

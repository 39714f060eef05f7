"""The engine: slots that claim jobs, one lock per database folder, and housekeeping."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_api.jobs.executors.base import Executor, Worker
from flask_api.jobs.job import EventType, Job, Status
from flask_api.jobs.queue import retry_delay_s
from flask_api.jobs.registry import Registry
from flask_api.jobs.turn import Limits, Turn

_LOG = logging.getLogger("flask_api.jobs")
#: How often a server that waits for the engine's lock tries again, seconds.
LOCK_POLL_S = 0.2
#: Leases and silent clients are looked at this often, seconds.
HOUSEKEEPING_S = 5.0
#: A result file without a row is an orphan after this long, seconds.
ORPHAN_S = 3600.0

Spawn = Callable[..., Any]


@dataclass(frozen=True)
class EngineSettings:
    """What the engine needs to know; see `flask_api.settings`."""

    slots: int
    timeout_s: float
    max_attempts: int
    max_jobs_per_worker: int
    history: int
    client_idle_s: float
    lock_file: Path
    models_dir: str | None


class Engine:
    """Runs the jobs of a registry, in one process of all that share its folder."""

    def __init__(
        self,
        registry: Registry,
        executor: Executor,
        settings: EngineSettings,
        spawn: Spawn,
    ) -> None:
        """`spawn(function, *args)` starts a background task of the web server."""
        self.registry = registry
        self._store = registry.store
        self._executor = executor
        self._settings = settings
        self._spawn = spawn
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._turns: dict[str, Turn] = {}
        self._stopping = threading.Event()
        self._lock_handle: int | None = None
        self._slots_open = 0
        registry.on_cancel = self._on_cancel

    # -- state -------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether this process takes and runs jobs."""
        return not self.why_not_ready

    @property
    def why_not_ready(self) -> str:
        """The reason in a sentence; empty if ready."""
        if self._stopping.is_set():
            return "the server is shutting down"
        if self._lock_handle is None:
            return "another server process runs the engine; this one takes over from it"
        return ""

    @property
    def workers_active(self) -> int:
        return self._executor.workers_active

    # -- start and stop ----------------------------------------------

    def start(self) -> None:
        """Begin as soon as no other process holds the engine's lock."""
        self._spawn(self._begin)

    def _begin(self) -> None:
        path = self._settings.lock_file
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        while not self._stopping.is_set():
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOCK_POLL_S)
                continue
            self._lock_handle = handle
            break
        else:
            os.close(handle)
            return
        self.registry.events.engine_here = True
        self._recover()
        for number in range(self._settings.slots):
            self._spawn(self._slot, f"{self._name}/{number}", False)
        self._spawn(self._slot, f"{self._name}/quick", True)
        self._spawn(self._housekeeping)

    def stop(self, wait_s: float = 1.0) -> None:
        """Give running jobs back, end all workers and let go of the lock."""
        self._stopping.set()
        self.registry.closing = True
        for turn in list(self._turns.values()):
            turn.stop("shutdown")
        self.registry.queue.wake()
        deadline = time.monotonic() + wait_s
        while self._slots_open and time.monotonic() < deadline:
            time.sleep(0.02)
        self._executor.stop()
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def _recover(self) -> None:
        """Jobs that a server before us left running go back into the queue.

        We hold the lock, so nobody runs them: their leases need not be waited for.
        """
        for job in self._store.running():
            self._take_back(job, "the server was stopped while the job ran")

    def _take_back(self, job: Job, why: str) -> None:
        events = self.registry.events
        if job.cancel_requested_at is not None:
            self._end(job, Status.CANCELLED, {})
        elif job.attempts >= self._settings.max_attempts:
            message = f"The job was interrupted {job.attempts} times: {why}."
            self._fail(job, "INTERRUPTED", message)
        else:
            state = job.state() | {"status": Status.PENDING.value, "message": why}
            event = events.make(job.id, EventType.RETRIED, state)
            delay = retry_delay_s(job.attempts)
            if self._store.give_back(
                job.id, job.attempt, event, counted=True, delay_s=delay
            ):
                events.tell(event, job.owner)

    def _fail(self, job: Job, code: str, message: str) -> None:
        error = {"code": code, "message": message, "details": []}
        self._end(job, Status.FAILED, {"error": error, "has_errors": True})

    def _end(self, job: Job, status: Status, changes: dict[str, Any]) -> None:
        """Finish a job that no turn holds."""
        events = self.registry.events
        state = job.state() | changes | {"status": status.value}
        final = events.make(job.id, EventType(status.value), state)
        if self._store.finish(job.id, job.attempt, final, changes | {"status": status}):
            events.tell(final, job.owner)

    # -- slots -------------------------------------------------------

    def _slot(self, holder: str, quick: bool) -> None:
        """Claim and run one job after another, on a worker of our own."""
        self._slots_open += 1
        worker: Worker | None = None
        try:
            worker = self._executor.take()
            while not self._stopping.is_set():
                try:
                    worker = self._one(holder, quick, worker)
                except Exception:  # noqa: BLE001
                    # A slot outlives every fault, or the server would starve in
                    # silence; the job keeps its lease and comes back by itself.
                    _LOG.exception("a fault in slot %s", holder)
                    if worker is not None:
                        worker.discard()
                    worker = None
                    self._stopping.wait(1.0)
        finally:
            if worker is not None:
                worker.discard()
            self._slots_open -= 1

    def _one(self, holder: str, quick: bool, worker: Worker | None) -> Worker | None:
        job = self.registry.queue.take(holder, quick=quick)
        if job is None or self._stopping.is_set():
            if job is not None:
                self._return_unused(job)
            return worker
        if worker is None or worker.jobs_done >= self._settings.max_jobs_per_worker:
            if worker is not None:
                worker.discard()
            worker = self._executor.take()
        worker.jobs_done += 1
        turn = self._turn(job, worker)
        if turn is not None and not turn.worker_lives:
            # A process that is gone, or has asked to go, is replaced by the spare.
            worker.discard()
            return None if self._stopping.is_set() else self._executor.take()
        return worker

    def _turn(self, job: Job, worker: Worker) -> Turn | None:
        analysis = self.registry.analyses.get(job.kind)
        if analysis is None:
            message = f"This server has no analysis {job.kind!r} any more."
            self._fail(job, "NOT_AVAILABLE", message)
            return None
        limit = job.timeout_s or self._settings.timeout_s
        limits = Limits(limit, self._settings.max_attempts)
        events = self.registry.events
        turn = Turn(job, analysis, worker, self._store, events, limits)
        self._turns[job.id] = turn
        folder = self.registry.results_folder
        name = f"{job.id}-{job.attempt}.json"
        try:
            context = {"models_dir": self._settings.models_dir}
            turn.run(context, str(folder / name))
        finally:
            del self._turns[job.id]
        return turn

    def _return_unused(self, job: Job) -> None:
        events = self.registry.events
        state = job.state() | {"status": Status.PENDING.value}
        event = events.make(job.id, EventType.INTERRUPTED, state)
        self._store.give_back(job.id, job.attempt, event, counted=False)

    def _on_cancel(self, job: Job) -> None:
        turn = self._turns.get(job.id)
        if turn is not None:
            turn.stop("user")

    # -- housekeeping ------------------------------------------------

    def _housekeeping(self) -> None:
        rounds = 0
        while not self._stopping.wait(HOUSEKEEPING_S):
            try:
                self._tidy(thoroughly=rounds % 12 == 0)
            except Exception:  # noqa: BLE001
                _LOG.exception("a fault in housekeeping; it goes on")
            rounds += 1

    def _tidy(self, *, thoroughly: bool) -> None:
        for job in self._store.expired():
            if job.id not in self._turns:
                self._take_back(job, "its worker was lost")
        for job in self._store.idle_clients(self._settings.client_idle_s):
            idle = self._settings.client_idle_s
            message = f"The client was silent for {idle:g} s."
            self._fail(job, "CLIENT_IDLE", message)
        if thoroughly:
            for job in self._store.prune(self._settings.history):
                self.registry.dispose(job)
            self._remove_orphans()

    def _remove_orphans(self) -> None:
        folder = self.registry.results_folder
        if not folder.is_dir():
            return
        known = self._store.result_files()
        for file in folder.iterdir():
            old = time.time() - file.stat().st_mtime > ORPHAN_S
            if old and file.name not in known:
                file.unlink(missing_ok=True)

"""The engine: slots that claim jobs, one lock per database folder, and housekeeping."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_api.errors import DiskFull
from flask_api.jobs.documents.schema import MAKE
from flask_api.jobs.executors.base import Executor, Worker
from flask_api.jobs.faults import Faults
from flask_api.jobs.job import EventType, Job, Status
from flask_api.jobs.queue import retry_delay_s
from flask_api.jobs.registry import Registry
from flask_api.jobs.room import Room
from flask_api.jobs.turn import Limits, Turn
from flask_api.store.base import StoreBusy

#: How often a server that waits for the engine's lock tries again, seconds.
LOCK_POLL_S = 0.2
#: Leases and silent clients are looked at this often, seconds.
HOUSEKEEPING_S = 5.0
#: A result file without a row is an orphan after this long, seconds.
ORPHAN_S = 3600.0

#: No fault of a worker, if it was given no job.
_STORE_FAULTS = (StoreBusy, DiskFull)

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
    stored_models_dir: str | None
    data_dir: str | None


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
        self._changing = threading.Lock()
        self._lock_handle: int | None = None
        self._slots_open: set[str] = set()
        self._clients_judged_at = 0.0
        self._clocks_apart = 0.0
        self._faults = Faults()
        self._room = Room(registry.results_folder)
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
        return self._room.problem()

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
        if not self._lock(handle):
            os.close(handle)
            return
        self._allow_silence()
        while (pause_s := self._recovered()) > 0:
            if self._stopping.wait(pause_s):
                return
        for number in range(self._settings.slots):
            self._spawn(self._slot, f"{self._name}/{number}", False)
        self._spawn(self._slot, f"{self._name}/quick", True)
        self._spawn(self._housekeeping)

    def _lock(self, handle: int) -> bool:
        """Wait for the engine's lock; False if we stop before it is ours."""
        while not self._stopping.is_set():
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(LOCK_POLL_S)
                continue
            with self._changing:
                if self._stopping.is_set():  # `stop` has been: nobody would unlock
                    return False
                self.registry.events.engine_here = True
                self._lock_handle = handle
                return True
        return False

    def stop(self, wait_s: float = 1.0) -> None:
        """Give running jobs back, end all workers and let go of the lock.

        May be called again, and from several threads.
        """
        with self._changing:
            self._stopping.set()
        self.registry.closing = True
        self.registry.queue.close()
        for turn in list(self._turns.values()):
            turn.stop("shutdown")
        deadline = time.monotonic() + wait_s
        while self._slots_open and time.monotonic() < deadline:
            time.sleep(0.02)
        self._executor.stop()
        with self._changing:
            handle, self._lock_handle = self._lock_handle, None
        if handle is not None:
            os.close(handle)

    def _recovered(self) -> float:
        """0 once it is done, else seconds until the next try."""
        try:
            self._recover()
        except (StoreBusy, DiskFull) as error:
            return self._fault("the start", error)
        self._works("the start")
        return 0.0

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
            delay = retry_delay_s(job.attempts)
            with events.speaking(job.id):
                event = events.make(job.id, EventType.RETRIED, state)
                if self._store.give_back(
                    job.id, job.attempt, event, counted=True, delay_s=delay
                ):
                    events.tell(event, job.owner)
            self.registry.queue.wake()

    def _fail(self, job: Job, code: str, message: str) -> None:
        error = {"code": code, "message": message, "details": []}
        self._end(job, Status.FAILED, {"error": error, "has_errors": True})

    def _end(self, job: Job, status: Status, changes: dict[str, Any]) -> None:
        """Finish a job that no turn holds."""
        events = self.registry.events
        state = job.state() | changes | {"status": status.value}
        with events.speaking(job.id):
            final = events.make(job.id, EventType(status.value), state)
            fields = changes | {"status": status}
            if self._store.finish(job.id, job.attempt, final, fields):
                events.tell(final, job.owner)

    # -- slots -------------------------------------------------------

    def _slot(self, holder: str, quick: bool) -> None:
        """Claim and run one job after another, on a worker of our own."""
        self._slots_open.add(holder)
        worker: Worker | None = None
        try:
            while not self._stopping.is_set():
                given = 0
                try:
                    worker = self._fit(worker)
                    given = worker.jobs_done
                    self._one(holder, quick, worker)
                    self._works(f"slot {holder}")
                except Exception as error:  # noqa: BLE001
                    # A slot outlives every fault, or the server would starve in
                    # silence; the job keeps its lease and comes back by itself.
                    pause_s = self._fault(f"slot {holder}", error)
                    known = isinstance(error, _STORE_FAULTS)
                    if worker is not None and not (known and worker.jobs_done == given):
                        worker.discard()
                        worker = None
                    self._stopping.wait(pause_s)
        finally:
            if worker is not None:
                worker.discard()
            self._slots_open.discard(holder)

    def _fault(self, part: str, error: Exception) -> float:
        """Tell of a fault; seconds until the next try."""
        if isinstance(error, DiskFull):
            self._room.store_failed(str(error))
        return self._faults.tell(part, error)

    def _works(self, part: str) -> None:
        """The store answered this part of the engine."""
        self._faults.over(part)
        if not self._faults.any:
            self._room.store_works()

    def _fit(self, worker: Worker | None) -> Worker:
        """The worker if it can take another job, else a new one."""
        if worker is not None:
            if worker.alive and worker.jobs_done < self._settings.max_jobs_per_worker:
                return worker
            worker.discard()
        return self._executor.take()

    def _one(self, holder: str, quick: bool, worker: Worker) -> None:
        job = self.registry.queue.take(holder, quick=quick)
        if job is None:
            return
        if self._stopping.is_set():
            self._return_unused(job)
            return
        if not worker.alive:  # it died while it waited: no fault of this job
            worker.discard()
            fresh = self._executor.take()
            try:
                self._turn(job, fresh)
            finally:
                fresh.discard()
            return
        worker.jobs_done += 1
        self._turn(job, worker)

    def _turn(self, job: Job, worker: Worker) -> None:
        analysis = self.registry.analysis_of(job)
        if analysis is None:
            message = f"This server has no analysis {job.kind!r} any more."
            self._fail(job, "NOT_AVAILABLE", message)
            return
        context: dict[str, Any] = {
            "models_dir": self._settings.models_dir,
            "stored_models_dir": self._settings.stored_models_dir,
            "data_dir": self._settings.data_dir,
            "files_dir": str(self.registry.files(job)),
            "owner": job.owner,
            "job_id": job.id,
        }
        if job.seed is not None:
            context["seed"] = job.seed
        if analysis is MAKE:
            context["document"] = self.registry.document_order(job)
            if context["document"] is None:
                message = "The job that this document is of was deleted."
                self._fail(job, "JOB_NOT_FOUND", message)
                return
        context["sources"] = self.registry.sources(job)
        if context["sources"] is None:
            message = "An earlier job whose result this one reads was deleted."
            self._fail(job, "JOB_NOT_FOUND", message)
            return
        limit = job.timeout_s or self._settings.timeout_s
        limits = Limits(limit, self._settings.max_attempts)
        events = self.registry.events
        turn = Turn(job, analysis, worker, self._store, events, limits)
        self._turns[job.id] = turn
        if self._stopping.is_set():  # `stop` may have looked before we were there
            turn.stop("shutdown")
        file = self.registry.results_folder / f"{job.id}-{job.attempt}.json"
        try:
            turn.run(context, str(file))
        finally:
            del self._turns[job.id]
        if turn.unused_file:
            self._remove_unused(job, file)
        if not turn.worker_lives:  # it is gone, or has asked to go
            worker.discard()

    def _remove_unused(self, job: Job, file: Path) -> None:
        """Remove what a worker wrote, or began to, for a result that does not count."""
        row = self._store.get(job.owner, job.id)
        if row is None or row.result_file != file.name:
            for left in (file, *file.parent.glob(f"{file.stem}.*.draft")):
                left.unlink(missing_ok=True)

    def _return_unused(self, job: Job) -> None:
        events = self.registry.events
        state = job.state() | {"status": Status.PENDING.value}
        with events.speaking(job.id):
            event = events.make(job.id, EventType.INTERRUPTED, state)
            if self._store.give_back(job.id, job.attempt, event, counted=False):
                events.tell(event, job.owner)

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
                self._works("housekeeping")
            except Exception as error:  # noqa: BLE001
                self._fault("housekeeping", error)
            rounds += 1

    def _tidy(self, *, thoroughly: bool) -> None:
        for job in self._store.expired():
            if job.id not in self._turns:
                self._take_back(job, "its worker was lost")
        self._tidy_clients()
        if thoroughly:
            by_kind = self.registry.analyses.by_kind
            spared = [kind for kind, analysis in by_kind.items() if analysis.kept]
            for job in self._store.prune(self._settings.history, spared):
                self.registry.dispose(job)
            self._remove_orphans()

    def _tidy_clients(self) -> None:
        if abs(self._wall_ahead() - self._clocks_apart) > HOUSEKEEPING_S:
            self._allow_silence()  # we slept, or the clock was set
        if time.monotonic() < self._clients_judged_at:
            return
        idle = self._settings.client_idle_s
        for job in self._store.idle_clients(idle):
            message = f"The client was silent for {idle:g} s."
            self._fail(job, "CLIENT_IDLE", message)

    def _allow_silence(self) -> None:
        """Clients could not report until now: they get the whole time again."""
        self._clocks_apart = self._wall_ahead()
        self._clients_judged_at = time.monotonic() + self._settings.client_idle_s

    @staticmethod
    def _wall_ahead() -> float:
        return time.time() - time.monotonic()

    def _remove_orphans(self) -> None:
        folder = self.registry.results_folder
        if not folder.is_dir():
            return
        known = self._store.result_files()
        for file in folder.iterdir():
            if file.name in known or file.is_dir():
                continue
            with suppress(FileNotFoundError):  # deleted with its job in this moment
                if time.time() - file.stat().st_mtime > ORPHAN_S:
                    file.unlink()
        old = {
            folder.name
            for kept in (self.registry.shelf.folder, self.registry.files_folder)
            if kept.is_dir()
            for folder in kept.iterdir()
            if time.time() - folder.stat().st_mtime > ORPHAN_S
        }
        for job_id in old - self._store.living(old):
            self.registry.remove_folders(job_id)

"""One turn of a slot: a claimed job, a worker, and everything that may happen."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from flask_api.analysis import Analysis
from flask_api.errors import DiskFull, TooLarge
from flask_api.jobs.events import Events
from flask_api.jobs.executors.base import Worker, WorkerGone
from flask_api.jobs.frames import FrameError
from flask_api.jobs.job import MOST_WARNINGS, Event, EventType, Job, Status
from flask_api.jobs.queue import retry_delay_s
from flask_api.store.base import LEASE_S, Store, StoreBusy

_LOG = logging.getLogger("flask_api.jobs")
#: Lease, cancel flag and saved progress are seen to this often, seconds.
BEAT_S = 1.0
#: The rate of work is taken over so many seconds.
RATE_WINDOW_S = 10.0
#: No forecast of the end before so many seconds.
ETA_AFTER_S = 0.5
#: Deaths of a worker on one job that are forgiven.
FORGIVEN_DEATHS = 1

_patiently = retry(
    retry=retry_if_exception_type((StoreBusy, DiskFull)),
    wait=wait_exponential(0.05, max=2),
    stop=stop_after_delay(LEASE_S),
    reraise=True,
)


@dataclass(frozen=True)
class Limits:
    """What one job may take."""

    timeout_s: float
    max_attempts: int


class Pace:
    """Rate and remaining time of a run, from what it reported lately."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seen: deque[tuple[float, float]] = deque([(self._began, 0.0)])

    def note(self, done: float, total: float) -> tuple[float | None, float | None]:
        """(units per second, seconds left); None where it cannot be told yet."""
        now = time.monotonic()
        if done <= 0:  # a worker's start and a model's reading are not what is counted
            self._began, self._seen = now, deque([(now, 0.0)])
            return None, None
        self._seen.append((now, done))
        while now - self._seen[0][0] > RATE_WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        then, before = self._seen[0]
        if now - self._began < ETA_AFTER_S or now <= then or done <= before:
            return None, None
        rate = (done - before) / (now - then)
        return rate, max(0.0, (total - done) / rate)


class Turn:
    """Runs one claimed job on one worker and writes down how it ended."""

    def __init__(
        self,
        job: Job,
        analysis: Analysis,
        worker: Worker,
        store: Store,
        events: Events,
        limits: Limits,
    ) -> None:
        self.job = job
        self._analysis = analysis
        self._worker = worker
        self._store = store
        self._events = events
        self._limits = limits
        self._pace = Pace()
        self._deadline = time.monotonic() + limits.timeout_s
        self._kill_at: float | None = None
        self._stop_reason: str | None = None  # user, timeout, shutdown, lost
        self._beat_at = 0.0
        self._missed = 0  # beats in a row
        self._unsaved = job.attempt > 1  # the row still shows the earlier attempt
        self._state: dict[str, Any] = {
            **job.state(),
            "status": Status.RUNNING.value,
            "step": None if job.total_steps is None else 0,
            "phase": None,
            "warnings": [],
            "latest_results": None,
        }
        #: False = the worker is of no further use.
        self.worker_lives = True
        #: True = the row does not name the file that the worker may have written.
        self.unused_file = False

    def run(self, context: Mapping[str, Any], result_path: str) -> None:
        """Compute the job to its end, whatever that is."""
        try:
            self._tell(EventType.STARTED, message="started")
            self._tell(EventType.PROGRESS)
            self._worker.send(self._frame(context, result_path))
            if self._stop_reason is not None:  # asked before the worker had the job
                self._ask_worker()
            while self._stop_reason != "lost":
                frame = self._worker.receive()
                if frame is not None and self._take(frame):
                    return
                self._look_at_clocks()
            self.worker_lives = False  # it computes what another holder computes too
            self.unused_file = True
            self._worker.kill()
        except FrameError as error:
            message = f"The request is too long for a worker: {error}."
            self._fail({"code": TooLarge.code, "message": message, "details": []})
        except WorkerGone as gone:
            self.worker_lives = False
            self._worker.kill()
            self._bury(str(gone))

    def _frame(self, context: Mapping[str, Any], result_path: str) -> dict[str, Any]:
        model = self._analysis.request
        return {
            "type": "job",
            "id": self.job.id,
            "attempt": self.job.attempt,
            "run": self._analysis.run,
            "model": f"{model.__module__}:{model.__qualname__}",
            "params": orjson.Fragment(self.job.params),
            "request_sha256": self.job.request_sha256,
            "data_revision": self.job.data_revision,
            "context": dict(context),
            "result_path": result_path,
        }

    # -- what the worker says ----------------------------------------

    def _take(self, frame: dict[str, Any]) -> bool:
        """Act on a frame; True if it was the last one."""
        takers: dict[str, Callable[[dict[str, Any]], None]] = {
            "progress": self._progress,
            "phase": self._phase,
            "warning": self._warning,
            "log": self._log,
            "result": self._result,
            "error": self._error,
            "stopped": self._stopped,
        }
        taker = takers.get(frame["type"])
        try:
            if taker is not None:  # "ready" needs no answer
                taker(frame)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            _LOG.exception("job %s: a broken frame", self.job.id)
            raise WorkerGone(f"it sent a broken frame: {error!r}") from None
        if frame.get("exit"):
            self.worker_lives = False
        return frame["type"] in ("result", "error", "stopped")

    def _progress(self, frame: dict[str, Any]) -> None:
        total = float(frame["total"]) or 1.0
        share = max(0.0, min(1.0, float(frame["done"]) / total))
        rate, eta = self._pace.note(float(frame["done"]), total)
        # A report never goes back: a kernel with two passes has two totals.
        share = max(share, float(self._state["progress"]))
        changes: dict[str, Any] = {
            "progress": share,
            "message": str(frame["message"]) or None,
            "eta_seconds": eta,
            "rate": rate,
        }
        if self.job.total_steps is not None:
            # A hair more, so that 0.29 of 100 steps is step 29 and not 28.
            changes["step"] = int(share * self.job.total_steps + 1e-9)
        if frame["partial"] is not None:
            changes["latest_results"] = orjson.dumps(frame["partial"])
        self._tell(EventType.PROGRESS, **changes)
        self._unsaved = True

    def _phase(self, frame: dict[str, Any]) -> None:
        self._state["phase"] = str(frame["name"])

    def _warning(self, frame: dict[str, Any]) -> None:
        if len(self._state["warnings"]) >= MOST_WARNINGS:
            return
        warnings = [*self._state["warnings"], str(frame["message"])]
        if len(warnings) == MOST_WARNINGS:
            warnings[-1] = "there are more warnings; they are left out"
        self._tell(EventType.WARNING, warnings=warnings)
        self._unsaved = True

    def _log(self, frame: dict[str, Any]) -> None:
        level = logging.getLevelNamesMapping().get(str(frame["level"]), logging.INFO)
        _LOG.log(
            level, "job %s: %s: %s", self.job.id, frame["logger"], frame["message"]
        )

    def _result(self, frame: dict[str, Any]) -> None:
        data = frame.get("data")
        fields: dict[str, Any] = {
            "result": None if data is None else data.encode(),
            "result_file": frame.get("file"),
            "result_size": frame.get("size"),
            "file_sha256": frame.get("file_sha256"),
            "result_sha256": frame["sha256"],
        }
        self._tell(EventType.PROGRESS, progress=1.0, eta_seconds=0.0)
        if self._finish(Status.COMPLETED, fields):
            return
        # A cancel was first, or the job is not ours any more: its file is nobody's.
        self.unused_file = True
        self._beat()  # numbers above those of another process, where that asked
        self._finish_stopped()

    def _error(self, frame: dict[str, Any]) -> None:
        if "traceback" in frame:
            _LOG.error("job %s failed\n%s", self.job.id, frame["traceback"])
        error = {k: frame[k] for k in ("code", "message", "details")}
        self._fail(error)

    def _stopped(self, frame: dict[str, Any]) -> None:
        self._finish_stopped()

    # -- stopping ----------------------------------------------------

    def stop(self, reason: str) -> None:
        """Ask the job to end; it is killed after the grace of its analysis.

        reason   user, timeout, or shutdown (ends at once and gives the job back)
        """
        if reason == "shutdown":
            if self._stop_reason is None:  # else it ends as asked, not later
                self._stop_reason = reason
            self._worker.kill()  # `receive` raises WorkerGone, and `run` gives back
        elif self._stop_reason is None:
            self._stop_reason = reason
            self._kill_at = time.monotonic() + self._analysis.cancel_grace_s
            self._ask_worker()

    def _ask_worker(self) -> None:
        ours = {"id": self.job.id, "attempt": self.job.attempt}
        with suppress(WorkerGone):  # `receive` finds out as well, and knows what to do
            self._worker.send({"type": "cancel", **ours})

    def _look_at_clocks(self) -> None:
        now = time.monotonic()
        if self._kill_at is not None and now > self._kill_at:
            raise WorkerGone("it did not stop when asked")
        if now > self._deadline:
            self.stop("timeout")
        if now > self._beat_at:
            self._beat_at = now + BEAT_S
            self._beat()

    def _beat(self) -> None:
        job = self.job
        try:
            if self._unsaved:
                self._store.save_progress(job.id, job.attempt, self._columns())
                self._unsaved = False
            row = self._store.renew(job.id, job.attempt)
        except (StoreBusy, DiskFull) as error:
            # The next beat tries again. The work goes on meanwhile: should the lease
            # run out, the fence keeps what we compute out of the row.
            self._missed += 1
            if self._missed == 1:  # told once: on a full disk, the log would fill too
                reason = str(error).rstrip(".")
                _LOG.warning("job %s: its lease is not renewed: %s", job.id, reason)
            return
        if self._missed:
            _LOG.warning("job %s: renewed after %d misses", job.id, self._missed)
            self._missed = 0
        if row is None:
            self._stop_reason = "lost"
            return
        self._events.heed(row)
        if row.cancel_requested_at is not None:
            self.stop("user")

    # -- how it ends -------------------------------------------------

    def _bury(self, why: str) -> None:
        """The worker is gone: stopped as asked, or an accident."""
        self.unused_file = True
        if self._stop_reason in ("user", "timeout"):
            self._finish_stopped()
        elif self._stop_reason == "shutdown":
            self._give_back(EventType.INTERRUPTED, "the server stops", counted=False)
        elif self.job.deaths >= FORGIVEN_DEATHS:
            message = f"The worker died again on this job: {why}."
            self._fail({"code": "WORKER_DIED", "message": message, "details": []})
        elif self.job.attempts >= self._limits.max_attempts:
            message = f"The job was lost {self.job.attempts} times: {why}."
            self._fail({"code": "INTERRUPTED", "message": message, "details": []})
        else:
            message = f"the worker died ({why}); the job is tried again"
            self._give_back(EventType.RETRIED, message, counted=True, died=True)

    @_patiently
    def _give_back(
        self, kind: EventType, message: str, *, counted: bool, died: bool = False
    ) -> None:
        before = dict(self._state)
        self._state |= {"status": Status.PENDING.value, "message": message}
        self._state["has_errors"] = self._state["has_errors"] or counted
        with self._events.speaking(self.job.id):
            event = self._make(kind)
            kept = self._store.give_back(
                self.job.id,
                self.job.attempt,
                event,
                counted=counted,
                died=died,
                delay_s=retry_delay_s(self.job.attempts) if counted else 0.0,
            )
            if kept:
                self._events.tell(event, self.job.owner)
        if not kept:  # a cancel was first, or the job is not ours any more
            self._state = before
            self._finish(Status.CANCELLED, {"message": "cancelled"})

    def _finish_stopped(self) -> None:
        if self._stop_reason == "timeout":
            limit = self._limits.timeout_s
            message = (
                f"The job was stopped after {limit:g} s, its time limit; ask for "
                "less, or for a longer `timeout`."
            )
            self._fail({"code": "JOB_TIMEOUT", "message": message, "details": []})
        else:
            self._finish(Status.CANCELLED, {"message": "cancelled"})

    def _fail(self, error: dict[str, Any]) -> None:
        self._finish(Status.FAILED, {"error": error, "has_errors": True})

    @_patiently
    def _finish(self, status: Status, fields: dict[str, Any]) -> bool:
        self._state |= {k: v for k, v in fields.items() if k in self._state}
        self._state |= {"status": status.value, "eta_seconds": None}
        with self._events.speaking(self.job.id):
            final = self._make(EventType(status.value))
            changes = self._columns() | fields | {"status": status}
            done = self._store.finish(self.job.id, self.job.attempt, final, changes)
            if done:
                self._events.tell(final, self.job.owner)
        return done

    def _columns(self) -> dict[str, Any]:
        """The state as fields of `Job`."""
        kept = {k: v for k, v in self._state.items() if k not in _NOT_SAVED}
        return kept | {"warnings": tuple(kept["warnings"])}

    def _make(self, kind: EventType) -> Event:
        return self._events.make(self.job.id, kind, dict(self._state))

    @_patiently
    def _tell(self, kind: EventType, **changes: Any) -> None:
        self._state |= changes
        with self._events.speaking(self.job.id):
            self._events.tell(self._make(kind), self.job.owner, stored=False)


_NOT_SAVED = frozenset({"status", "rate", "total_steps"})

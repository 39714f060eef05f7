"""Workers as threads of the server: for tests, and the benchmark that shows why not.

The same `run_job` as in a worker process. A thread cannot be killed: `kill` only stops
listening to it, so a job that never reports goes on until it ends by itself.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Any

from flask_api.jobs.executors.base import TICK_S, Executor, Worker, WorkerGone
from flask_api.jobs.worker import Reporter, run_job


class ThreadWorker(Worker):
    """A thread that computes, and a queue of its frames."""

    def __init__(self) -> None:
        self._frames: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reporter: Reporter | None = None
        self._gone = False

    @property
    def alive(self) -> bool:
        return not self._gone

    @property
    def pid(self) -> int:
        return os.getpid()

    def send(self, frame: dict[str, Any]) -> None:
        if self._gone:
            raise WorkerGone("it was killed")
        if frame["type"] == "cancel":
            if self._reporter:
                self._reporter.ask_to_stop()
            return
        frames = self._frames
        reporter = self._reporter = Reporter(frames.put)

        def compute() -> None:
            end = run_job(frame, reporter)
            reporter.close()
            frames.put(end)

        threading.Thread(target=compute, daemon=True).start()

    def receive(self) -> dict[str, Any] | None:
        if self._gone:
            raise WorkerGone("it was killed")
        try:
            return self._frames.get(timeout=TICK_S)
        except queue.Empty:
            return None

    def kill(self) -> None:
        self._gone = True
        if self._reporter:
            self._reporter.ask_to_stop()

    def discard(self) -> None:
        self.kill()


class InlineExecutor(Executor):
    """Makes thread workers."""

    def take(self) -> Worker:
        return ThreadWorker()

    def stop(self) -> None:
        pass  # its threads are daemons and told to stop by their workers' `kill`

    @property
    def workers_active(self) -> int:
        return 1

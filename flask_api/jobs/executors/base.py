"""What an executor promises: workers that compute one job at a time.

A worker is used by one slot at a time. It answers each job frame with any number of
progress, phase, warning and log frames and exactly one end: result, error or stopped
(`flask_api/jobs/frames.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class WorkerGone(Exception):
    """The worker is dead, or spoke nonsense and was killed."""


class Worker(ABC):
    """One process (or thread) that computes."""

    #: Jobs it has been given so far.
    jobs_done: int = 0

    @abstractmethod
    def send(self, frame: dict[str, Any]) -> None:
        """Give it a frame. Raises WorkerGone."""

    @abstractmethod
    def receive(self) -> dict[str, Any] | None:
        """Its next frame; None after TICK_S without one. Raises WorkerGone."""

    @abstractmethod
    def kill(self) -> None:
        """End it now, whatever it does; whoever receives gets WorkerGone."""

    @abstractmethod
    def discard(self) -> None:
        """Kill it and let go of it; only for the one who receives from it."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it can be given a job."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its process."""


#: How long `receive` waits, seconds: deadlines are judged this often.
TICK_S = 0.1


class Executor(ABC):
    """Makes workers."""

    @abstractmethod
    def take(self) -> Worker:
        """A warm worker."""

    @abstractmethod
    def stop(self) -> None:
        """End all workers."""

    @property
    @abstractmethod
    def workers_active(self) -> int:
        """Workers that are alive."""

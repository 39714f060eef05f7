"""Who may enter the queue, how its slots wake up, and when a lost job comes back."""

from __future__ import annotations

import threading
from typing import NoReturn, Protocol

from flask_api.errors import QueueFull
from flask_api.jobs.job import Job

#: Pending jobs are looked for at least this often, seconds: another process may
#: have put them there.
POLL_S = 1.0


class ClaimSource(Protocol):
    """The part of a store that a queue needs."""

    def claim(self, holder: str, *, quick: bool) -> Job | None: ...


class Queue:
    """Bounds and wake-up calls around the store's order."""

    def __init__(self, source: ClaimSource, max_pending: int) -> None:
        self._source = source
        #: So many jobs may wait; the store counts them when it adds one.
        self.room = max_pending
        self._closed = False
        self._news = threading.Condition()
        self._calls = 0

    def refuse(self) -> NoReturn:
        """Raises QueueFull."""
        raise QueueFull(
            f"{self.room} jobs wait already, and no more may (MAX_QUEUED_JOBS); try "
            "again when some of them have run",
            retry_after_s=10,
        )

    def close(self) -> None:
        """Nothing is claimed any more."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """Say that there may be something to claim."""
        with self._news:
            self._calls += 1
            self._news.notify_all()

    def take(self, holder: str, *, quick: bool) -> Job | None:
        """Claim the next job, waiting up to POLL_S for one."""
        calls = self._calls
        if self._closed:
            return None
        job = self._source.claim(holder, quick=quick)
        if job is None:
            with self._news:
                if calls == self._calls:  # else: called while we looked
                    self._news.wait(POLL_S)
            if not self._closed:
                job = self._source.claim(holder, quick=quick)
        return job


def retry_delay_s(attempts: int) -> float:
    """Back-off before attempt `attempts` + 1: 0, 1, 4, 9 ... at most 60 s."""
    return float(min(60, (attempts - 1) ** 2))

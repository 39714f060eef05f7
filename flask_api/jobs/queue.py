"""Who may enter the queue, how its slots wake up, and when a lost job comes back."""

from __future__ import annotations

import threading
from typing import Protocol

from flask_api.errors import QueueFull
from flask_api.jobs.job import Job, Status

#: Pending jobs are looked for at least this often, seconds: another process may
#: have put them there.
POLL_S = 1.0


class ClaimSource(Protocol):
    """The part of a store that a queue needs."""

    def claim(self, holder: str, *, quick: bool) -> Job | None: ...

    def counts(self) -> dict[Status, int]: ...


class Queue:
    """Bounds and wake-up calls around the store's order."""

    def __init__(self, source: ClaimSource, max_pending: int) -> None:
        self._source = source
        self._max_pending = max_pending
        self._news = threading.Condition()
        self._calls = 0

    def admit(self) -> None:
        """Raises QueueFull if one more job may not wait."""
        pending = self._source.counts()[Status.PENDING]
        if pending >= self._max_pending:
            raise QueueFull(
                f"{pending} jobs wait already, {self._max_pending} may "
                "(MAX_QUEUED_JOBS); try again when some of them have run",
                retry_after_s=10,
            )

    def wake(self) -> None:
        """Say that there may be something to claim."""
        with self._news:
            self._calls += 1
            self._news.notify_all()

    def take(self, holder: str, *, quick: bool) -> Job | None:
        """Claim the next job, waiting up to POLL_S for one."""
        calls = self._calls
        job = self._source.claim(holder, quick=quick)
        if job is None:
            with self._news:
                if calls == self._calls:  # else: called while we looked
                    self._news.wait(POLL_S)
            job = self._source.claim(holder, quick=quick)
        return job


def retry_delay_s(attempts: int) -> float:
    """Back-off before attempt `attempts` + 1: 0, 1, 4, 9 ... at most 60 s."""
    return float(min(60, (attempts - 1) ** 2))

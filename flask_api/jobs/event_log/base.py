"""What an event log promises: the newest events of each job, and live followers."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace

from flask_api.jobs.job import Event


class Mailbox:
    """What one watcher has not read yet: milestones in order, only the newest progress.

    A slow watcher therefore costs one progress event of memory per job, and learns by
    `skipped` how many it missed. A watcher of a list reads rows and needs no history:
    it gets the newest milestone of each job.
    """

    def __init__(self, *, newest_only: bool = False) -> None:
        self._newest_only = newest_only
        self._ready = threading.Condition()
        self._items: OrderedDict[Hashable, Event] = OrderedDict()

    def put(self, event: Event) -> None:
        number = 0 if self._newest_only else event.seq
        key: Hashable = (event.job_id, number if event.type.milestone else None)
        with self._ready:
            older = self._items.pop(key, None)
            if older is not None:
                event = replace(event, skipped=older.skipped + 1)
            self._items[key] = event
            self._ready.notify_all()

    def get(self, timeout_s: float) -> Event | None:
        """The oldest unread event; None after `timeout_s` without one."""
        with self._ready:
            if not self._items:
                self._ready.wait(timeout_s)
            return self._items.popitem(last=False)[1] if self._items else None


class EventLog(ABC):
    """Keeps a bounded number of events per job and hands new ones to followers.

    Numbers (`seq`) are given by the registry. Milestones are also in the store, so a
    log may forget; it says so by `first`.
    """

    @abstractmethod
    def append(self, event: Event, owner: str) -> None:
        """Keep the event and put it into the mailboxes of the job and of its owner."""

    @abstractmethod
    def read(self, job_id: str, after: int) -> list[Event]:
        """Kept events with seq > after, in order."""

    @abstractmethod
    def first(self, job_id: str) -> int | None:
        """The smallest number below which events may be missing; None if none kept."""

    @abstractmethod
    def open(self, topic: str) -> Mailbox:
        """A mailbox for a job's id, or `owner:<owner>` for all jobs of an owner."""

    @abstractmethod
    def close(self, topic: str, mailbox: Mailbox) -> None:
        """Stop filling the mailbox."""

    @abstractmethod
    def forget(self, job_id: str) -> None:
        """Drop what is kept of a job; its followers stay."""

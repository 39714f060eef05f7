"""The event log of an embedded server: in the memory of the web process."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque

from flask_api.jobs.event_log.base import EventLog, Mailbox
from flask_api.jobs.job import Event

EVENTS_PER_JOB = 256
JOBS_KEPT = 2000


class MemoryEventLog(EventLog):
    """All promises of `EventLog`, for the followers of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: OrderedDict[str, deque[Event]] = OrderedDict()
        self._boxes: dict[str, list[Mailbox]] = {}

    def append(self, event: Event, owner: str) -> None:
        with self._lock:
            kept = self._events.get(event.job_id)
            if kept is None:
                kept = self._events[event.job_id] = deque(maxlen=EVENTS_PER_JOB)
                if len(self._events) > JOBS_KEPT:
                    self._events.popitem(last=False)
            kept.append(event)
            boxes = [
                *self._boxes.get(event.job_id, ()),
                *self._boxes.get(f"owner:{owner}", ()),
            ]
        for box in boxes:
            box.put(event)

    def read(self, job_id: str, after: int) -> list[Event]:
        with self._lock:
            return [e for e in self._events.get(job_id, ()) if e.seq > after]

    def first(self, job_id: str) -> int | None:
        with self._lock:
            kept = self._events.get(job_id)
            return kept[0].seq if kept else None

    def open(self, topic: str) -> Mailbox:
        box = Mailbox(newest_only=topic.startswith("owner:"))
        with self._lock:
            self._boxes.setdefault(topic, []).append(box)
        return box

    def close(self, topic: str, mailbox: Mailbox) -> None:
        with self._lock:
            left = [box for box in self._boxes.get(topic, []) if box is not mailbox]
            if left:
                self._boxes[topic] = left
            else:
                self._boxes.pop(topic, None)

    def forget(self, job_id: str) -> None:
        with self._lock:
            self._events.pop(job_id, None)

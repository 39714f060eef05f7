"""What followers and the next server see when a process dies at the worst moment.

A fault point is played by doing what comes before it, with the real parts, and then
leaving out what would have come after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flask_api.jobs.event_log.memory import EVENTS_PER_JOB, MemoryEventLog
from flask_api.jobs.events import Events
from flask_api.jobs.job import Event, EventType, Job, Status, new_id
from flask_api.store.base import SEQ_BLOCK, Store
from flask_api.store.memory import MemoryStore
from flask_api.store.sql import SqlStore
from tests.jobs.conftest import Start, until, watch


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    memory = request.param == "memory"
    made = MemoryStore() if memory else SqlStore(f"sqlite:///{tmp_path / 'j.sqlite'}")
    yield made
    made.close()


@pytest.fixture
def events(store: Store) -> Events:
    made = Events(store, MemoryEventLog())
    made.engine_here = True
    return made


def begin(store: Store, events: Events) -> Job:
    """A job that was submitted and claimed."""
    job = Job(id=new_id(), owner="anna", kind="test.sum", seq_floor=SEQ_BLOCK)
    created = events.begin(job)
    store.add(job, created, None, replay=False)
    events.tell(created, "anna")
    claimed = store.claim("h", quick=False)
    assert claimed is not None
    return claimed


def finish(store: Store, job: Job, final: Event) -> None:
    done = {"status": Status.COMPLETED, "progress": 1.0, "result": b"{}"}
    assert store.finish(job.id, job.attempt, final, done)


def report(events: Events, job: Job, progress: float) -> Event:
    state = {**job.state(), "progress": progress}
    event = events.make(job.id, EventType.PROGRESS, state)
    events.tell(event, job.owner)
    return event


def test_a_crash_after_the_commit_and_before_the_event_loses_nothing(
    store: Store, events: Events
) -> None:
    job = begin(store, events)
    following = events.follow(job, 0, 0.05)
    assert next(following) is not None
    final = events.make(job.id, EventType.COMPLETED, {**job.state(), "progress": 1.0})
    finish(store, job, final)  # ... and events.tell is never reached
    rest = [event for event in following if event is not None]
    assert [e.type for e in rest] == [EventType.COMPLETED]


def test_a_crash_before_the_commit_leaves_the_job_to_the_next_holder(
    store: Store, events: Events
) -> None:
    job = begin(store, events)
    report(events, job, 0.5)
    events.make(job.id, EventType.COMPLETED, job.state())  # numbered, never committed
    after = Events(store, MemoryEventLog())  # the next server, with an empty log
    again = after.make(job.id, EventType.RETRIED, job.state())
    assert again.seq > SEQ_BLOCK
    assert store.give_back(job.id, job.attempt, again, counted=True)
    second = store.claim("next", quick=False)
    assert second is not None and second.attempt == 2
    final = after.make(job.id, EventType.COMPLETED, second.state())
    finish(store, second, final)
    seen = [e for e in after.follow(job, 3, 0.05) if e is not None]
    numbers = [e.seq for e in seen]
    assert numbers == sorted(set(numbers)) and seen[-1].type is EventType.COMPLETED


def test_a_watcher_of_the_old_server_gets_a_snapshot_from_the_new(
    store: Store, events: Events
) -> None:
    job = begin(store, events)
    for share in (0.1, 0.2, 0.3):
        last = report(events, job, share)
    store.save_progress(job.id, job.attempt, {"progress": 0.3})
    after = Events(store, MemoryEventLog())
    after.engine_here = True
    later = report(after, job, 0.4)
    assert later.seq > SEQ_BLOCK > last.seq
    following = after.follow(job, last.seq, 0.05)
    first = next(following)
    following.close()
    assert first is not None and first.snapshot
    assert (first.seq, first.state["progress"]) == (later.seq, 0.4)


def test_a_log_that_forgot_answers_with_a_snapshot(
    store: Store, events: Events
) -> None:
    job = begin(store, events)
    for step in range(EVENTS_PER_JOB + 50):
        report(events, job, step / 1000)
    following = events.follow(job, 5, 0.05)
    first = next(following)
    following.close()
    assert first is not None and first.snapshot and first.seq > EVENTS_PER_JOB


def test_a_slow_watcher_gets_every_milestone_and_only_the_newest_progress(
    store: Store, events: Events
) -> None:
    job = begin(store, events)
    following = events.follow(job, 0, 0.05)
    assert next(following) is not None
    for step in range(100):
        report(events, job, step / 100)
        if step == 50:
            warning = events.make(job.id, EventType.WARNING, job.state())
            events.tell(warning, "anna", stored=False)
    seen = []
    while (event := next(following)) is not None:
        seen.append(event)
    following.close()
    assert [e.type for e in seen] == [EventType.WARNING, EventType.PROGRESS]
    assert seen[-1].skipped == 99 and seen[-1].state["progress"] == 0.99


def test_two_processes_never_give_one_number_twice(store: Store) -> None:
    here, there = (Events(store, MemoryEventLog()) for _ in range(2))
    job = replace(begin(store, here))
    numbers = [side.number(job.id) for side in (here, there) * (SEQ_BLOCK + 5)]
    assert len(numbers) == len(set(numbers))


def test_an_expired_lease_is_taken_over_and_the_late_holder_changes_nothing(
    start: Start,
) -> None:
    engine = start(job_executor="inline", max_concurrent_jobs="1")
    registry = engine.registry
    until(lambda: engine.ready)
    job = registry.submit("count", {"n": 10**6, "pause_s": 0.01}, owner="anna").job
    running = until(lambda: [j for j in registry.store.running() if j.id == job.id])[0]
    # Another process believes the lease has run out, and gives the job to itself.
    again = registry.events.make(job.id, EventType.RETRIED, job.state())
    assert registry.store.give_back(job.id, running.attempt, again, counted=True)
    rival = registry.store.claim("rival", quick=False)
    assert rival is not None and rival.id == job.id
    final = registry.events.make(job.id, EventType.COMPLETED, rival.state())
    finish(registry.store, rival, final)
    until(lambda: job.id not in engine._turns)  # ours noticed at its next beat
    assert registry.get("anna", job.id).status is Status.COMPLETED
    assert [e.type for e in watch(registry, job)][-1] is EventType.COMPLETED

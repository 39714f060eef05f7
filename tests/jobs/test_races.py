"""What happens at the same time: callers, slots, workers, servers and a busy database.

A store that fails is a real one whose method is made to fail for a moment.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_api import errors
from flask_api.jobs.engine import Engine
from flask_api.jobs.event_log.base import Mailbox
from flask_api.jobs.event_log.memory import MemoryEventLog
from flask_api.jobs.events import Events
from flask_api.jobs.job import MOST_WARNINGS, Event, EventType, Job, Status, new_id
from flask_api.jobs.registry import Registry
from flask_api.jobs.worker import _outgrown
from flask_api.store.base import SEQ_BLOCK, Store, StoreBusy
from flask_api.store.sql import SqlStore
from tests.jobs.conftest import Start, run, until, watch

SLOW = {"n": 10**6, "pause_s": 0.01}


@pytest.fixture
def inline(start: Start) -> Engine:
    engine = start(job_executor="inline", max_concurrent_jobs="1")
    until(lambda: engine.ready)
    return engine


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = SqlStore(f"sqlite:///{tmp_path / 'j.sqlite'}")
    yield made
    made.close()


def running(registry: Registry, **params: Any) -> Job:
    """A job that runs until it is stopped."""
    job = registry.submit("count", {**SLOW, **params}, owner="anna").job
    until(lambda: registry.get("anna", job.id).status is Status.RUNNING)
    return job


def fails(times: int, method: Callable[..., Any]) -> Callable[..., Any]:
    """The method, whose first calls find the database locked."""
    left = [times]

    def call(*given: Any, **named: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise StoreBusy("The database did not answer: locked.")
        return method(*given, **named)

    return call


# -- numbers and followers --------------------------------------------------------


def test_a_milestone_is_told_before_later_numbers(inline: Engine) -> None:
    registry = inline.registry
    ask, told = registry.store.request_cancel, registry.events.tell
    order: list[int] = []

    def slowly(*given: Any) -> Any:
        time.sleep(0.1)  # the running job reports a hundred times a second
        return ask(*given)

    def note(event: Event, owner: str, **named: Any) -> None:
        order.append(event.seq)
        told(event, owner, **named)

    job = running(registry)
    registry.store.request_cancel = slowly  # type: ignore[assignment,method-assign]
    registry.events.tell = note  # type: ignore[method-assign]
    following = registry.follow("anna", job.id, 0)
    next(following)
    registry.cancel("anna", job.id, by="anna")
    seen = [e.type for e in following if e is not None]
    assert order == sorted(order)
    assert EventType.CANCEL_REQUESTED in seen and seen[-1] is EventType.CANCELLED


def test_numbers_rise_when_another_process_takes_over(store: Store) -> None:
    first, second = (Events(store, MemoryEventLog()) for _ in range(2))
    first.engine_here = True  # runs the engine while `second` takes the request
    job = Job(id=new_id(), owner="anna", kind="test.sum", seq_floor=SEQ_BLOCK)
    created = second.begin(job)
    store.add(job, created, None, replay=False)
    second.tell(created, "anna")
    numbers = [1, *(first.number(job.id) for _ in range(3))]
    numbers.append(second.number(job.id))  # a cancel that `second` was asked for
    row = store.get("anna", job.id)
    assert row is not None
    first.heed(row)  # the beat of the one who runs it
    numbers.append(first.number(job.id))
    second.engine_here = True  # ... stops, and the other one goes on
    numbers += [second.number(job.id) for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_requests_that_make_no_job_leave_nothing_in_memory(inline: Engine) -> None:
    registry = inline.registry
    job = running(registry)
    for _ in range(5):
        assert registry.submit("count", SLOW, owner="anna").replayed
    done = registry.submit("count", {"n": 1}, owner="anna").job
    registry.cancel("anna", job.id, by="anna")
    registry.wait("anna", done.id, 60)
    for _ in range(3):
        with pytest.raises(errors.Conflict):
            registry.cancel("anna", done.id, by="anna")
    until(lambda: not inline._turns)
    assert registry.events._voices == {}
    row = registry.get("anna", done.id)
    assert row.seq_floor == SEQ_BLOCK  # and reserved no numbers


def test_a_stuck_watcher_of_the_list_costs_two_events_per_job() -> None:
    box = Mailbox(newest_only=True)
    for seq in range(1, 1000):
        kind = EventType.WARNING if seq % 2 else EventType.PROGRESS
        box.put(Event("job", seq, kind, 0.0))
    assert [e.seq for e in (box.get(0), box.get(0)) if e] == [998, 999]
    assert box.get(0) is None


# -- client-driven jobs -----------------------------------------------------------


def test_reports_that_come_together_are_all_merged(inline: Engine) -> None:
    registry = inline.registry
    made = registry.clients.start(
        owner="anna", client_id="c1", total_steps=40, parameters={}
    )

    def report(i: int) -> None:
        registry.clients.report(
            "anna", "c1", step=i, status="running", results={f"k{i}": i}
        )

    threads = [threading.Thread(target=report, args=(i,)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    latest = registry.get("anna", made.job.id).latest_results
    assert latest is not None and latest.count(b'"k') == 40


def test_a_silent_client_gets_its_time_again_after_a_restart(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(job_executor="inline", client_job_idle_s="60")
    until(lambda: first.ready)
    first.registry.clients.start(
        owner="anna", client_id="c1", total_steps=4, parameters={}
    )
    first.stop()
    now = SqlStore._now
    monkeypatch.setattr(SqlStore, "_now", lambda *of: now(*of) + 61)
    second = start(job_executor="inline", client_job_idle_s="60")
    until(lambda: second.ready)
    second._tidy_clients()
    assert second.registry.get("anna", "c1").status is Status.RUNNING
    second._clients_judged_at = 0.0
    second._tidy_clients()
    assert second.registry.get("anna", "c1").status is Status.FAILED
    second._clocks_apart -= 3600  # as after an hour of sleep
    second._tidy_clients()
    assert second._clients_judged_at > time.monotonic()


# -- a busy database --------------------------------------------------------------


def test_an_engine_that_finds_the_database_locked_begins_later(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlStore, "running", fails(1, SqlStore.running))
    registry = start(job_executor="inline").registry
    assert run(registry, "sample.count", n=1).status is Status.COMPLETED


def test_a_running_job_survives_a_locked_database(inline: Engine) -> None:
    registry, store = inline.registry, inline.registry.store
    store.renew = fails(1, store.renew)  # type: ignore[method-assign]
    store.add_event = fails(1, store.add_event)  # type: ignore[method-assign]
    store.finish = fails(1, store.finish)  # type: ignore[method-assign]
    job = run(registry, "sample.trouble", kind="nan")
    assert (job.status, job.attempts) == (Status.COMPLETED, 1)
    assert job.warnings == ("a number is missing",)


def test_a_full_queue_still_answers_a_request_it_knows(start: Start) -> None:
    registry = start(
        job_executor="inline", max_concurrent_jobs="1", max_queued_jobs="1"
    ).registry
    running(registry)
    key = ("/x", "k")
    first = registry.submit("count", {"n": 1}, owner="anna", idempotency=key)
    again = registry.submit("count", {"n": 1}, owner="anna", idempotency=key)
    assert again.replayed and again.job.id == first.job.id
    with pytest.raises(errors.QueueFull):
        registry.submit("count", {"n": 2}, owner="anna")


# -- stopping ---------------------------------------------------------------------


def test_a_cancelled_job_is_not_given_back_by_a_stop(start: Start) -> None:
    engine = start()
    registry = engine.registry
    stubborn = {"kind": "stubborn"}
    job = registry.submit("sample.trouble", stubborn, owner="anna").job
    for event in registry.follow("anna", job.id, 0):
        if event is not None and event.state["message"] == "about to make trouble":
            break
    registry.cancel("anna", job.id, by="anna")
    engine.stop()
    assert registry.get("anna", job.id).status is Status.CANCELLED


def test_a_stop_before_the_lock_is_free_leaves_it_free(start: Start) -> None:
    first = start(job_executor="inline")
    until(lambda: first.ready)
    second = start(job_executor="inline")
    stops = [threading.Thread(target=second.stop) for _ in range(4)]
    for thread in [*stops, threading.Thread(target=first.stop)]:
        thread.start()
    third = start(job_executor="inline")
    until(lambda: third.ready)
    assert not second.ready and second._lock_handle is None


# -- workers ----------------------------------------------------------------------


def test_a_worker_that_died_while_it_waited_costs_the_next_job_nothing(
    start: Start,
) -> None:
    engine = start(max_concurrent_jobs="1")
    until(lambda: engine.ready and engine.workers_active == 3)
    for worker in engine._executor._workers:  # type: ignore[attr-defined]
        if worker.alive:
            os.kill(worker.pid, signal.SIGKILL)
    until(lambda: engine.workers_active == 0)
    job = run(engine.registry, "sample.count", n=1)
    assert (job.status, job.attempts, job.deaths) == (Status.COMPLETED, 1, 0)


def test_a_report_that_is_no_number_ends_the_worker_at_once(start: Start) -> None:
    job = run(start().registry, "sample.trouble", kind="nonsense", times=9)
    assert job.error is not None and job.error["code"] == "WORKER_DIED"
    assert "broken frame" in job.error["message"]


def test_a_very_long_message_is_cut_and_keeps_its_code(start: Start) -> None:
    job = run(start().registry, "sample.trouble", kind="verbose", times=9)
    assert job.error is not None and job.error["code"] == "INVALID_INPUT"
    assert job.error["details"][0]["field"] == "n" and job.attempts == 1
    assert len(job.error["message"]) == 4000


def test_only_so_many_warnings_are_kept(inline: Engine) -> None:
    job = run(inline.registry, "sample.trouble", kind="nagging", times=9)
    assert job.status is Status.COMPLETED
    assert len(job.warnings) == MOST_WARNINGS and "left out" in job.warnings[-1]


def test_a_result_that_comes_after_a_cancel_leaves_no_file(
    start: Start, tmp_path: Path
) -> None:
    engine = start(job_executor="inline")
    registry = engine.registry
    marks = tmp_path / "marks"
    late = {"kind": "late", "times": 0, "marks": str(marks)}
    job = registry.submit("sample.trouble", late, owner="anna").job
    for event in registry.follow("anna", job.id, 0):
        if event is not None and event.state["message"] == "about to make trouble":
            break
    registry.cancel("anna", job.id, by="anna")
    marks.write_text("done")
    assert watch(registry, job)[-1].type is EventType.CANCELLED
    until(lambda: not engine._turns)
    time.sleep(0.05)
    assert list(registry.results_folder.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_leaves_when_it_keeps_half_of_what_a_job_may_take() -> None:
    assert _outgrown(1)
    assert not _outgrown(10**6)
    assert not _outgrown(0)  # no limit

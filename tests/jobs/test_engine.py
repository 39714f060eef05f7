"""A job's way through the engine, on every pair of store and executor."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from flask_api import errors
from flask_api.jobs import engine
from flask_api.jobs.job import EventType, Job, Status
from flask_api.jobs.registry import Registry
from flask_api.store.base import LEASE_S
from tests.jobs.conftest import Start, run, until, watch
from tests.patience import in_time


def test_a_job_runs_to_its_result(registry: Registry) -> None:
    job = run(registry, "sample.count", n=10, seed=1)
    assert job.status is Status.COMPLETED
    assert job.progress == 1.0
    result = registry.result("anna", job.id)
    assert result.data is not None
    document = orjson.loads(result.data)
    assert document["total"] == sum(range(10)) + 10
    provenance = document["metadata"]["provenance"]
    assert provenance["seed"] == 1
    assert provenance["result_sha256"] == result.sha256
    assert provenance["request_sha256"] == job.request_sha256


def test_the_same_request_and_seed_give_the_same_content(registry: Registry) -> None:
    first = run(registry, "sample.count", n=5, seed=3)
    again = registry.wait("anna", registry.rerun("anna", first.id).id, 60)
    assert again.rerun_of == first.id
    assert again.result_sha256 == first.result_sha256
    assert run(registry, "sample.count", n=5, seed=4).result_sha256 != (
        first.result_sha256
    )


def test_a_second_attempt_and_a_rerun_draw_the_seed_of_the_first(
    start: Start, tmp_path: Path
) -> None:
    registry = start().registry

    def seed(job: Job) -> int:
        data = registry.result("anna", job.id).data
        assert data is not None
        return int(orjson.loads(data)["seed"])

    marks = str(tmp_path / "marks")
    first = run(registry, "sample.trouble", kind="die", times=1, marks=marks)
    assert first.attempts == 2
    again = registry.wait("anna", registry.rerun("anna", first.id).id, 60)
    third = registry.wait("anna", registry.rerun("anna", again.id).id, 60)
    assert seed(first) == seed(again) == seed(third)
    other = run(registry, "sample.trouble", kind="none")
    assert seed(other) != seed(first)
    assert seed(other) < 2**53  # a browser reads it back without rounding


def test_a_watcher_sees_every_milestone_in_order(registry: Registry) -> None:
    job = registry.submit("count", {"n": 12, "pause_s": 0.1}, owner="anna").job
    events = watch(registry, job)
    skipped = sum(e.skipped for e in events)  # where this machine was too slow for all
    milestones = [e.type for e in events if e.type.milestone]
    assert milestones == [EventType.CREATED, EventType.STARTED, EventType.COMPLETED]
    numbers = [e.seq for e in events]
    assert numbers == sorted(set(numbers))
    shares = [e.state["progress"] for e in events if e.type is EventType.PROGRESS]
    assert shares[0] == 0.0 and shares[-1] == 1.0 and shares == sorted(shares)
    assert len(shares) + skipped >= 5
    partial = [e.state["latest_results"] for e in events if e.state["latest_results"]]
    assert len(set(partial)) + skipped >= 3


def test_a_late_watcher_first_gets_the_present_state(registry: Registry) -> None:
    job = registry.submit("count", {"n": 10**6, "pause_s": 0.01}, owner="anna").job
    until(
        lambda: any(e.state["progress"] > 0 for e in registry.past("anna", job.id)[1])
    )
    following = registry.follow("anna", job.id, None)
    first = next(following)
    assert first is not None and first.snapshot and first.state["progress"] > 0
    registry.cancel("anna", job.id, by="anna")
    assert [e.type for e in following if e is not None][-1] is EventType.CANCELLED
    assert [e.type for e in watch(registry, job, after=None)] == [EventType.CANCELLED]


def test_a_watcher_resumes_without_a_gap(registry: Registry) -> None:
    job = registry.submit("count", {"n": 20, "pause_s": 0.05}, owner="anna").job
    following = registry.follow("anna", job.id, 0)
    seen = [e.seq for e in itertools.islice(following, 4) if e]
    following.close()
    events = watch(registry, job, after=seen[-1])
    rest = [e.seq for e in events]
    assert rest[0] == seen[-1] + 1 + events[0].skipped
    assert rest == sorted(set(rest))


def test_an_unknown_event_number_is_answered_by_a_snapshot(registry: Registry) -> None:
    job = registry.submit("count", {"n": 20, "pause_s": 0.05}, owner="anna").job
    events = watch(registry, job, after=10**6)
    assert events[0].snapshot
    assert events[-1].type is EventType.COMPLETED


def test_a_running_job_is_cancelled_within_its_grace(registry: Registry) -> None:
    in_time(lambda: cancelled(registry), 2.0)


def cancelled(registry: Registry) -> float:
    """Seconds that a cancel takes."""
    job = registry.submit("count", {"n": 10**6, "pause_s": 0.01}, owner="anna").job
    until(lambda: registry.get("anna", job.id).status is Status.RUNNING)
    asked = time.monotonic()
    registry.cancel("anna", job.id, by="anna")
    events = watch(registry, job)
    took = time.monotonic() - asked
    assert [e.type for e in events][-1] is EventType.CANCELLED
    assert EventType.CANCEL_REQUESTED in [e.type for e in events]
    assert registry.cancel("anna", job.id, by="anna").status is Status.CANCELLED
    with pytest.raises(errors.JobCancelled):
        registry.result("anna", job.id)
    return took


def test_a_waiting_job_is_cancelled_at_once(start: Start) -> None:
    registry = start(job_executor="inline", max_concurrent_jobs="1").registry
    slow = {"n": 10**6, "pause_s": 0.05}
    first = registry.submit("count", slow, owner="anna").job
    until(lambda: registry.get("anna", first.id).status is Status.RUNNING)
    second = registry.submit("count", {"n": 1}, owner="anna").job
    assert registry.cancel("anna", second.id, by="anna").status is Status.CANCELLED
    assert watch(registry, second)[-1].type is EventType.CANCELLED
    registry.cancel("anna", first.id, by="anna")


def test_a_finished_job_cannot_be_cancelled(registry: Registry) -> None:
    job = run(registry, "sample.count", n=1)
    with pytest.raises(errors.Conflict, match="completed already"):
        registry.cancel("anna", job.id, by="anna")


def test_a_users_mistake_names_its_field(registry: Registry) -> None:
    job = run(registry, "sample.trouble", kind="input")
    assert job.status is Status.FAILED
    assert job.error is not None and job.error["code"] == "INVALID_INPUT"
    assert job.error["details"][0]["field"] == "n"
    with pytest.raises(errors.InvalidInput, match="must be even"):
        registry.result("anna", job.id)
    job = run(registry, "sample.trouble", kind="unsolvable")
    assert job.error is not None and job.error["code"] == "NO_SOLUTION"


def test_a_fault_of_ours_is_not_shown(registry: Registry) -> None:
    job = run(registry, "sample.trouble", kind="fault")
    assert job.error is not None and job.error["code"] == "INTERNAL_ERROR"
    assert "secret" not in str(job.error)
    assert run(registry, "sample.count", n=1).status is Status.COMPLETED


def test_a_job_past_its_time_limit_fails(registry: Registry) -> None:
    slow = {"n": 10**6, "pause_s": 0.01}
    job = registry.submit("count", slow, owner="anna", timeout_s=0.3).job
    job = registry.wait("anna", job.id, 60)
    assert job.error is not None and job.error["code"] == "JOB_TIMEOUT"
    with pytest.raises(errors.JobTimeout):
        registry.result("anna", job.id)


def test_warnings_stay_with_the_job(registry: Registry) -> None:
    job = run(registry, "sample.trouble", kind="nan")
    assert job.warnings == ("a number is missing",)
    assert EventType.WARNING in [e.type for e in watch(registry, job)]


def test_a_large_result_becomes_a_file(registry: Registry) -> None:
    job = run(registry, "sample.bulk", n=100_000)
    result = registry.result("anna", job.id)
    assert result.data is None and result.path is not None
    document = orjson.loads(result.path.read_bytes())
    assert document["values"][-1] == 99_999 and document["none"] is None
    assert result.size == result.path.stat().st_size
    assert job.latest_results is not None and len(job.latest_results) < 16_384
    registry.delete("anna", job.id)
    assert not result.path.exists()
    with pytest.raises(errors.JobNotFound):
        registry.get("anna", job.id)


def test_a_running_job_is_deleted_after_it_stopped(registry: Registry) -> None:
    job = registry.submit("count", {"n": 10**6, "pause_s": 0.01}, owner="anna").job
    until(lambda: registry.get("anna", job.id).status is Status.RUNNING)
    registry.delete("anna", job.id)
    with pytest.raises(errors.JobNotFound):
        registry.get("anna", job.id)


def test_a_quick_job_does_not_wait_behind_long_ones(start: Start) -> None:
    registry = start(job_executor="inline", max_concurrent_jobs="1").registry
    slow = [
        registry.submit("count", {"n": 9999, "pause_s": 0.05, "seed": i}, owner="a").job
        for i in range(3)
    ]
    quick = registry.submit("sample.quick", {"n": 1}, owner="a").job
    assert registry.wait("a", quick.id, 60).status is Status.COMPLETED
    assert [j.id for j in registry.list("a")[0]] == [j.id for j in reversed(slow)]
    for job in slow:
        registry.cancel("a", job.id, by="a")


def test_refusals_say_what_would_be_right(registry: Registry) -> None:
    with pytest.raises(errors.ValidationError, match=r"there are .*sample\.count"):
        registry.submit("sample.unknown", {}, owner="anna")
    with pytest.raises(errors.NotAvailable, match="not offered"):
        registry.submit("sample.later", {}, owner="anna")
    wrong: tuple[object, ...] = (
        {"n": 0},
        {"n": "7"},
        {"n": True},
        {"n": 10**30},
        {"m": 1},
        [],
        None,
    )
    for bad in wrong:
        with pytest.raises(errors.ValidationError) as caught:
            registry.submit("sample.count", bad, owner="anna")
        assert caught.value.details
    for client_id in ("", "a" * 10_000, "..", "a\nb", "stream", "ü"):
        with pytest.raises(errors.ValidationError, match="analysis_id"):
            registry.submit("sample.count", {}, owner="anna", client_id=client_id)


def test_a_full_queue_refuses_one_more(start: Start) -> None:
    registry = start(
        job_executor="inline", max_concurrent_jobs="1", max_queued_jobs="2"
    ).registry
    slow = {"n": 10**6, "pause_s": 0.05}
    made = [registry.submit("count", slow, owner="anna").job]
    until(lambda: registry.get("anna", made[0].id).status is Status.RUNNING)
    made += [registry.submit("count", {"n": i}, owner="anna").job for i in (1, 2)]
    with pytest.raises(errors.QueueFull, match="MAX_QUEUED_JOBS") as caught:
        registry.submit("count", {"n": 3}, owner="anna")
    assert caught.value.retry_after_s
    for job in made:
        registry.cancel("anna", job.id, by="anna")


def test_the_same_id_and_content_is_the_same_job(registry: Registry) -> None:
    first = registry.submit("count", {"n": 2}, owner="anna", client_id="mine")
    again = registry.submit("count", {"n": 2}, owner="anna", client_id="mine")
    assert again.replayed and again.job.id == first.job.id
    with pytest.raises(errors.Conflict, match="another request"):
        registry.submit("count", {"n": 3}, owner="anna", client_id="mine")
    key = ("/x", "k")
    first = registry.submit("count", {"n": 4}, owner="anna", idempotency=key)
    again = registry.submit("count", {"n": 4}, owner="anna", idempotency=key)
    assert again.replayed and again.job.id == first.job.id
    with pytest.raises(errors.Conflict, match="Idempotency-Key"):
        registry.submit("count", {"n": 5}, owner="anna", idempotency=key)


def test_another_name_makes_another_request(registry: Registry) -> None:
    def ask(**beside: Any) -> None:
        key = ("/x", "k")
        registry.submit("count", {"n": 4}, owner="anna", idempotency=key, **beside)

    ask()
    ask()
    for other in ({"name": "b"}, {"priority": 9}, {"timeout_s": 9.0}):
        with pytest.raises(errors.Conflict, match="Idempotency-Key"):
            ask(**other)


def test_what_a_client_reports_is_bounded(registry: Registry) -> None:
    def report(results: dict[str, str]) -> None:
        clients.report("anna", "c", step=1, status="running", results=results)

    clients = registry.clients
    clients.start(owner="anna", client_id="c", total_steps=9, parameters={})
    half = "x" * 600_000
    report({"a": half})
    report({"a": half})
    with pytest.raises(errors.TooLarge, match="results: all reports together"):
        report({"b": half})


def test_the_list_is_told_of_changes(registry: Registry) -> None:
    changes = registry.changes("anna", idle_s=0.05)
    assert next(changes) is None
    job = run(registry, "sample.count", n=2)
    seen = [c for c in itertools.islice(changes, 4) if c is not None]
    assert all(not isinstance(c, str) and c.id == job.id for c in seen)
    while (change := next(changes)) is not None:
        seen.append(change)
    last = seen[-1]
    assert not isinstance(last, str) and last.status is Status.COMPLETED
    registry.delete("anna", job.id)
    assert next(changes) == job.id
    changes.close()


# -- real processes ---------------------------------------------------------------


def worker_of(registry: Registry, job_id: str) -> int:
    """The process id of the worker that runs the job (the engine knows)."""
    engine = registry.on_cancel.__self__  # type: ignore[attr-defined]
    pid: int = engine._turns[job_id]._worker.pid
    return pid


def test_a_killed_worker_is_replaced_and_its_job_tried_again(start: Start) -> None:
    registry = start().registry
    job = registry.submit("count", {"n": 150, "pause_s": 0.02}, owner="anna").job
    following = registry.follow("anna", job.id, 0)
    while (event := next(following)) is None or not event.state["progress"]:
        pass
    os.kill(worker_of(registry, job.id), signal.SIGKILL)
    killed = time.monotonic()
    while event is None or event.type is not EventType.RETRIED:
        event = next(following)
    # Seen when it happens, not by the lease that nobody renews.
    assert time.monotonic() - killed < LEASE_S / 2
    assert "SIGKILL" in event.state["message"]
    rest = [e for e in following if e is not None]
    assert rest[-1].type is EventType.COMPLETED
    assert rest[-1].state["has_errors"]
    assert registry.get("anna", job.id).attempts == 2


def test_workers_are_warmed_in_the_background(start: Start) -> None:
    registry = start().registry
    job = run(registry, "sample.trouble", kind="cold", times=0)
    data = registry.result("anna", job.id).data
    assert data is not None and orjson.loads(data)["warmed"] is True


def test_a_job_that_kills_its_workers_fails(start: Start, tmp_path: Path) -> None:
    registry = start().registry
    job = run(registry, "sample.trouble", kind="die", times=9)
    assert job.error is not None and job.error["code"] == "WORKER_DIED"
    assert job.attempts == 2
    with pytest.raises(errors.WorkerDied):
        registry.result("anna", job.id)
    marks = str(tmp_path / "marks")
    job = run(registry, "sample.trouble", kind="leave", times=1, marks=marks)
    assert job.status is Status.COMPLETED and job.deaths == 1


def test_a_stubborn_job_is_killed_after_its_grace(start: Start) -> None:
    registry = start().registry
    in_time(lambda: killed_after_its_grace(registry), 1.5)


def killed_after_its_grace(registry: Registry) -> float:
    """Seconds that a cancel takes which the job does not hear."""
    job = registry.submit("sample.trouble", {"kind": "stubborn"}, owner="anna").job
    for event in registry.follow("anna", job.id, 0):
        if event is not None and event.state["message"] == "about to make trouble":
            break
    asked = time.monotonic()
    registry.cancel("anna", job.id, by="anna")
    assert watch(registry, job)[-1].type is EventType.CANCELLED
    took = time.monotonic() - asked
    assert took > 0.4
    assert run(registry, "sample.count", n=1).status is Status.COMPLETED
    return took


def test_a_hungry_job_is_stopped_by_its_memory_limit(start: Start) -> None:
    registry = start(job_memory_mb="400").registry
    job = run(registry, "sample.trouble", kind="hungry", times=9)
    assert job.error is not None and job.error["code"] == "MEMORY_LIMIT"
    assert job.attempts == 1
    assert run(registry, "sample.count", n=1).status is Status.COMPLETED


def test_a_stopping_server_gives_its_jobs_back(start: Start) -> None:
    engine = start()
    job = engine.registry.submit("count", {"n": 60, "pause_s": 0.03}, owner="anna").job
    until(lambda: engine.registry.get("anna", job.id).status is Status.RUNNING)
    engine.stop()
    row = engine.registry.get("anna", job.id)
    assert (row.status, row.attempts) == (Status.PENDING, 0)
    with pytest.raises(errors.ShuttingDown):
        engine.registry.submit("count", {"n": 1}, owner="anna")
    second = start()
    assert second.registry.wait("anna", job.id, 60).status is Status.COMPLETED
    types = [e.type for e in watch(second.registry, job)]
    assert EventType.INTERRUPTED in types
    numbers = [e.seq for e in watch(second.registry, job)]
    assert numbers == sorted(set(numbers))


def test_a_second_server_waits_for_the_first(start: Start) -> None:
    first = start()
    until(lambda: first.ready)
    second = start()
    time.sleep(0.3)  # long enough to take what is free
    assert not second.ready and "another server" in second.why_not_ready
    job = second.registry.submit("count", {"n": 2}, owner="anna").job
    assert second.registry.wait("anna", job.id, 60).status is Status.COMPLETED
    first.stop()
    until(lambda: second.ready)


def test_no_process_is_left_behind(start: Start) -> None:
    engine = start()
    until(lambda: engine.ready and engine.workers_active >= 3)
    run(engine.registry, "sample.count", n=1)
    pids = [w.pid for w in engine._executor._workers]  # type: ignore[attr-defined]
    engine.stop()
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists()


def test_files_beside_a_result_go_with_their_job(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = start()
    registry = started.registry
    job = run(registry, "sample.bulk", leave="draws.npy")
    file = registry.files(job) / "draws.npy"
    assert file.read_text() == "left"
    orphan = registry.files_folder / "gone"
    orphan.mkdir()
    monkeypatch.setattr(engine, "ORPHAN_S", -1.0)
    started._remove_orphans()
    assert file.exists() and not orphan.exists()
    registry.delete("anna", job.id)
    assert not file.parent.exists()

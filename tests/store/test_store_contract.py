"""Every promise of `flask_api.store.base.Store`, kept by every store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from flask_api.jobs.job import CLIENT, Event, EventType, Job, Status, new_id
from flask_api.store.base import SEQ_BLOCK, Added, Key, Store
from flask_api.store.memory import MemoryStore
from flask_api.store.sql import SqlStore
from flask_api.store.tables import metadata


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    else:
        made = SqlStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    yield made
    made.close()


def job(owner: str = "anna", **fields: object) -> Job:
    made = Job(id=new_id(), owner=owner, kind="test.sum", seq_floor=SEQ_BLOCK)
    return replace(made, **fields)  # type: ignore[arg-type]


def add(store: Store, made: Job, key: Key | None = None, replay: bool = False) -> Added:
    event = Event(made.id, 1, EventType.CREATED, 0.0, made.state())
    return store.add(made, event, key, replay=replay)


def put(store: Store, made: Job, key: Key | None = None, replay: bool = False) -> Job:
    return add(store, made, key, replay).job


def final(made: Job, kind: EventType = EventType.COMPLETED, seq: int = 9) -> Event:
    return Event(made.id, seq, kind, 1.0, {"status": kind.value})


DONE = {"status": Status.COMPLETED, "result": b'{"sum":3}', "progress": 1.0}


def test_a_job_comes_back_as_it_was_put(store: Store) -> None:
    made = job(
        params=b'{"a":1}',
        client_id="mine",
        warnings=("careful",),
        latest_results=b"[1]",
        error={"code": "X"},
        timeout_s=3.5,
    )
    put(store, made)
    back = store.get("anna", "mine")
    assert back is not None and back == store.get("anna", made.id)
    assert back == replace(made, created_at=back.created_at, queued_at=back.queued_at)
    assert abs(back.created_at - store.now()) < 5


def test_a_job_of_another_owner_does_not_exist(store: Store) -> None:
    made = put(store, job("anna", client_id="a1"))
    assert store.get("ben", made.id) is None
    assert store.get("ben", "a1") is None
    assert store.page("ben") == ([], 0)
    assert store.delete("ben", made.id) is None
    put(store, job("ben", client_id="a1"))  # the id is unique per owner only


def test_jobs_are_claimed_by_priority_then_age(store: Store) -> None:
    first = put(store, job())
    second = put(store, job())
    urgent = put(store, job(priority=9))
    order = [store.claim("h", quick=False) for _ in range(4)]
    assert [j.id if j else None for j in order] == [
        urgent.id,
        first.id,
        second.id,
        None,
    ]


def test_an_owner_with_many_jobs_does_not_keep_the_next_one_waiting(
    store: Store,
) -> None:
    for _ in range(5):
        put(store, job("anna"))
    ben = put(store, job("ben"))
    store.claim("h", quick=False)
    second = store.claim("h", quick=False)
    assert second is not None and second.id == ben.id


def test_the_reserved_slot_takes_quick_jobs_only(store: Store) -> None:
    put(store, job())
    assert store.claim("h", quick=True) is None
    quick = put(store, job(quick=True))
    claimed = store.claim("h", quick=True)
    assert claimed is not None and claimed.id == quick.id


def test_a_claimed_job_is_running_with_a_new_attempt(store: Store) -> None:
    put(store, job())
    claimed = store.claim("h", quick=False)
    assert claimed is not None
    assert (claimed.status, claimed.attempt) == (Status.RUNNING, 1)
    assert claimed.lease_until is not None and claimed.lease_until > store.now() + 10
    assert store.expired() == []
    assert store.counts()[Status.RUNNING] == 1


def test_a_writer_of_an_older_attempt_changes_nothing(store: Store) -> None:
    made = put(store, job())
    assert store.claim("h", quick=False)
    again = Event(made.id, 2, EventType.RETRIED, 0.0)
    assert store.give_back(made.id, 1, again, counted=True)
    assert store.claim("other", quick=False)
    assert not store.finish(made.id, 1, final(made), DONE)
    assert not store.save_progress(made.id, 1, {"progress": 0.5})
    assert store.renew(made.id, 1) is None
    assert not store.give_back(made.id, 1, final(made, seq=3), counted=True)
    assert store.finish(made.id, 2, final(made), DONE)
    assert not store.finish(made.id, 2, final(made, seq=10), DONE)
    assert [e.seq for e in store.events(made.id)] == [1, 2, 9]


def test_who_commits_first_wins_between_cancel_and_completion(store: Store) -> None:
    made = put(store, job())
    store.claim("h", quick=False)
    asked = store.request_cancel(made.id, "anna", "user", 5)
    assert asked and asked[1] and asked[1].type is EventType.CANCEL_REQUESTED
    assert not store.finish(made.id, 1, final(made), DONE)
    stopped = final(made, EventType.CANCELLED)
    assert store.finish(made.id, 1, stopped, {"status": Status.CANCELLED})
    late = store.request_cancel(made.id, "anna", "user", 11)
    assert late and late[1] is None and late[0].status is Status.CANCELLED

    other = put(store, job())
    store.claim("h", quick=False)
    assert store.finish(other.id, 1, final(other), DONE)
    late = store.request_cancel(other.id, "anna", "user", 12)
    assert late and late[1] is None and late[0].status is Status.COMPLETED


def test_a_pending_job_is_cancelled_at_once(store: Store) -> None:
    made = put(store, job())
    asked = store.request_cancel(made.id, "anna", "user", 2)
    assert asked and asked[1] and asked[1].type is EventType.CANCELLED
    assert store.claim("h", quick=False) is None
    assert [e.type for e in store.events(made.id, 1)] == [EventType.CANCELLED]


def test_a_job_given_back_waits_for_its_delay(store: Store) -> None:
    made = put(store, job())
    store.claim("h", quick=False)
    again = Event(made.id, 2, EventType.RETRIED, 0.0)
    store.give_back(made.id, 1, again, counted=False, died=True, delay_s=60)
    assert store.claim("h", quick=False) is None
    back = store.get("anna", made.id)
    assert back and (back.attempts, back.deaths, back.attempt) == (0, 1, 1)


def test_a_key_returns_its_first_job(store: Store) -> None:
    key = Key("/sensitivity/analyze", "k1")
    first = put(store, job(), key)
    again = add(store, job(), key, False)
    assert (again.how, again.job.id) == ("key", first.id)
    assert add(store, job("ben"), key, False).how == "new"


def test_an_identical_recent_body_returns_the_unfinished_first(store: Store) -> None:
    first = put(store, job(request_sha256="abc"), replay=True)
    twin = add(store, job(request_sha256="abc"), None, True)
    assert (twin.how, twin.job.id) == ("body", first.id)
    assert add(store, job(request_sha256="abd"), None, True).how == "new"
    store.request_cancel(first.id, "anna", "user", 2)
    assert add(store, job(request_sha256="abc"), None, True).how == "new"


def test_an_identical_body_about_newer_data_is_another_job(store: Store) -> None:
    put(store, job(request_sha256="abc", data_revision="1"), replay=True)
    newer = job(request_sha256="abc", data_revision="2")
    assert add(store, newer, None, True).how == "new"


def test_a_client_id_is_taken_once_per_owner(store: Store) -> None:
    first = put(store, job(client_id="mine"))
    again = add(store, job(client_id="mine"), None, False)
    assert (again.how, again.job.id) == ("client_id", first.id)


def test_pages_are_newest_first_and_without_bulk(store: Store) -> None:
    made = [put(store, job(params=b'{"n":1}')) for _ in range(5)]
    put(store, job(hidden=True))
    oldest, _ = store.page("anna", limit=1, oldest_first=True)
    assert [r.id for r in oldest] == [made[0].id]
    rows, total = store.page("anna", limit=2, offset=1)
    assert total == 5
    assert [r.id for r in rows] == [made[3].id, made[2].id]
    assert rows[0].params == b"{}"
    store.claim("h", quick=False)
    rows, total = store.page("anna", statuses=[Status.RUNNING])
    assert [r.id for r in rows] == [made[0].id]
    assert store.page("anna", kinds=["other"]) == ([], 0)


def test_a_cached_answer_belongs_to_its_request_and_data(store: Store) -> None:
    made = put(store, job(request_sha256="r", data_revision="d1"))
    found = store.cached("anna", "test.sum", "r", "d1")
    assert found is not None and found.id == made.id
    assert store.cached("anna", "test.sum", "r", "d2") is None
    assert store.cached("ben", "test.sum", "r", "d1") is None
    store.request_cancel(made.id, "anna", "user", 2)
    assert store.cached("anna", "test.sum", "r", "d1") is None


def test_event_numbers_are_reserved_before_they_are_used(store: Store) -> None:
    made = put(store, job())
    assert store.raise_seq(made.id) == SEQ_BLOCK
    assert store.raise_seq(made.id) == 2 * SEQ_BLOCK
    assert store.raise_seq(new_id()) is None


def test_events_come_back_in_order_with_their_state(store: Store) -> None:
    made = put(store, job())
    state = {"progress": 0.5, "latest_results": b'{"mean":1.5}'}
    store.add_event(Event(made.id, 7, EventType.WARNING, 2.0, state))
    store.add_event(Event(made.id, 3, EventType.STARTED, 1.0))
    store.add_event(Event(made.id, 3, EventType.WARNING, 1.0))  # taken: nothing
    store.add_event(Event(new_id(), 3, EventType.WARNING, 1.0))  # no job: nothing
    found = store.events(made.id, 1)
    assert [(e.seq, e.type) for e in found] == [
        (3, EventType.STARTED),
        (7, EventType.WARNING),
    ]
    assert found[1].state == state


def test_only_finished_jobs_are_deleted(store: Store) -> None:
    made = put(store, job())
    assert store.delete("anna", made.id) is None
    store.request_cancel(made.id, "anna", "user", 2)
    gone = store.delete("anna", made.id)
    assert gone is not None and gone.id == made.id
    assert store.get("anna", made.id) is None
    assert store.events(made.id) == []


def test_only_so_many_finished_jobs_are_kept_per_owner(store: Store) -> None:
    done = []
    for owner in ("anna", "ben"):
        for _ in range(4):
            made = put(store, job(owner))
            store.request_cancel(made.id, owner, "user", 2)
            done.append(made)
    waiting = put(store, job())
    gone = {j.id for j in store.prune(keep=3)}
    assert gone == {done[0].id, done[4].id}
    assert store.get("anna", waiting.id) is not None


def test_jobs_of_spared_kinds_are_neither_removed_nor_counted(store: Store) -> None:
    kept = [put(store, job(kind="market.lca")) for _ in range(3)]
    others = [put(store, job()) for _ in range(3)]
    for made in (*kept, *others):
        store.request_cancel(made.id, "anna", "user", 2)
    gone = {j.id for j in store.prune(2, ["market.lca"])}
    assert gone == {others[0].id}


def test_pages_are_ordered_by_name_or_end_with_those_that_lack_it_last(
    store: Store,
) -> None:
    made = [put(store, job(name=name)) for name in ("b", None, "a", "b")]
    store.request_cancel(made[2].id, "anna", "user", 2)
    first, bare, second, again = (one.id for one in made)
    ids = [j.id for j in store.page("anna", order="name", oldest_first=True)[0]]
    assert ids == [second, first, again, bare]
    ids = [j.id for j in store.page("anna", order="name")[0]]
    assert ids == [again, first, second, bare]
    assert store.page("anna", order="finished")[0][0].id == second
    assert store.page("anna", order="finished", oldest_first=True)[0][0].id == second


def test_a_silent_client_is_found(store: Store) -> None:
    made = put(store, job(kind=CLIENT, status=Status.RUNNING, attempt=1))
    assert store.idle_clients(60) == []
    assert [j.id for j in store.idle_clients(-60)] == [made.id]
    assert store.touch_client(made.id, 1)
    assert store.idle_clients(60) == []
    assert store.expired() == []
    assert store.counts()[Status.RUNNING] == 0


def test_result_files_are_known(store: Store) -> None:
    made = put(store, job())
    store.claim("h", quick=False)
    filed = {"status": Status.COMPLETED, "result_file": "r.json", "result_size": 5}
    assert store.finish(made.id, 1, final(made), filed)
    assert store.result_files() == {"r.json"}
    back = store.get("anna", made.id)
    assert back and back.result_size == 5 and back.finished_at is not None


def test_jobs_that_are_there_are_told_from_those_that_are_gone(store: Store) -> None:
    made = [put(store, job()) for _ in range(3)]
    store.request_cancel(made[0].id, "anna", "user", 2)
    assert store.delete("anna", made[0].id)
    asked = {one.id for one in made} | {f"no-{n}" for n in range(1200)}
    assert store.living(asked) == {made[1].id, made[2].id}
    assert store.living(()) == set()


def test_a_job_that_was_asked_to_stop_is_not_given_back(store: Store) -> None:
    made = put(store, job())
    store.claim("h", quick=False)
    store.request_cancel(made.id, "anna", "user", 2)
    again = Event(made.id, 3, EventType.RETRIED, 0.0)
    assert not store.give_back(made.id, 1, again, counted=True)
    assert [e.seq for e in store.events(made.id)] == [1, 2]


def test_a_full_queue_takes_no_new_job_but_knows_the_old_ones(store: Store) -> None:
    key = Key("/x", "k")
    first = put(store, job(), key)
    event = Event(new_id(), 1, EventType.CREATED, 0.0)
    assert store.add(job(), event, None, replay=False, room=1).how == "full"
    again = store.add(job(), event, key, replay=False, room=1)
    assert (again.how, again.job.id) == ("key", first.id)
    assert store.page("anna")[1] == 1


def test_a_job_given_back_at_once_waits_for_no_clock(store: Store) -> None:
    made = put(store, job())
    store.claim("h", quick=False)
    again = Event(made.id, 2, EventType.RETRIED, 0.0)
    store.give_back(made.id, 1, again, counted=True)
    back = store.get("anna", made.id)
    assert back is not None and back.not_before == 0.0
    # Given back with a delay, then the clock was set back by an hour.
    later = put(store, job(not_before=store.now() + 3600))
    claimed = [store.claim("h", quick=False) for _ in range(2)]
    assert {c.id for c in claimed if c} == {made.id, later.id}


def test_a_claim_reads_the_index_and_not_the_rows(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    with store._read() as connection:
        query = store._next(0.0, quick=False).compile(
            store._engine, compile_kwargs={"literal_binds": True}
        )
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
    store.close()
    steps = [row[-1] for row in plan]
    assert any("COVERING INDEX jobs_claim (status=?)" in step for step in steps), steps
    assert not any(step.startswith("SCAN jobs") for step in steps), steps


def test_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    store.close()

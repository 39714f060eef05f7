"""The life of jobs as a state machine, on every store, with several rival holders.

Rivals keep the attempt number they claimed with for ever, as a suspended process
would; the store must let exactly one of them end a job, once.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from flask_api.jobs.job import Event, EventType, Job, Status, new_id
from flask_api.store.base import SEQ_BLOCK, Store
from flask_api.store.memory import MemoryStore
from flask_api.store.sql import SqlStore

OWNERS = ("anna", "ben")


@dataclass
class Expected:
    """What must be true of one job."""

    status: Status = Status.PENDING
    attempt: int = 0
    priority: int = 5
    asked: bool = False
    finals: int = 0
    seqs: list[int] = field(default_factory=lambda: [1])


class LifeCycle(RuleBasedStateMachine):
    """Random lives; the store is compared with a model after every step."""

    jobs = Bundle("jobs")
    claims = Bundle("claims")

    def make_store(self) -> Store:
        return MemoryStore()

    def __init__(self) -> None:
        super().__init__()
        self.store = self.make_store()
        self.model: dict[str, Expected] = {}
        self.owner: dict[str, str] = {}
        self.seq = 1

    def teardown(self) -> None:
        self.store.close()

    def event(self, job_id: str, kind: EventType) -> Event:
        self.seq += 1
        return Event(job_id, self.seq, kind, 0.0)

    @rule(target=jobs, owner=st.sampled_from(OWNERS), priority=st.integers(0, 9))
    def submit(self, owner: str, priority: int) -> str:
        job = Job(
            id=new_id(),
            owner=owner,
            kind="test.sum",
            priority=priority,
            seq_floor=SEQ_BLOCK,
        )
        created = Event(job.id, 1, EventType.CREATED, 0.0)
        assert self.store.add(job, created, None, replay=False).how == "new"
        self.model[job.id] = Expected(priority=priority)
        self.owner[job.id] = owner
        return job.id

    @rule(target=claims, holder=st.sampled_from(["a", "b"]))
    def claim(self, holder: str) -> object:
        waiting = {
            job_id: expected
            for job_id, expected in self.model.items()
            if expected.status is Status.PENDING
        }
        job = self.store.claim(holder, quick=False)
        if not waiting:
            assert job is None
            return multiple()
        assert job is not None and job.id in waiting
        assert waiting[job.id].priority == max(e.priority for e in waiting.values())
        expected = self.model[job.id]
        expected.status, expected.attempt = Status.RUNNING, expected.attempt + 1
        assert (job.attempt, job.holder) == (expected.attempt, holder)
        return (job.id, job.attempt)

    def holds(self, claim: tuple[str, int]) -> bool:
        expected = self.model.get(claim[0])
        return (
            expected is not None
            and expected.status is Status.RUNNING
            and expected.attempt == claim[1]
        )

    @rule(claim=claims, how=st.sampled_from(["completed", "failed", "cancelled"]))
    def finish(self, claim: tuple[str, int], how: str) -> None:
        status = Status(how)
        final = self.event(claim[0], EventType(how))
        allowed = self.holds(claim)
        if allowed and status is Status.COMPLETED and self.model[claim[0]].asked:
            allowed = False
        done = self.store.finish(claim[0], claim[1], final, {"status": status})
        assert done is allowed
        if done:
            expected = self.model[claim[0]]
            expected.status, expected.finals = status, expected.finals + 1
            expected.seqs.append(final.seq)

    @rule(claim=claims, counted=st.booleans())
    def give_back(self, claim: tuple[str, int], counted: bool) -> None:
        event = self.event(claim[0], EventType.RETRIED)
        done = self.store.give_back(claim[0], claim[1], event, counted=counted)
        asked = claim[0] in self.model and self.model[claim[0]].asked
        assert done is (self.holds(claim) and not asked)
        if done:
            self.model[claim[0]].status = Status.PENDING
            self.model[claim[0]].seqs.append(event.seq)

    @rule(claim=claims, progress=st.floats(0, 1))
    def report(self, claim: tuple[str, int], progress: float) -> None:
        kept = self.store.save_progress(claim[0], claim[1], {"progress": progress})
        assert kept is self.holds(claim)
        renewed = self.store.renew(claim[0], claim[1])
        assert (renewed is not None) is self.holds(claim)
        if renewed is not None:
            assert renewed.progress == progress
            assert (renewed.cancel_requested_at is not None) is (
                self.model[claim[0]].asked
            )

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        self.seq += 1
        asked = self.store.request_cancel(job_id, "anna", "user", self.seq)
        expected = self.model.get(job_id)
        if expected is None:
            assert asked is None
            return
        assert asked is not None
        if expected.status.terminal or expected.asked:
            assert asked[1] is None
            return
        assert asked[1] is not None
        expected.asked = True
        expected.seqs.append(self.seq)
        if expected.status is Status.PENDING:
            expected.status, expected.finals = Status.CANCELLED, expected.finals + 1

    @rule(job_id=jobs)
    def delete(self, job_id: str) -> None:
        expected = self.model.get(job_id)
        owner = self.owner[job_id]
        other = OWNERS[owner == OWNERS[0]]
        assert self.store.delete(other, job_id) is None
        gone = self.store.delete(owner, job_id)
        assert (gone is not None) is (expected is not None and expected.status.terminal)
        if gone is not None:
            del self.model[job_id]

    @invariant()
    def rows_are_as_expected(self) -> None:
        counts = self.store.counts()
        for status in Status:
            assert counts[status] == sum(
                e.status is status for e in self.model.values()
            )
        for job_id, expected in self.model.items():
            row = self.store.get(self.owner[job_id], job_id)
            assert row is not None
            assert (row.status, row.attempt) == (expected.status, expected.attempt)
            assert (row.finished_at is not None) is expected.status.terminal
            events = self.store.events(job_id)
            assert [e.seq for e in events] == expected.seqs
            assert sum(e.type.final for e in events) == expected.finals <= 1


class InMemory(LifeCycle):
    def make_store(self) -> Store:
        return MemoryStore()


class InSqlite(LifeCycle):
    def make_store(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return SqlStore(f"sqlite:///{Path(self.folder.name) / 'jobs.sqlite'}")

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


@pytest.mark.parametrize(
    ("machine", "examples"), [(InMemory, 100), (InSqlite, 15)], ids=["memory", "sqlite"]
)
def test_every_life_is_as_the_store_promises(
    machine: type[LifeCycle], examples: int
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

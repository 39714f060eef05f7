"""A disk without room: told once, no work is taken, and it goes on by itself."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flask_api.errors import DiskFull
from flask_api.jobs import faults, room, turn
from flask_api.jobs.faults import Faults
from flask_api.jobs.job import Status
from flask_api.jobs.room import Room
from tests.jobs.conftest import Start, until


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process may grow beyond a kilobyte, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def lines(caplog: pytest.LogCaptureFixture, text: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if text in record.getMessage()]


def test_room_is_missed_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_TRUSTED_S", 0.0)
    looked = Room(tmp_path)
    assert looked.problem() == ""
    with no_room():
        assert "make room" in looked.problem()
    assert looked.problem() == ""
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_full_is_no_place_for_work_until_it_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Room(tmp_path)
    looked.store_failed("The jobs cannot be kept")
    assert "cannot be kept" in looked.problem()
    looked.store_works()
    assert looked.problem() == ""
    looked.store_failed("The jobs cannot be kept")
    monkeypatch.setattr(room, "_STORE_S", 0.0)  # nobody has tried since
    assert looked.problem() == ""


def test_an_engine_without_room_takes_no_work(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_TRUSTED_S", 0.0)
    engine = start(job_executor="inline", database_url="memory:")
    until(lambda: engine.ready)
    with no_room():
        assert "cannot be written" in engine.why_not_ready
    assert engine.ready


def test_slots_on_a_full_disk_say_so_once_and_go_on_when_there_is_room(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(faults, "LONGEST_S", 0.05)
    engine = start(job_executor="inline", max_concurrent_jobs="2")
    until(lambda: engine.ready)
    store = engine.registry.store
    tries: list[str] = []

    def full(holder: str, *, quick: bool) -> Any:
        tries.append(holder)
        raise DiskFull("The jobs cannot be kept: database or disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(store, "claim", full)
        engine.registry.queue.wake()
        until(lambda: len(tries) > 20)
        assert "disk is full" in engine.why_not_ready
    (told,) = lines(caplog, "disk is full")
    assert told.exc_info is None  # a line, no traceback
    job = engine.registry.submit("count", {"n": 2}, owner="anna").job
    assert engine.registry.wait("anna", job.id, 60).status is Status.COMPLETED
    until(lambda: engine.ready)
    until(lambda: lines(caplog, "works again"))


def test_a_running_job_says_once_that_its_lease_is_not_renewed_and_once_that_it_is(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(turn, "BEAT_S", 0.01)
    registry = start(job_executor="inline", max_concurrent_jobs="1").registry
    beats: list[object] = []
    beat = turn.Turn._beat

    def counted(running: turn.Turn) -> None:
        beat(running)
        beats.append(running)

    monkeypatch.setattr(turn.Turn, "_beat", counted)
    params = {"n": 100_000, "pause_s": 0.01}
    job = registry.submit("count", params, owner="anna").job
    until(lambda: beats)
    for times in (1, 2):  # it is mended, and comes back
        with no_room():
            before = len(beats)
            until(lambda start=before: len(beats) >= start + 10)  # type: ignore[misc]
        until(lambda n=times: len(lines(caplog, "misses")) == n)  # type: ignore[misc]
        told = lines(caplog, "its lease is not renewed")
        assert len(told) == times and told[0].exc_info is None
        assert "disk" in told[0].getMessage()
    registry.cancel("anna", job.id, by="anna")
    assert registry.wait("anna", job.id, 60).status is Status.CANCELLED


def test_a_fault_that_stays_is_told_once_with_its_traceback_and_tried_ever_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Faults()
    error = RuntimeError("broken")
    pauses = [kept.tell("slot 1", error) for _ in range(6)]
    assert pauses == [1, 2, 4, 8, 8, 8]
    assert kept.tell("slot 2", error) == 1  # another part waits for itself
    (told,) = lines(caplog, "broken")
    assert told.exc_info is not None
    kept.over("slot 1")
    assert kept.any and not lines(caplog, "works again")
    kept.over("slot 2")
    assert not kept.any and lines(caplog, "works again")
    kept.tell("slot 1", error)
    assert len(lines(caplog, "broken")) == 2  # it was mended, and came back
    monkeypatch.setattr(faults, "AGAIN_S", 0.01)
    time.sleep(0.02)
    kept.tell("slot 1", error)
    assert len(lines(caplog, "broken")) == 3  # a reminder

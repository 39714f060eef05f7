"""One job in the words of each seed, and which pages may watch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from flask_api.jobs.job import CLIENT, Event, EventType, Job, Status
from flask_api.jobs.registry import Result
from flask_api.push import dialects
from flask_api.push.origins import origin_allowed

JOB = Job("0190", "anna", "demo.count", client_id="mine", created_at=0.0)


def said(kind: EventType, **state: Any) -> Event:
    return Event(JOB.id, 7, kind, 1.5, {**JOB.state(), **state})


def plain(data: Any) -> Any:
    return orjson.loads(orjson.dumps(data))


def test_times_are_iso_8601_in_utc() -> None:
    assert dialects.iso(0.0) == "1970-01-01T00:00:00.000Z"
    assert dialects.iso(1732164619.25) == "2024-11-21T04:50:19.250Z"
    assert dialects.iso(None) is None


@pytest.mark.parametrize("n", [1, 3, 5, 7, 100, 1000])
def test_step_is_the_floor_of_progress_times_total_steps(n: int) -> None:
    job = replace(JOB, total_steps=n)
    for i in range(n + 1):
        update = dialects.progress_update(said(EventType.PROGRESS, progress=i / n), job)
        assert update["step"] == i
        assert update["progress"] == pytest.approx(100 * i / n, abs=1e-6)


def test_the_three_ids_of_a_job_are_one() -> None:
    row = dialects.job_row(JOB)
    assert row["id"] == row["job_id"] == row["analysis_id"] == "mine"
    assert dialects.job_row(replace(JOB, client_id=None))["id"] == JOB.id


def test_a_row_counts_waiting_and_running_time() -> None:
    done = replace(JOB, queued_at=10.0, started_at=12.5, finished_at=20.0)
    row = dialects.job_row(replace(done, status=Status.COMPLETED))
    assert (row["queue_seconds"], row["run_seconds"], row["duration"]) == (
        2.5,
        7.5,
        7.5,
    )


def test_a_result_on_the_limit_is_embedded_and_one_byte_more_is_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "result"
    event = said(EventType.COMPLETED, status="completed", latest_results=b'{"mean":1}')
    body = b'{"x":"%s"}' % (b"x" * (256 * 1024 - 8))
    file.write_bytes(body)
    told = dialects.analysis_complete(event, JOB, Result("", len(body), None, file))
    assert len(body) == 256 * 1024
    assert plain(told)["results"]["analysis_id"] == "mine"
    told = dialects.analysis_complete(event, JOB, Result("", len(body) + 1, None, file))
    assert told["results_truncated"] is True
    assert plain(told)["results"] == {"mean": 1}


@pytest.mark.parametrize("document", [b"{}", b'{"a":1}', b'{"analysis_id":"mine"}'])
def test_the_id_is_put_into_a_result_without_parsing_it(document: bytes) -> None:
    expected = {"analysis_id": "mine", **orjson.loads(document)}
    assert orjson.loads(dialects.with_id(document, JOB)) == expected
    client = replace(JOB, kind=CLIENT)
    assert dialects.with_id(document, client) == document


def test_a_failed_job_says_why_in_every_dialect() -> None:
    error = {"code": "NO_SOLUTION", "message": "no price", "details": []}
    event = said(EventType.FAILED, status="failed", error=error, has_errors=True)
    (_, update), (name, complete) = dialects.in_analysis_words(event, JOB)
    assert (update["status"], update["has_errors"]) == ("error", True)
    assert (name, complete["status"], complete["errors"]) == (
        "analysis_complete",
        "error",
        ["no price"],
    )
    ((name, told),) = dialects.in_job_words(event, JOB)
    assert (name, told["code"], told["message"]) == ("error", "NO_SOLUTION", "no price")
    assert dialects.event_data(event, JOB)["error"] == error


def test_a_cancelled_job_reads_as_an_error_in_the_job_dialect_only() -> None:
    event = said(EventType.CANCELLED, status="cancelled")
    ((name, told),) = dialects.in_job_words(event, JOB)
    assert (name, told["code"]) == ("error", "CANCELLED")
    ((name, _),) = dialects.in_analysis_words(event, JOB)
    assert name == "analysis_cancelled"


def test_a_job_dialect_carries_the_insights_of_the_last_results() -> None:
    latest = b'{"insights":[{"a":1}]}'
    event = said(
        EventType.PROGRESS, progress=0.5, phase="topics", latest_results=latest
    )
    told = dialects.job_progress(event, JOB)
    assert told["insights"] == [{"a": 1}]
    assert (told["progress"], told["current_step"]) == (50, "topics")


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "welcome"),
    [
        (None, "a", [], True),
        ("http://a:5000", "a:5000", [], True),
        ("https://a", "a", [], True),  # TLS ends at the proxy
        ("http://a:8080", "a", [], True),  # proxy_set_header Host $host
        ("http://[::1]:5000", "[::1]:5000", [], True),
        ("http://a:5001", "a:5000", [], False),
        ("http://b", "a", [], False),
        ("http://b", "a", ["http://b"], True),
        ("http://b", "a", ["*"], True),
        ("null", "a", ["http://b"], False),
        ("file://a", "a", [], False),
        ("http://a.evil.example", "a", [], False),
        ("http://", "", [], False),
    ],
)
def test_pages_of_this_host_and_of_named_origins_are_welcome(
    origin: str | None, host: str, allowed: list[str], welcome: bool
) -> None:
    assert origin_allowed(origin, {"HTTP_HOST": host}, allowed) is welcome


@pytest.mark.parametrize("words", [dialects.event_data, dialects.progress_update])
def test_latest_results_over_16_kb_are_named_and_not_sent(words: Any) -> None:
    job = replace(JOB, kind=CLIENT)
    small, large = b'"%s"' % (b"x" * 16_382), b'"%s"' % (b"x" * 16_383)
    told = plain(words(said(EventType.PROGRESS, latest_results=small), job))
    assert len(told["latest_results"]) == 16_382
    assert "results_truncated" not in told
    told = plain(words(said(EventType.PROGRESS, latest_results=large), job))
    assert told["latest_results"] is None
    assert told["results_truncated"] is True
    assert told["results_url"] == "/api/jobs/mine"


def test_a_large_result_of_a_client_is_not_sent_as_its_latest_results() -> None:
    job = replace(JOB, kind=CLIENT)
    body = b'"%s"' % (b"x" * 300_000)
    event = said(EventType.COMPLETED, status="completed", latest_results=body)
    told = dialects.analysis_complete(event, job, Result("", len(body), body, None))
    assert plain(told)["results"] is None
    assert told["results_url"] == "/api/jobs/mine/result"

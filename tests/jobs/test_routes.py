"""Jobs over REST: start, list, read, watch, cancel, rerun, delete."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

SLOW: dict[str, Any] = {"n": 10_000, "pause_s": 0.02}
WAIT = {"Prefer": "wait=50"}


def start(client: FlaskClient, params: dict[str, Any], **more: Any) -> TestResponse:
    headers = more.pop("headers", None)
    body = {"kind": "trial.count", "params": params, **more}
    return client.post("/api/jobs", json=body, headers=headers)


def finished(client: FlaskClient, params: dict[str, Any], **more: Any) -> str:
    """The id of a job that has ended."""
    made = start(client, params, headers=WAIT, **more)
    assert made.status_code == 200
    job_id: str = made.json["id"]
    return job_id


def until(client: FlaskClient, job_id: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(f"/api/jobs/{job_id}").json
        if job["status"] == status:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{job['status']}, not {status}")


def test_a_job_is_accepted_at_once_with_its_address(trials: FlaskClient) -> None:
    made = start(trials, SLOW, name="mine", priority=7, metadata={"order": 12})
    assert made.status_code == 202
    address = made.headers["Location"]
    assert address == f"/api/jobs/{made.json['job_id']}"
    job = trials.get(address).json
    assert job["name"] == "mine"
    assert job["priority"] == 7
    assert job["metadata"] == {"order": 12}
    assert job["params"] == SLOW
    assert job["kind"] == job["job_type"] == "trial.count"
    assert job["id"] == job["job_id"] == job["analysis_id"]
    assert job["created_at"].endswith("Z")
    trials.post(f"{address}/cancel")


def test_a_job_can_be_waited_for(trials: FlaskClient) -> None:
    made = start(trials, {"n": 2}, headers=WAIT)
    assert made.status_code == 200
    assert made.headers["Preference-Applied"] == "wait=50"
    assert made.json["status"] == "completed"
    assert made.json["progress"] == 1
    assert made.json["result"]["counted"] == 2
    assert made.json["results_truncated"] is False
    assert made.json["duration"] == made.json["run_seconds"] >= 0


def test_a_job_that_fails_while_waited_for_is_shown_as_it_is(
    trials: FlaskClient,
) -> None:
    made = start(trials, {"end": "input"}, headers=WAIT)
    assert made.status_code == 200
    assert made.json["status"] == "failed"
    assert made.json["error"]["code"] == "INVALID_INPUT"
    assert made.json["result"] is None


def test_an_alias_is_the_kind_it_stands_for(trials: FlaskClient) -> None:
    body = {"kind": "trial_count", "params": {}}
    made = trials.post("/api/jobs", json=body, headers=WAIT)
    assert made.json["kind"] == "trial.count"
    assert trials.get("/api/jobs?kind=trial_count").json["total"] == 1


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "kind", "missing"),
        ({"kind": 7}, "kind", "text"),
        ({"kind": "nope"}, "kind", "trial.count"),
        ({"kind": "trial.absent"}, "kind", "not available"),
        ({"kind": "trial.count", "params": []}, "params", "object"),
        ({"kind": "trial.count", "params": {"m": 1}}, "m", "known"),
        ({"kind": "trial.count", "params": {"n": 0}}, "n", "greater"),
        ({"kind": "trial.count", "params": {"n": True}}, "n", "whole number"),
        ({"kind": "trial.count", "params": {"n": "3"}}, "n", "whole number"),
        ({"kind": "trial.count", "params": {"n": 1e30}}, "n", "whole number"),
        ({"kind": "trial.count", "params": {"n": 1.5}}, "n", "whole number"),
        ({"kind": "trial.count", "prams": {}}, "prams", "params"),
        ({"kind": "trial.count", "priority": 10}, "priority", "less than or equal"),
        ({"kind": "trial.count", "timeout": 0}, "timeout", "greater"),
        ({"kind": "trial.count", "name": "x" * 256}, "name", "255"),
        ({"kind": "trial.count", "metadata": 1}, "metadata", "object"),
        (
            {"kind": "trial.count", "params": {"pause_s": 0, "pauseS": 0}},
            "pauseS",
            "both spellings",
        ),
    ],
)
def test_a_wrong_request_is_400_and_names_the_field(
    trials: FlaskClient, body: dict[str, Any], field: str, said: str
) -> None:
    got = trials.post("/api/jobs", json=body)
    assert got.status_code == 400
    problem = {item["field"]: item["problem"] for item in got.json["details"]}
    assert field in problem
    assert said in problem[field]
    assert trials.get("/api/jobs").json["total"] == 0


def test_camel_case_is_understood(trials: FlaskClient) -> None:
    made = start(trials, {"pauseS": 0.001})
    assert made.status_code == 202


def test_the_list_has_pages_filters_and_totals(trials: FlaskClient) -> None:
    ids = [finished(trials, {"n": n}) for n in (1, 2, 3)]
    finished(trials, {"end": "input"})
    running = start(trials, SLOW).json["job_id"]
    until(trials, running, "running")
    listed = trials.get("/api/jobs").json
    assert (listed["total"], listed["limit"], listed["offset"]) == (5, 50, 0)
    assert listed["jobs"][0]["job_id"] == running
    assert (listed["total_active"], listed["total_completed"]) == (1, 4)
    assert [job["id"] for job in listed["active_jobs"]] == [running]
    assert len(listed["completed_jobs"]) == 4
    row = listed["completed_jobs"][-1]
    assert {"progress_message", "completed_at", "duration"} <= set(row)
    assert not {"params", "result", "latest_results"} & set(row)
    page = trials.get("/api/jobs?limit=2&offset=3").json
    assert [job["id"] for job in page["jobs"]] == ids[1::-1]
    assert trials.get("/api/jobs?status=failed").json["total"] == 1
    assert trials.get("/api/jobs?kind=price.data").json["total"] == 0
    trials.post(f"/api/jobs/{running}/cancel")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("status=done", "status"),
        ("order=up", "order"),
    ],
)
def test_a_wrong_query_is_400_and_names_the_key(
    client: FlaskClient, query: str, field: str
) -> None:
    got = client.get(f"/api/jobs?{query}")
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == field


@pytest.mark.parametrize(
    "job_id",
    ["nope", "x" * 10_000, "..", "%00%0a", "a%20b", "-x", "events", "%2e%2e%2fetc"],
)
def test_an_unknown_or_impossible_id_is_404(client: FlaskClient, job_id: str) -> None:
    for rest in ("", "/events", "/result", "/stream"):
        got = client.get(f"/api/jobs/{job_id}{rest}")
        assert got.status_code == 404
        assert got.json["code"] in ("JOB_NOT_FOUND", "NOT_FOUND")
        assert len(got.json["message"]) < 400


@pytest.mark.parametrize(
    ("method", "rest"), [("post", "/cancel"), ("post", "/rerun"), ("delete", "")]
)
def test_changing_an_unknown_job_is_404(
    client: FlaskClient, method: str, rest: str
) -> None:
    got = getattr(client, method)(f"/api/jobs/nope{rest}")
    assert (got.status_code, got.json["code"]) == (404, "JOB_NOT_FOUND")


def test_events_are_listed_after_any_number(trials: FlaskClient) -> None:
    job_id = finished(trials, {"n": 3})
    listed = trials.get(f"/api/jobs/{job_id}/events").json
    seqs = [event["seq"] for event in listed["events"]]
    assert seqs == sorted(set(seqs))
    assert listed["last_seq"] == seqs[-1]
    types = [event["type"] for event in listed["events"]]
    assert types[0] == "created" and types[-1] == "completed"
    assert listed["events"][-1]["progress"] == 1
    rest = trials.get(f"/api/jobs/{job_id}/events?after={seqs[1]}").json
    assert [event["seq"] for event in rest["events"]] == seqs[2:]
    none = trials.get(f"/api/jobs/{job_id}/events?after={seqs[-1]}").json
    assert (none["events"], none["last_seq"]) == ([], seqs[-1])
    assert trials.get(f"/api/jobs/{job_id}/events?after=x").status_code == 400


def test_streams_end_with_close(trials: FlaskClient) -> None:
    one, two = finished(trials, {"n": 1}), finished(trials, {"n": 2})
    stream = trials.get(f"/api/jobs/{one}/stream?after=0")
    assert stream.mimetype == "text/event-stream"
    text = stream.get_data(as_text=True)
    assert "event: created" in text and "event: completed" in text
    assert text.rstrip().split("\n\n")[-1].startswith("event: close")
    both = trials.get(f"/api/stream?jobs={one},{two}").get_data(as_text=True)
    assert one in both and two in both and "event: close" in both


@pytest.mark.parametrize("query", ["", "?jobs=", "?jobs=,", "?job=a"])
def test_a_stream_of_no_jobs_is_400(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/stream{query}").status_code == 400
    assert client.get("/api/stream?jobs=nope").status_code == 404


def test_the_stream_of_the_list_tells_of_new_jobs(trials: FlaskClient) -> None:
    stream = iter(trials.get("/api/jobs/stream").response)
    next(stream)
    # It listens from its second step on, which waits for news: SLOW goes on telling.
    job_id = start(trials, SLOW).json["job_id"]
    for _ in range(20):
        piece = next(stream)
        assert isinstance(piece, bytes)
        if job_id.encode() in piece:
            break
    assert b"event: job" in piece
    stream.close()  # type: ignore[attr-defined]
    trials.post(f"/api/jobs/{job_id}/cancel")


def test_a_result_is_downloaded_as_json_and_knows_304(trials: FlaskClient) -> None:
    job_id = finished(trials, {"n": 2})
    got = trials.get(f"/api/jobs/{job_id}/result")
    assert got.json["counted"] == 2
    assert got.headers["Content-Disposition"] == (
        f'attachment; filename="trial.count-{job_id}.json"'
    )
    etag = {"If-None-Match": got.headers["ETag"]}
    same = trials.get(f"/api/jobs/{job_id}/result", headers=etag)
    assert (same.status_code, same.data) == (304, b"")


def test_a_result_over_256_kb_is_left_out_of_the_job_and_streamed(
    trials: FlaskClient,
) -> None:
    job_id = finished(trials, {"padding": 400_000})
    job = trials.get(f"/api/jobs/{job_id}").json
    assert job["result"] is None
    assert job["results_truncated"] is True
    got = trials.get(job["results_url"])
    assert got.json["padding"] == "x" * 400_000
    assert int(got.headers["Content-Length"]) == len(got.data)


def test_a_table_is_csv_with_keys_first_and_formulas_disarmed(
    trials: FlaskClient,
) -> None:
    job_id = finished(trials, {"n": 2})
    got = trials.get(f"/api/jobs/{job_id}/result?format=csv")
    assert got.mimetype == "text/csv"
    assert got.headers["Content-Disposition"].endswith('.csv"')
    assert list(csv.reader(io.StringIO(got.get_data(as_text=True)))) == [
        ["id", "x", "y", "z"],
        ["a", "1", "'=1+1", ""],
        ["b", "-2.5", "", "[1,null]"],
    ]
    points = trials.get(f"/api/jobs/{job_id}/result?format=csv&table=points")
    assert points.get_data(as_text=True).splitlines()[0] == "x,y"
    assert points.headers["ETag"] != got.headers["ETag"]


@pytest.mark.parametrize(
    ("kind", "query", "said"),
    [
        ("trial.count", "format=pdf", "'json', 'csv', 'xlsx', 'html' or 'zip'"),
        ("trial.count", "format=csv&table=nope", "by_id, points"),
        ("trial.bare", "format=csv", "no tables"),
        ("trial.count", "tabel=points", "table"),
    ],
)
def test_a_form_that_is_not_offered_is_400_and_names_those_that_are(
    trials: FlaskClient, kind: str, query: str, said: str
) -> None:
    made = trials.post("/api/jobs", json={"kind": kind}, headers=WAIT)
    got = trials.get(f"/api/jobs/{made.json['id']}/result?{query}")
    assert got.status_code == 400
    assert said in got.json["message"]


def test_the_result_of_an_unfinished_job_is_409_and_of_a_failed_one_its_error(
    trials: FlaskClient,
) -> None:
    running = start(trials, SLOW).json["job_id"]
    got = trials.get(f"/api/jobs/{running}/result")
    assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
    assert got.json["job_id"] == running
    trials.post(f"/api/jobs/{running}/cancel")
    until(trials, running, "cancelled")
    got = trials.get(f"/api/jobs/{running}/result")
    assert (got.status_code, got.json["code"]) == (409, "CANCELLED")
    failed = finished(trials, {"end": "no_solution"})
    got = trials.get(f"/api/jobs/{failed}/result")
    assert (got.status_code, got.json["code"]) == (400, "NO_SOLUTION")


def test_cancelling_stops_a_job_and_twice_is_once(trials: FlaskClient) -> None:
    job_id = start(trials, SLOW).json["job_id"]
    until(trials, job_id, "running")
    got = trials.post(f"/api/jobs/{job_id}/cancel")
    assert got.status_code == 200
    assert got.json["message"]
    assert until(trials, job_id, "cancelled")["result"] is None
    again = trials.post(f"/api/jobs/{job_id}/cancel")
    assert (again.status_code, again.json["status"]) == (200, "cancelled")


def test_cancelling_a_finished_job_is_409(trials: FlaskClient) -> None:
    job_id = finished(trials, {})
    got = trials.post(f"/api/jobs/{job_id}/cancel")
    assert (got.status_code, got.json["code"]) == (409, "CONFLICT")


def test_a_rerun_is_a_new_job_with_the_same_request(trials: FlaskClient) -> None:
    job_id = finished(trials, {"n": 2}, name="first")
    got = trials.post(f"/api/jobs/{job_id}/rerun")
    assert got.status_code == 202
    again = until(trials, got.json["job_id"], "completed")
    assert again["id"] != job_id
    assert again["rerun_of"] == job_id
    assert again["params"] == {"n": 2}
    first = trials.get(f"/api/jobs/{job_id}/result")
    second = trials.get(f"/api/jobs/{again['id']}/result")
    assert first.headers["ETag"] == second.headers["ETag"]


@pytest.mark.parametrize("run", ["finished", "running"])
def test_a_deleted_job_is_gone(trials: FlaskClient, run: str) -> None:
    if run == "finished":
        job_id = finished(trials, {"n": 1})
    else:
        job_id = start(trials, SLOW).json["job_id"]
    got = trials.delete(f"/api/jobs/{job_id}")
    assert (got.status_code, got.data) == (204, b"")
    assert trials.get(f"/api/jobs/{job_id}").status_code == 404
    assert trials.delete(f"/api/jobs/{job_id}").status_code == 404


def test_jobs_of_others_do_not_exist(trials: FlaskClient, trial_app: Flask) -> None:
    registry = trial_app.extensions["registry"]
    foreign = registry.submit("trial.count", {}, owner="somebody-else").job
    for path in ("", "/events", "/result", "/stream"):
        assert trials.get(f"/api/jobs/{foreign.id}{path}").status_code == 404
    assert trials.post(f"/api/jobs/{foreign.id}/cancel").status_code == 404
    assert trials.delete(f"/api/jobs/{foreign.id}").status_code == 404
    assert trials.get("/api/jobs").json["total"] == 0


def test_keys_used_again_give_the_same_job(trials: FlaskClient) -> None:
    key = {"Idempotency-Key": "once"}
    first = start(trials, {"n": 1}, headers=key)
    again = start(trials, {"n": 1}, headers=key)
    assert first.json["job_id"] == again.json["job_id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert start(trials, {"n": 2}, headers=key).status_code == 409
    assert trials.get("/api/jobs").json["total"] == 1


def test_hanging_up_does_not_cancel(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    stream = client.get("/price/data", headers={"Prefer": "respond-async"})
    job_id = stream.json["job_id"]
    watching = iter(client.get(f"/api/jobs/{job_id}/stream").response)
    next(watching)
    watching.close()  # type: ignore[attr-defined]
    assert until(client, job_id, "completed")["result"]

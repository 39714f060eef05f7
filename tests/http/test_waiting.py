"""Routes that make jobs: how long they wait, and what they answer then."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, operator"

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from trial_analyses import with_trials

from flask_api.http.body import json_object
from flask_api.http.waiting import Preference, answer, preference, spliced
from flask_api.jobs.registry import Result


@pytest.fixture
def trials(trial_app: Flask) -> FlaskClient:
    """The service with an address that waits for trial.count, and one that caches."""

    def wait() -> Response:
        return answer("trial.count", json_object(), leading={"method": "trial"})

    def cached() -> Response:
        return answer("trial.count", {}, with_id=False, data_revision="r1", reuse=True)

    trial_app.add_url_rule("/trial", "trial", wait, methods=["POST"])
    trial_app.add_url_rule("/api/trial", "api_trial", wait, methods=["POST"])
    trial_app.add_url_rule("/cached", "cached", cached)
    return trial_app.test_client()


SLOW: dict[str, Any] = {"n": 10_000, "pause_s": 0.05}


def cancel(trials: FlaskClient, job_id: str) -> None:
    assert trials.post(f"/api/jobs/{job_id}/cancel").status_code == 200


def test_a_quick_job_is_answered_with_its_result_behind_its_id(
    trials: FlaskClient,
) -> None:
    got = trials.post("/trial", json={"n": 2})
    assert got.status_code == 200
    assert list(got.json)[:3] == ["analysis_id", "method", "counted"]
    assert got.json["counted"] == 2
    assert got.json["analysis_id"] == got.headers["X-Job-ID"]
    assert trials.get(f"/api/jobs/{got.json['analysis_id']}").status_code == 200


@pytest.mark.parametrize("leading", [{}, {"analysis_id": "x"}, {"a": 1, "b": None}])
@pytest.mark.parametrize("data", [b"{}", b"{ }", b'{"c": [1, {}]}'])
def test_any_result_is_spliced_into_valid_json(
    app: Flask, tmp_path: Path, data: bytes, leading: dict[str, Any]
) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(data)
    wanted = {**leading, **orjson.loads(data)}
    with app.test_request_context():
        for kept in (
            Result("", len(data), data, None),
            Result("", len(data), None, file),
        ):
            response = spliced(kept, leading)
            assert response.content_length == len(response.get_data())
            assert orjson.loads(response.get_data()) == wanted


def test_a_large_result_is_streamed_with_its_length(trials: FlaskClient) -> None:
    got = trials.post("/trial", json={"padding": 300_000})
    assert int(got.headers["Content-Length"]) == len(got.data)
    assert list(got.json)[0] == "analysis_id"
    assert got.json["padding"] == "x" * 300_000


def test_respond_async_is_answered_202_at_once(trials: FlaskClient) -> None:
    got = trials.post("/trial", json=SLOW, headers={"Prefer": "respond-async"})
    assert got.status_code == 202
    assert got.headers["Preference-Applied"] == "respond-async"
    assert got.headers["Location"] == f"/api/jobs/{got.json['job_id']}"
    assert int(got.headers["Retry-After"]) >= 1
    assert got.json["analysis_id"] == got.json["job_id"] == got.headers["X-Job-ID"]
    assert got.json["status"] in ("pending", "running")
    assert trials.get(got.headers["Location"]).json["status"] != "failed"
    cancel(trials, got.json["job_id"])


def test_wait_n_waits_n_seconds_and_then_answers_202(trials: FlaskClient) -> None:
    began = time.monotonic()
    got = trials.post("/trial", json=SLOW, headers={"Prefer": "wait=1"})
    assert got.status_code == 202
    assert got.headers["Preference-Applied"] == "wait=1"
    # Not the 55 s that the server waits by itself, nor the minutes of the job.
    assert 0.9 < time.monotonic() - began < 15
    cancel(trials, got.json["job_id"])


@pytest.mark.parametrize(
    ("prefer", "wanted"),
    [
        ("wait=3", Preference(3, False, "wait=3")),
        ('foo; bar="x", WAIT="3"', Preference(3, False, "wait=3")),
        ("respond-async", Preference(0, True, "respond-async")),
        ("respond-async, wait=3", Preference(3, False, "respond-async, wait=3")),
        ("wait=3, wait=4", Preference(3, False, "wait=3")),
        ("wait=99999", Preference(55, False, "wait=55")),
        ("wait=1e3", Preference(20)),
        ("wait=\u0663", Preference(20)),
    ],
)
def test_wishes_are_read_as_rfc_7240_says(
    app: Flask, prefer: str, wanted: Preference
) -> None:
    with app.test_request_context(environ_overrides={"HTTP_PREFER": prefer}):
        assert preference(20) == wanted


@pytest.mark.parametrize("prefer", ["wait=soon", "wait=-1", "wait=", "x", ", ,;="])
def test_broken_wishes_do_not_count(trials: FlaskClient, prefer: str) -> None:
    got = trials.post("/trial", json={}, headers={"Prefer": prefer})
    assert got.status_code == 200
    assert "Preference-Applied" not in got.headers


def test_after_the_servers_own_wait_comes_202(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(wait_s=0)
    registry = app.extensions["registry"]
    registry.analyses = with_trials(registry.analyses)
    app.add_url_rule("/trial", "trial", lambda: answer("trial.count", SLOW))
    ask = app.test_client()
    began = time.monotonic()
    got = ask.get("/trial")
    assert got.status_code == 202
    assert time.monotonic() - began < 15  # and not the 20 s of the default
    cancel(ask, got.json["job_id"])


@pytest.mark.parametrize(
    ("end", "status", "code"),
    [
        ("input", 400, "INVALID_INPUT"),
        ("no_solution", 400, "NO_SOLUTION"),
        ("crash", 500, "INTERNAL_ERROR"),
    ],
)
def test_a_job_that_fails_within_the_wait_is_answered_with_its_error(
    trials: FlaskClient, end: str, status: int, code: str
) -> None:
    got = trials.post("/trial", json={"end": end})
    assert (got.status_code, got.json["code"]) == (status, code)
    assert got.json["job_id"] == got.headers["X-Job-ID"]
    assert "secret" not in got.get_data(as_text=True)
    assert trials.get(f"/api/jobs/{got.json['job_id']}").json["status"] == "failed"


def test_the_time_limit_within_the_wait_is_504(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(job_timeout=0.2)
    registry = app.extensions["registry"]
    registry.analyses = with_trials(registry.analyses)
    app.add_url_rule("/trial", "trial", lambda: answer("trial.count", SLOW))
    got = app.test_client().get("/trial")
    assert (got.status_code, got.json["code"]) == (504, "JOB_TIMEOUT")
    assert got.json["job_id"]


def test_a_job_cancelled_within_the_wait_is_409(
    trials: FlaskClient, trial_app: Flask
) -> None:
    registry = trial_app.extensions["registry"]

    def cancel_it() -> None:
        while not (jobs := registry.list("anonymous")[0]):
            time.sleep(0.01)
        registry.cancel("anonymous", jobs[0].id, by="anonymous")

    later = threading.Thread(target=cancel_it)
    later.start()
    got = trials.post("/trial", json=SLOW)
    later.join()
    assert (got.status_code, got.json["code"]) == (409, "CANCELLED")
    assert got.json["job_id"] == got.headers["X-Job-ID"]


def test_a_key_used_again_gives_the_same_job_and_says_so(
    trials: FlaskClient,
) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = trials.post("/trial", json={"n": 2}, headers=key)
    again = trials.post("/api/trial", json={"n": 2}, headers=key)
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = trials.post("/trial", json={"n": 3}, headers=key)
    assert (other.status_code, other.json["code"]) == (409, "CONFLICT")


def test_an_identical_unfinished_body_is_answered_with_the_first_job(
    trials: FlaskClient,
) -> None:
    now = {"Prefer": "respond-async"}
    first = trials.post("/trial", json=SLOW, headers=now)
    again = trials.post("/trial", json=SLOW, headers=now)
    assert again.json["job_id"] == first.json["job_id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    cancel(trials, first.json["job_id"])


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü"])
def test_an_unusable_key_is_refused(trials: FlaskClient, key: str) -> None:
    got = trials.post("/trial", json={}, headers={"Idempotency-Key": key})
    assert got.status_code == 400
    assert got.json["details"][0]["field"] == "Idempotency-Key"


def test_a_get_that_computes_is_cached_and_knows_304(trials: FlaskClient) -> None:
    first = trials.get("/cached")
    again = trials.get("/cached")
    assert first.status_code == 200 and "analysis_id" not in first.json
    assert again.data == first.data
    assert again.headers["X-Job-ID"] == first.headers["X-Job-ID"]
    etag = first.headers["ETag"]
    for given in (etag, f"W/{etag}", "*", f'"other", {etag}'):
        same = trials.get("/cached", headers={"If-None-Match": given})
        assert (same.status_code, same.data) == (304, b"")
        assert same.headers["ETag"] == etag
    assert trials.get("/cached", headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_result_file_that_was_removed_is_a_clear_error(
    trials: FlaskClient, trial_app: Flask
) -> None:
    made = trials.post("/trial", json={"padding": 300_000})
    for file in trial_app.config["SETTINGS"].results_folder.iterdir():
        file.unlink()
    got = trials.get(f"/api/jobs/{made.headers['X-Job-ID']}/result")
    assert (got.status_code, got.json["code"]) == (409, "CONFLICT")
    assert "rerun" in got.json["message"]

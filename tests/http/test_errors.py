"""One error shape, whatever went wrong and wherever."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_api import errors
from flask_api.errors import ServiceError
from flask_api.numerics.errors import InputError


def assert_shape(answer: TestResponse, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    body = answer.json
    assert set(body) - {"job_id"} == {
        "error",
        "message",
        "code",
        "details",
        "request_id",
    }
    assert body["code"] == code
    assert body["error"] and body["message"]
    assert body["request_id"] == answer.headers["X-Request-ID"]


def all_errors() -> list[type[ServiceError]]:
    found, todo = [], [ServiceError]
    while todo:
        cls = todo.pop()
        if cls.__module__ == errors.__name__:
            found.append(cls)
        todo.extend(cls.__subclasses__())
    return sorted(found, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", all_errors(), ids=lambda cls: cls.__name__)
def test_every_error_of_ours_has_the_one_shape(
    app: Flask, cls: type[ServiceError]
) -> None:
    def fail() -> NoReturn:
        raise cls(job_id="job-1", retry_after_s=2.1)

    app.add_url_rule("/fail", "fail", fail)
    answer = app.test_client().get("/fail")
    assert_shape(answer, cls.status, cls.code)
    assert answer.json["job_id"] == answer.headers["X-Job-ID"] == "job-1"
    assert answer.headers["Retry-After"] == "3"


def test_an_unknown_address_is_404_and_names_the_nearest_one(
    client: FlaskClient,
) -> None:
    answer = client.get("/api/jbos")
    assert_shape(answer, 404, "NOT_FOUND")
    assert "did you mean /api/jobs?" in answer.json["message"]
    assert "/docs" in client.get("/nothing/like/it").json["message"]


def test_a_wrong_method_is_405_and_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/sensitivity/analyze", json={})
    assert_shape(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.json["message"]
    assert "POST" in answer.headers["Allow"]


def test_a_crash_is_500_with_a_request_id_and_without_its_secrets(
    app: Flask, tmp_path: object
) -> None:
    def crash() -> NoReturn:
        raise RuntimeError("the secret of the crash")

    app.add_url_rule("/crash", "crash", crash)
    answer = app.test_client().get("/crash", headers={"X-Request-ID": "mine-7"})
    assert_shape(answer, 500, "INTERNAL_ERROR")
    assert "secret" not in answer.get_data(as_text=True)
    log = (app.config["SETTINGS"].log_folder / "flask_api.log").read_text()
    line = next(line for line in log.splitlines() if "GET /crash failed" in line)
    assert "mine-7" in line
    assert "RuntimeError: the secret of the crash" in log


def test_an_input_error_met_in_the_web_process_is_400(app: Flask) -> None:
    def fail() -> NoReturn:
        raise InputError("two files claim version 1", field="version")

    app.add_url_rule("/fail", "fail", fail)
    answer = app.test_client().get("/fail")
    assert_shape(answer, 400, "INVALID_INPUT")
    assert answer.json["details"][0]["field"] == "version"


def test_a_full_queue_is_503_with_retry_after(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(max_queued_jobs=1)
    app.extensions["engine"].stop()
    app.extensions["registry"].closing = False
    ask = app.test_client().post
    body = {"kind": "sensitivity.analyze", "params": {"parameters": ["S11"]}}
    assert ask("/api/jobs", json=body).status_code == 202
    other = {"kind": "sensitivity.analyze", "params": {"parameters": ["S12"]}}
    answer = ask("/api/jobs", json=other)
    assert_shape(answer, 503, "QUEUE_FULL")
    assert ask("/api/jobs", json=body).status_code == 202, "a replay needs no room"
    quick = {"kind": "price.data", "params": {"version": 1}}
    assert ask("/api/jobs", json=quick).status_code == 202, "nor does a price"
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_server_that_shuts_down_takes_no_job(app: Flask) -> None:
    app.extensions["engine"].stop()
    answer = app.test_client().get("/price/data")
    assert_shape(answer, 503, "SHUTTING_DOWN")

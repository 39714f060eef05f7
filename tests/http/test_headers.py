"""Request ids, cross-origin rules, safety headers and the door of production."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_a_sane_request_id_comes_back(client: FlaskClient) -> None:
    answer = client.get("/live", headers={"X-Request-ID": "trace-1:a.b_c"})
    assert answer.headers["X-Request-ID"] == "trace-1:a.b_c"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "-x", "é", "<script>"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    made = client.get("/live", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert made != given and len(made) == 32
    assert client.get("/live").headers["X-Request-ID"] != made


@pytest.mark.parametrize("path", ["/live", "/nothing", "/docs", "/price/data"])
def test_every_answer_is_safe_for_browsers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Request-ID"]


def test_allowed_origins_may_read_answers_and_errors_and_others_may_not(
    make_app: Callable[..., Flask],
) -> None:
    client = make_app(cors_origins="https://a.example, https://b.example").test_client()
    for path in ("/live", "/nothing"):
        good = client.get(path, headers={"Origin": "https://b.example"})
        assert good.headers["Access-Control-Allow-Origin"] == "https://b.example"
        assert "X-Job-ID" in good.headers["Access-Control-Expose-Headers"]
        bad = client.get(path, headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in bad.headers


def test_a_preflight_allows_our_request_headers(client: FlaskClient) -> None:
    answer = client.options(
        "/sensitivity/analyze",
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, idempotency-key, prefer",
        },
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert {"content-type", "idempotency-key", "prefer"} <= set(allowed.split(", "))


def test_production_allows_no_origin_of_itself(make_app: Callable[..., Flask]) -> None:
    client = make_app(flask_env="production").test_client()
    answer = client.get("/live", headers={"Origin": "http://localhost:3000"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_production_without_log_in_refuses_what_comes_through_a_proxy(
    make_app: Callable[..., Flask], header: str
) -> None:
    client = make_app(flask_env="production").test_client()
    answer = client.get("/api/jobs", headers={header: "203.0.113.9"})
    assert (answer.status_code, answer.json["code"]) == (403, "FORBIDDEN")
    assert header in answer.json["message"]
    assert "ALLOW_ANONYMOUS" in answer.json["message"]
    assert client.get("/api/jobs").status_code == 200


@pytest.mark.parametrize(
    "settings",
    [{"flask_env": "production", "allow_anonymous": True}, {"flask_env": "testing"}],
)
def test_proxies_are_welcome_where_allowed(
    make_app: Callable[..., Flask], settings: dict[str, object]
) -> None:
    client = make_app(**settings).test_client()
    answer = client.get("/api/jobs", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 200

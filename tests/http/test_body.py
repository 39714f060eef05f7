"""Bodies and queries: every fault told apart, nothing large held."""

# Answers are JSON objects: their being one is what a failing subscript tells.
# mypy: disable-error-code="index, arg-type, union-attr, assignment"

from __future__ import annotations

import http.client
import io
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from pydantic import Field
from werkzeug.serving import make_server

from flask_api.analysis import Request
from flask_api.http import body, error_handlers
from flask_api.http.body import json_object, query
from flask_api.settings import Settings

LIMIT = 200_000


class Asked(Request):
    """A query."""

    limit: int = Field(5, ge=1)
    share: float | None = None
    flag: bool = False
    base_version: str | None = None


@pytest.fixture
def echo_app() -> Flask:
    app = Flask("echo")
    app.config["SETTINGS"] = Settings(max_json_bytes=LIMIT)
    body.init_app(app)
    error_handlers.init_app(app)
    app.add_url_rule("/echo", "echo", lambda: jsonify(json_object()), methods=["POST"])
    app.add_url_rule("/query", "query", lambda: jsonify(query(Asked)))
    odd = {"nan": float("nan"), "inf": [float("inf")]}
    app.add_url_rule("/odd", "odd", lambda: jsonify(odd))
    return app


@pytest.fixture
def echo(echo_app: Flask) -> FlaskClient:
    return echo_app.test_client()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the body is empty"),
        (b"  \n", "the body is empty"),
        (b"[1, 2]", "the body is an array"),
        (b'"text"', "the body is text"),
        (b"7", "the body is a number"),
        (b"null", "the body is null"),
        (b"true", "the body is true or false"),
        (b'{"a":', "unexpected end of data at line 1, column 6 (character 5)"),
        (b'{"a": 1,}', "trailing comma is not allowed at line 1, column 8"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": NaN}', "NaN and Infinity are no JSON numbers"),
        (b'{"a": -Infinity}', "NaN and Infinity are no JSON numbers"),
        (b'{"a": 1e999}', "too large for a 64-bit float"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large for a 64-bit float"),
        (b"[" * 100_000, "nested deeper than 250"),
        (b'{"a":' * 30_000, "nested deeper than 250"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nested deeper than 250"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is given twice"),
    ],
)
def test_a_body_that_is_no_json_object_is_400_and_says_why(
    echo: FlaskClient, data: bytes, said: str
) -> None:
    answer = echo.post("/echo", data=data, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["code"] == "VALIDATION_ERROR"
    assert said in answer.json["message"]


def test_an_object_comes_back_as_it_was_sent(echo: FlaskClient) -> None:
    sent = {"a": [1, 2.5, None, True, "x"], "b": {"c": {}}, "ä": 2**63}
    assert echo.post("/echo", json=sent).json == sent


def test_a_byte_order_mark_and_a_vendor_type_are_accepted(echo: FlaskClient) -> None:
    answer = echo.post(
        "/echo", data=b'\xef\xbb\xbf{"a": 1}', content_type="application/x+json"
    )
    assert answer.json == {"a": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_another_content_type_is_415_and_names_the_wanted_one(
    echo: FlaskClient, headers: dict[str, str]
) -> None:
    answer = echo.post("/echo", data=b'{"a": 1}', headers=headers)
    assert answer.status_code == 415
    assert answer.json["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert "JSON" in answer.json["message"]


class Flood(io.RawIOBase):
    """A body of any size that is made while it is read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        count = min(len(into), self.left)
        into[:count] = b"[" * count
        self.left -= count
        return count


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_100_mb_is_413_and_never_held(
    echo: FlaskClient, announced: bool
) -> None:
    size = 100_000_000
    flood = Flood(size)
    environ: dict[str, object] = {"wsgi.input": flood}
    if announced:
        environ["CONTENT_LENGTH"] = str(size)
    else:
        environ |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    tracemalloc.start()
    answer = echo.post(
        "/echo",
        content_type="application/json",
        environ_overrides=environ,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert answer.json["code"] == "TOO_LARGE"
    assert f"{LIMIT:,}" in answer.json["message"]
    assert flood.left == 0  # drained: a client that still sends gets its answer
    assert peak < 10 * LIMIT


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_413(
    echo: FlaskClient,
) -> None:
    fits = b'{"a": "' + b"x" * (LIMIT - 9) + b'"}'
    assert len(fits) == LIMIT
    kind = {"content_type": "application/json"}
    assert echo.post("/echo", data=fits, **kind).status_code == 200
    assert echo.post("/echo", data=fits + b" ", **kind).status_code == 413


@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_that_is_cut_short_is_400(echo: FlaskClient, terminated: bool) -> None:
    got = echo.post(
        "/echo",
        content_type="application/json",
        environ_overrides={
            "wsgi.input": io.BytesIO(b'{"a": 1}'),
            "wsgi.input_terminated": terminated,
            "CONTENT_LENGTH": "100",
        },
    )
    assert got.status_code == 400
    assert "announced" in got.json["message"]


@contextmanager
def serving(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_chunked_bodies_are_read_and_bounded_on_a_real_server(
    echo_app: Flask,
) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        yield b'{"a": "'
        for _ in range(count):
            yield b"x" * 1000
        yield b'"}'

    with serving(echo_app) as port:
        for count, status in ((3, 200), (1000, 413)):
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            wire.request(
                "POST",
                "/echo",
                body=pieces(count),
                headers={"Content-Type": "application/json"},
                encode_chunked=True,
            )
            answer = wire.getresponse()
            assert answer.status == status
            assert orjson.loads(answer.read())
            wire.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("limit=7", {"limit": 7}),
        ("limit=seven", {"limit": "seven"}),
        ("limit=true", {"limit": "true"}),
        ("limit=NaN", {"limit": "NaN"}),
        ("limit=1e2", {"limit": 100}),
        ("limit=1.5", {"limit": 1.5}),
        ("limit=.", {"limit": "."}),
        ("limit=" + "9" * 30, {"limit": "9" * 30}),
        ("share=0.25", {"share": 0.25}),
        ("share=.95", {"share": 0.95}),
        ("share=1e999", {"share": "1e999"}),
        ("flag=true", {"flag": True}),
        ("baseVersion=1", {"base_version": "1"}),
        ("base_version=1", {"base_version": "1"}),
        ("other=1", {"other": "1"}),
    ],
)
def test_a_query_becomes_plain_data_of_the_wanted_types(
    echo: FlaskClient, text: str, found: dict[str, object]
) -> None:
    assert echo.get(f"/query?{text}").json == found


@pytest.mark.parametrize("text", ["limit=1&limit=2", "base_version=1&baseVersion=1"])
def test_a_query_key_given_twice_is_refused_by_name(
    echo: FlaskClient, text: str
) -> None:
    answer = echo.get(f"/query?{text}")
    assert answer.status_code == 400
    assert "given twice" in answer.json["message"]


def test_nan_and_infinity_never_leave_the_server(echo: FlaskClient) -> None:
    assert echo.get("/odd").json == {"inf": [None], "nan": None}


def test_the_reader_is_the_apps_own(make_app: Callable[..., Flask]) -> None:
    answer = make_app(max_json_bytes=2000).test_client()
    sent = answer.post("/api/jobs", json={"kind": "x" * 3000})
    assert sent.status_code == 413


def test_chunks_that_the_server_cannot_read_are_400(
    echo_app: Flask,
) -> None:
    class BrokenChunk(Exception):
        """As servers raise: of no common base, known by its module alone."""

        __module__ = "gunicorn.http.errors"

    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, into: memoryview) -> int:  # type: ignore[override]
            raise BrokenChunk("Invalid chunk size: b'zz'")

    answer = echo_app.test_client().post(
        "/echo",
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": Broken(), "wsgi.input_terminated": True},
    )
    assert answer.status_code == 400
    assert "Transfer-Encoding" in answer.json["message"]

"""Server-sent events, read as a browser's EventSource reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson
import pytest
from werkzeug.test import create_environ

from flask_api.push import sse


def events(response: Any) -> Iterator[dict[str, Any]]:
    """{id, event, data} of each event, {comment} of each comment."""
    rest = b""
    for piece in response.response:
        rest += piece
        while b"\n\n" in rest:
            block, _, rest = rest.partition(b"\n\n")
            yield _read(block.decode())


def _read(block: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in block.splitlines():
        name, _, value = line.partition(": ")
        if not name or line.startswith(":"):
            found["comment"] = line
        else:
            found[name] = orjson.loads(value) if name == "data" else value
    return found


def named(response: Any) -> list[dict[str, Any]]:
    return [e for e in events(response) if "event" in e]


@pytest.fixture
def get(app: Any) -> Iterator[Any]:
    opened = []

    def get(path: str, last: str | None = None) -> Any:
        headers = {"Last-Event-ID": last} if last else {}
        response = app.test_client().get(path, headers=headers, buffered=False)
        opened.append(response)
        return response

    yield get
    for response in opened:
        response.close()


@pytest.fixture
def start(app: Any) -> Any:
    def start(name: str, **params: Any) -> Any:
        request = {"n": 5, "pause_s": 0.01, **params}
        registry = app.extensions["registry"]
        return registry.submit("demo.count", request, owner="anonymous", client_id=name)

    return start


def test_a_stream_tells_a_job_from_its_state_to_its_end(get: Any, start: Any) -> None:
    start("a", n=8)
    response = get("/api/jobs/a/stream")
    assert response.mimetype == "text/event-stream"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"
    told = named(response)
    assert [e["event"] for e in told[-2:]] == ["completed", "close"]
    ids = [int(e["id"]) for e in told[:-1]]
    assert ids == sorted(set(ids))
    assert all(int(e["id"]) == e["data"]["seq"] for e in told[:-1])
    assert told[0]["data"]["snapshot"] is True
    assert {e["data"]["job_id"] for e in told} == {"a"}
    assert told[-2]["data"]["progress"] == 1
    assert told[-2]["data"]["results_url"] == "/api/jobs/a/result"
    close = told[-1]["data"]
    assert close["reason"] == close["status"] == "completed"
    assert close["progress"] == 1
    assert "message" in close


def test_a_stream_resumes_after_the_last_event_id(get: Any, start: Any) -> None:
    start("r", n=5)
    whole = named(get("/api/jobs/r/stream?after=0"))
    assert whole[0]["event"] == "created"
    again = named(get("/api/jobs/r/stream", last=whole[0]["id"]))
    ids = [e["id"] for e in again[:-1]]
    # A live stream may leave out progress, what is kept comes whole.
    assert set(ids) >= {e["id"] for e in whole[1:-1]}
    assert ids == sorted(ids, key=int) and ids[0] == "2"


def test_who_has_seen_the_end_is_told_only_that_the_stream_closes(
    get: Any, start: Any
) -> None:
    start("e", n=1)
    whole = named(get("/api/jobs/e/stream"))
    again = named(get("/api/jobs/e/stream", last=whole[-2]["id"]))
    assert again[-1]["event"] == "close"
    assert again[-1]["data"]["reason"] == "completed"


def test_silence_is_filled_with_comments(
    get: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "IDLE_S", 0.05)
    clients = app.extensions["registry"].clients
    clients.start(owner="anonymous", client_id="s", total_steps=2, parameters={})
    told = events(get("/api/jobs/s/stream"))
    silence = (e for e in told if "comment" in e and "event" not in e)
    assert len(list(islice(silence, 4))) == 4  # while its client says nothing
    clients.report("anonymous", "s", step=2, status="complete")
    assert [e["event"] for e in told if "event" in e][-2:] == ["completed", "close"]


def test_one_stream_carries_several_jobs_and_resumes_each(get: Any, start: Any) -> None:
    start("m:1", n=4)
    start("m2", n=6)
    told = named(get("/api/stream?jobs=m:1,m2"))
    assert told[-1]["event"] == "close"
    ended = {e["data"]["job_id"] for e in told if e["event"] == "completed"}
    assert ended == {"m:1", "m2"}
    for name in ended:
        seqs = [e["data"]["seq"] for e in told[:-1] if e["data"]["job_id"] == name]
        assert seqs == sorted(set(seqs))
        assert f"{name}:{seqs[-1]}" in told[-2]["id"].split(",")
    again = named(get("/api/stream?jobs=m:1,m2", last="m:1:1,m2:1"))
    assert min(e["data"]["seq"] for e in again[:-1]) == 2
    assert not any(e["data"].get("snapshot") for e in again[:-1])


def test_a_client_that_leaves_ends_the_tasks_behind_its_stream(
    get: Any, start: Any, monkeypatch: pytest.MonkeyPatch, app: Any
) -> None:
    monkeypatch.setattr(sse, "IDLE_S", 0.05)
    registry = app.extensions["registry"]
    ended: list[str] = []
    follow = registry.follow

    def counted(owner: str, id: str, *args: Any) -> Any:
        try:
            yield from follow(owner, id, *args)
        finally:
            ended.append(id)

    monkeypatch.setattr(registry, "follow", counted)
    start("l1", n=100_000, pause_s=0.02)
    start("l2", n=100_000, pause_s=0.02)
    response = get("/api/stream?jobs=l1,l2")
    assert len(list(islice(events(response), 4))) == 4
    response.close()
    alone = get("/api/jobs/l1/stream")
    assert len(list(islice(events(alone), 2))) == 2
    alone.close()
    until = time.monotonic() + 30
    while len(ended) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(ended) == 3
    for name in ("l1", "l2"):
        registry.cancel("anonymous", name, by="test")


def test_the_list_stream_tells_each_changed_row_and_what_is_deleted(
    get: Any, start: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "IDLE_S", 0.05)
    told = events(get("/api/jobs/stream"))
    assert "comment" in next(told)
    assert "comment" in next(told)  # now it listens
    start("row", n=3)
    rows: list[Any] = []
    while not rows or rows[-1]["status"] != "completed":
        change = next(told)
        if "event" in change:
            assert change["event"] == "job"
            rows.append(change["data"])
    assert rows[-1]["job_id"] == "row"
    assert "params" not in rows[-1] and "latest_results" not in rows[-1]
    app.extensions["registry"].delete("anonymous", "row")
    while "event" not in (change := next(told)) or change["event"] == "job":
        pass
    assert change["event"] == "deleted"
    assert change["data"]["job_id"]


@pytest.mark.parametrize(
    ("path", "last", "status"),
    [
        ("/api/jobs/none/stream", None, 404),
        ("/api/stream?jobs=none", None, 404),
        ("/api/stream?jobs=", None, 400),
        ("/api/stream?jobs=" + ",".join(f"a{i}" for i in range(101)), None, 400),
        ("/api/jobs/there/stream", "x", 400),
        ("/api/jobs/there/stream", "-1", 400),
        ("/api/jobs/there/stream", "9" * 30, 400),
        ("/api/stream?jobs=there", "there:x", 400),
    ],
)
def test_a_stream_of_nothing_is_refused_before_it_begins(
    get: Any, start: Any, path: str, last: str | None, status: int
) -> None:
    start("there", n=1)
    response = get(path, last=last)
    assert response.status_code == status
    assert response.is_json


def test_no_server_is_asked_to_collect_pieces_before_it_sends(app: Any) -> None:
    # eventlet's own server holds streams back until 4 kB; this key forbids it.
    environ = create_environ("/api/jobs")
    b"".join(app(environ, lambda status, headers: None))
    assert environ["eventlet.minimum_write_chunk_size"] == 1

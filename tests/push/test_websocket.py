"""`/realtime` over a real connection, and Socket.IO packets that make no sense."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import websocket
from werkzeug.serving import make_server

from .watcher import Watcher


@pytest.fixture
def address(app: Any) -> Iterator[str]:
    server: Any = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def connect(address: str) -> Iterator[Any]:
    opened = []

    def connect(path: str, **options: Any) -> Any:
        options.setdefault("suppress_origin", True)
        ws = websocket.create_connection(f"ws://{address}{path}", timeout=30, **options)
        opened.append(ws)
        return ws

    yield connect
    for ws in opened:
        ws.shutdown()


def start(app: Any, name: str, **params: Any) -> Any:
    request = {"n": 4, "pause_s": 0.03, **params}
    registry = app.extensions["registry"]
    return registry.submit("demo.count", request, owner="anonymous", client_id=name)


def hears_of_all(app: Any) -> None:
    """Return once a socket hears of every job; it begins to after its handshake."""
    boxes = app.extensions["registry"].events._log._boxes
    Watcher.until(lambda: "owner:anonymous" in boxes, seconds=30)


def until_the_end(ws: Any) -> list[dict[str, Any]]:
    told = [orjson.loads(ws.recv())]
    while told[-1]["type"] == "analysis_progress":
        told.append(orjson.loads(ws.recv()))
    return told


def test_realtime_tells_the_progress_and_result_of_one_analysis(
    app: Any, connect: Any
) -> None:
    start(app, "one")
    start(app, "other")
    told = until_the_end(connect("/realtime?analysis_id=one"))
    assert {m["analysis_id"] for m in told} == {"one"}
    progress = [m["progress"] for m in told[:-1]]
    assert progress == sorted(progress)
    assert told[-1]["type"] == "calculation_complete"
    assert told[-1]["results"]["counted"] == 4


def test_realtime_without_an_id_tells_of_all_analyses(app: Any, connect: Any) -> None:
    ws = connect("/realtime")
    hears_of_all(app)
    start(app, "all", n=20)
    told = until_the_end(ws)
    assert told[-1]["type"] == "calculation_complete"
    assert told[-1]["analysis_id"] == "all"


def test_realtime_arrives_whole_where_a_result_is_large(app: Any, connect: Any) -> None:
    start(app, "large", size=200_000)
    told = until_the_end(connect("/realtime?analysis_id=large"))
    assert len(told[-1]["results"]["padding"]) == 200_000


def test_realtime_names_an_analysis_that_is_not_there(connect: Any) -> None:
    told = until_the_end(connect("/realtime?analysis_id=none"))
    assert told[-1]["type"] == "error"
    assert told[-1]["code"] == "JOB_NOT_FOUND"
    assert told[-1]["message"] == told[-1]["error"]


def test_realtime_tells_a_cancelled_analysis_as_an_error(
    app: Any, connect: Any
) -> None:
    start(app, "gone", n=100_000)
    ws = connect("/realtime?analysis_id=gone")
    ws.recv()
    app.extensions["registry"].cancel("anonymous", "gone", by="test")
    assert until_the_end(ws)[-1]["code"] == "CANCELLED"


def test_what_a_client_says_on_realtime_is_dropped_and_too_much_ends_it(
    app: Any, connect: Any
) -> None:
    ws = connect("/realtime")
    ws.send("{}")
    ws.send("not json")
    hears_of_all(app)
    start(app, "talk")
    assert until_the_end(ws)[-1]["analysis_id"] == "talk"
    ws.send("x" * (app.config["SETTINGS"].max_message_bytes + 1))
    opcode, data = ws.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert int.from_bytes(data[:2], "big") == 1009


@pytest.mark.parametrize("path", ["/realtime", "/socket.io/?transport=websocket&EIO=4"])
def test_pages_of_foreign_origin_may_open_no_socket(
    address: str, connect: Any, path: str
) -> None:
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null", "http://["):
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            connect(path, suppress_origin=False, origin=origin)
        assert refused.value.status_code in (400, 403)
    for origin in (f"http://{address}", "http://localhost:3000"):
        connect(path, suppress_origin=False, origin=origin)


class Raw:
    """A Socket.IO client that says exactly what it is told to."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws
        assert ws.recv().startswith("0")
        ws.send("40")
        # The library says "connected" after our first word; clients keep it till then.
        assert sorted(text[:2] for text in (ws.recv(), ws.recv())) == ["40", "42"]

    def hear(self) -> str:
        while (text := self.ws.recv()) == "2":
            self.ws.send("3")
        return str(text)


@pytest.mark.parametrize(
    "packet",
    [
        "42",
        "42[]",
        "42[7]",
        "42{}",
        "42[null]",
        '42["subscribe"',
        "42[NaN]",
        "42" + "[" * 100_000,
        '42["connect"]',
        '42["disconnect"]',
        "4",
        "49",
        "44",
        "4x",
        "451-[]",
        '4599999-["subscribe"]',
        "4" + "5" * 30,
        b"\x00\x01",
        b"",
    ],
    ids=range(19),
)
def test_packets_without_sense_are_answered_and_the_connection_lives(
    connect: Any, packet: Any, caplog: Any
) -> None:
    raw = Raw(connect("/socket.io/?transport=websocket&EIO=4"))
    send = raw.ws.send_binary if isinstance(packet, bytes) else raw.ws.send
    send(packet)
    raw.ws.send('421["subscribe",{}]')
    heard = [raw.hear()]
    while not heard[-1].startswith("431"):
        heard.append(raw.hear())
    assert "Analysis ID is required" in heard[-1]
    assert [r for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")] == []


def test_a_placeholder_without_attachment_is_refused(connect: Any, caplog: Any) -> None:
    raw = Raw(connect("/socket.io/?transport=websocket&EIO=4"))
    raw.ws.send('451-["subscribe",{"_placeholder":true,"num":7}]')
    raw.ws.send_binary(b"bytes")
    raw.ws.send('421["subscribe",{}]')
    heard = [raw.hear()]
    while not heard[-1].startswith("431"):
        heard.append(raw.hear())
    assert any("placeholder" in text for text in heard)
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


def test_a_message_over_the_limit_ends_only_its_own_connection(
    app: Any, connect: Any
) -> None:
    path = "/socket.io/?transport=websocket&EIO=4"
    raw, other = Raw(connect(path)), Raw(connect(path))
    size = app.config["SETTINGS"].max_message_bytes
    raw.ws.send('42["subscribe",{"analysis_id":"' + "x" * size + '"}]')
    opcode, _ = raw.ws.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    other.ws.send('421["unsubscribe",{}]')
    while not other.hear().startswith("431"):
        pass


HANDSHAKE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "x" * 22 + "==",
}


@pytest.mark.parametrize("missing", HANDSHAKE)
def test_what_is_no_handshake_is_400_and_says_so(address: str, missing: str) -> None:
    connection = http.client.HTTPConnection(address, timeout=30)
    sent = {name: text for name, text in HANDSHAKE.items() if name != missing}
    connection.request("GET", "/realtime", headers=sent)
    answer = connection.getresponse()
    told = orjson.loads(answer.read())
    connection.close()
    assert answer.status == 400
    assert "WebSockets only" in told["message"]


@pytest.mark.parametrize("body", ["9", "7abc", "4" + "x" * 2_000_000])
def test_a_polling_client_is_told_what_is_refused_and_not_kept_waiting(
    address: str, body: str
) -> None:
    def ask(method: str, query: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(address, timeout=30)
        path = f"/socket.io/?EIO=4&transport=polling{query}"
        connection.request(method, path, body)
        answer = connection.getresponse()
        heard = answer.status, answer.read()
        connection.close()
        return heard

    sid = orjson.loads(ask("GET", "")[1][1:])["sid"]
    assert ask("POST", f"&sid={sid}", "40")[0] == 200
    assert ask("POST", f"&sid={sid}", body)[0] == 400
    assert ask("GET", f"&sid={sid}")[0] == 400

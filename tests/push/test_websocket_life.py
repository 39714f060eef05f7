"""What all raw WebSockets share: signs of life, bounds, answers, clear ends."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.serving import make_server

from flask_api.push import socketio as push
from flask_api.push import websocket
from flask_api.push.allowance import Allowance
from flask_api.settings import Settings

from .echo_websocket import echo
from .raw_websocket import CLOSE, PING, PONG, TEXT, RawWebSocket, frame

BEAT_S, SILENCE_S = 0.1, 0.4
#: Silence that no test comes near, however busy the machine is: for tests of all else.
LONG_S = 60.0
#: Silence for clients that have to speak within it, on a machine that may be busy.
SPOKEN_S = 1.5


class Service:
    """A server with the echo topic alone, and its clients."""

    def __init__(self, folder: Path, **given: Any) -> None:
        settings: dict[str, Any] = {
            "socket_heartbeat_s": BEAT_S,
            "socket_silence_s": LONG_S,
            **given,
        }
        self.app = app = Flask("flask_api")
        app.config["SETTINGS"] = Settings(
            flask_env="testing",
            async_mode="threading",
            instance_folder=folder,
            **settings,
        )
        push.init_app(app, owner=lambda: "anonymous", admit=lambda: None)
        websocket.init_app(app, owner=lambda: "anonymous")
        bp, self.told = echo(app)
        app.register_blueprint(bp)
        server: Any = make_server("127.0.0.1", 0, app, threaded=True)
        server.daemon_threads = True
        self._server = server
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._clients: list[RawWebSocket] = []
        self._threads = set(threading.enumerate())
        self._thread.start()

    def connect(self, **options: Any) -> RawWebSocket:
        address = f"127.0.0.1:{self._server.server_port}"
        self._clients.append(RawWebSocket(address, "/ws/echo", **options))
        return self._clients[-1]

    def threads(self) -> int:
        """Threads that serve clients now."""
        return len(set(threading.enumerate()) - self._threads - {self._thread})

    def stop(self) -> None:
        for client in self._clients:
            client.tcp.close()
        until(lambda: self.threads() == 0)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    started: list[Service] = []

    def start(**settings: Any) -> Service:
        started.append(Service(tmp_path, **settings))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def next_message(ws: RawWebSocket) -> dict[str, Any]:
    """The next message that is no heartbeat."""
    while (message := orjson.loads(ws.until(TEXT)))["type"] == "heartbeat":
        pass
    return dict(message)


def test_a_client_that_answers_nothing_is_closed_and_leaves_no_thread(
    service: Callable[..., Service],
) -> None:
    one = service(socket_silence_s=SILENCE_S)
    began = time.monotonic()
    ws = one.connect()
    assert one.threads() >= 1
    pings = 0
    while (heard := ws.receive())[0] != CLOSE:
        pings += heard[0] == PING
    assert int.from_bytes(heard[1][:2], "big") == 1001
    assert time.monotonic() - began >= SILENCE_S
    # Counted, not timed: a server that is slow pings late, too.
    assert pings <= SILENCE_S / BEAT_S
    ws.tcp.close()
    until(lambda: one.threads() == 0)


def test_a_listener_that_only_answers_pings_lives_on_and_hears_heartbeats(
    service: Callable[..., Service],
) -> None:
    ws = service(socket_silence_s=SPOKEN_S).connect()
    assert "Extensions" not in ws.head
    heard: list[dict[str, Any]] = []
    pings = 0
    end = time.monotonic() + 2 * SPOKEN_S
    while time.monotonic() < end:
        opcode, payload = ws.receive()
        if opcode == PING:
            ws.send(PONG, payload)
            pings += 1
        else:
            heard.append(orjson.loads(payload))
    assert {m["type"] for m in heard} == {"heartbeat"}
    assert all(m["data"] == {} and m["timestamp"].endswith("Z") for m in heard)
    assert abs(pings - len(heard)) <= 1  # one beside each ping
    assert 3 <= pings <= 2 * SPOKEN_S / BEAT_S  # fewer where the machine is busy


def test_a_client_that_talks_lives_on_without_a_pong(
    service: Callable[..., Service],
) -> None:
    ws = service(socket_silence_s=SPOKEN_S).connect()
    end = time.monotonic() + 2 * SPOKEN_S
    while time.monotonic() < end:
        ws.send(TEXT, b'{"type": "heartbeat"}')
        time.sleep(0.1)
    ws.send(PING, b"and you?")
    assert ws.until(PONG) == b"and you?"


def test_pings_come_in_time_where_less_silence_is_allowed_than_between_two(
    service: Callable[..., Service],
) -> None:
    ws = service(socket_heartbeat_s=60, socket_silence_s=SPOKEN_S).connect()
    for _ in range(3):
        ws.send(PONG, ws.until(PING))


def test_a_topic_hears_and_answers_and_refuses_in_its_own_words(
    service: Callable[..., Service],
) -> None:
    one = service()
    ws = one.connect()
    ws.send(TEXT, b'{"type": "subscribe"}')
    assert next_message(ws)["data"] == {"type": "subscribe"}
    ws.send(TEXT, b'{"type": ', last=False)
    ws.send(PING, b"between")  # RFC 6455, 5.4: control frames may stand between parts
    ws.send(0, '"größe"}'.encode())
    assert next_message(ws)["data"] == {"type": "größe"}
    ws.send(TEXT, b"no json")
    refused = next_message(ws)
    assert refused["type"] == "error"
    assert refused["data"]["error_code"] == "VALIDATION_ERROR"
    one.told.put({"type": "news", "padding": "x" * 300_000})
    assert len(next_message(ws)["padding"]) == 300_000
    one.told.put(None)
    assert ws.close_code() == 1000


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"  # which is what a log gets
)
def test_a_topic_that_breaks_is_told_by_its_code(
    service: Callable[..., Service],
) -> None:
    one = service()
    hearing = one.connect()
    hearing.send(TEXT, b'{"type": "break"}')
    assert hearing.close_code() == 1011
    hearing.tcp.close()
    until(lambda: one.threads() == 0)
    telling = one.connect()
    one.told.put(RuntimeError("asked to break"))
    assert telling.close_code() == 1011


def test_a_message_over_the_limit_is_told_by_its_code_however_long_it_is(
    service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What else was sent is read and dropped for so long: the time to send 12 MB.
    monkeypatch.setattr("flask_api.push.line._FAREWELL_S", 30.0)
    one = service(max_message_bytes=2**20)
    fits, too_long, in_parts = one.connect(), one.connect(), one.connect()
    fits.send(TEXT, b'{"type": "' + b"x" * (2**20 - 12) + b'"}')
    assert len(next_message(fits)["data"]["type"]) == 2**20 - 12
    too_long.send(TEXT, b"x" * 12 * 2**20)  # more than any buffer takes unread
    assert too_long.close_code() == 1009
    for opcode in (TEXT, 0, 0):  # bytes count, not letters
        in_parts.send(opcode, "ä".encode() * 2**18, last=False)
    assert in_parts.close_code() == 1009


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", frame(TEXT, b'{"type": "heartbeat"}')),
        (b"", frame(PING)),
        (frame(TEXT, last=False), frame(0, b"x", last=False)),
    ],
    ids=["messages", "pings", "parts"],
)
def test_too_many_messages_are_told_and_end_only_their_own_socket(
    service: Callable[..., Service], first: bytes, then: bytes
) -> None:
    one = service(max_socket_messages_per_s=10)
    busy, quiet = one.connect(), one.connect()
    busy.tcp.sendall(first + then * 9)
    time.sleep(0.1)
    busy.tcp.sendall(then * 5_000)
    told = next_message(busy)
    assert told["data"]["error_code"] == "TOO_MANY_MESSAGES"
    assert "more than 10 messages" in told["data"]["error_message"]
    assert busy.close_code() == 1008
    time.sleep(0.3)  # both together have used up their second's worth
    quiet.send(PING, b"mine")
    assert quiet.until(PONG) == b"mine"


def test_one_socket_too_many_is_told_why_and_free_places_can_be_taken(
    service: Callable[..., Service],
) -> None:
    one = service(max_sockets=3)
    held = [one.connect() for _ in range(3)]
    for ws in held:
        # Places are taken after the handshake, by a thread for each: who hears a ping
        # has its place.
        ws.until(PING)
    refused = one.connect()
    told = next_message(refused)
    assert told["data"]["error_code"] == "TOO_MANY_CONNECTIONS"
    assert "you hold 3 WebSockets already" in told["data"]["error_message"]
    assert refused.close_code() == 1013
    elsewhere = one.connect(source="127.0.0.2")
    assert elsewhere.until(PING) == b""
    until(lambda: one.threads() == 4 * 2)  # one that listens, one that sends
    held[0].tcp.close()
    until(lambda: one.threads() == 3 * 2)
    assert one.connect().until(PING) == b""


def test_what_breaks_the_protocol_ends_with_the_protocols_code(
    service: Callable[..., Service],
) -> None:
    one = service()
    no_opcode, no_text, compressed = one.connect(), one.connect(), one.connect()
    no_opcode.send(7)
    assert no_opcode.close_code() == 1002
    no_text.send(TEXT, b"\xff\xff")
    assert no_text.close_code() == 1007
    compressed.tcp.sendall(b"\xc1" + frame(TEXT, b"x")[1:])
    assert compressed.close_code() == 1002


class Source(queue.Queue[Any]):
    """An endless queue of large messages, which counts what was taken from it."""

    taken = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self.taken += 1
        return {"type": "news", "padding": "x" * 10_000}


def test_a_client_that_takes_nothing_stops_the_source_and_is_let_go(
    service: Callable[..., Service],
) -> None:
    one = service(socket_silence_s=SPOKEN_S)
    source = Source()
    one.app.extensions["echo"] = source
    slow = one.connect(receive_buffer=4096)
    for _ in range(4):
        slow.send(PONG)  # it lives, but takes nothing
        time.sleep(0.1)
    until(lambda: source.taken >= 3)
    until(lambda: one.threads() == 0)
    # 64 kB that wait here, what the client's side takes, and one on its way: without
    # the bound on what waits it is 250 and more.
    assert source.taken < 40
    assert slow.ended()


def test_who_connects_anew_finds_no_new_allowance_of_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All within one moment: a third of a second later there is one message more.
    moment = SimpleNamespace(monotonic=lambda: 7.0)
    monkeypatch.setattr("flask_api.push.allowance.time", moment)
    allowance = Allowance(sockets=1, messages_per_s=3)
    for _ in range(5):
        assert allowance.take_socket("me")
        assert not allowance.take_socket("me")
        spent = [allowance.take_message("me") for _ in range(4)]
        allowance.give_back("me")
    assert not any(spent)
    assert allowance.take_socket("you") and allowance.take_message("you")

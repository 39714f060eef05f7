"""Raw WebSockets on real servers: signs of life, bounds, slow and vanished clients."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e import client_script
from tests.e2e.conftest import Server, StartServer
from tests.patience import in_time
from tests.push.raw_websocket import (
    PING,
    PONG,
    TEXT,
    RawWebSocket,
    frame,
)

#: The settings of the tests: shorter than anybody would want.
SHORT = {
    "SOCKET_HEARTBEAT_S": 0.3,
    "MAX_SOCKETS": 6,
    "MAX_SOCKET_MESSAGES_PER_S": 50,
}


#: Silence that is allowed; where a test is not about it, more than any test takes.
silence = functools.partial(pytest.mark.parametrize, "one", indirect=True)


@pytest.fixture
def one(server: StartServer, request: pytest.FixtureRequest) -> Server:
    allowed = getattr(request, "param", 120.0)
    return server("gunicorn-eventlet", **SHORT, SOCKET_SILENCE_S=allowed)


@pytest.fixture
def connect(one: Server) -> Iterator[Any]:
    opened: list[RawWebSocket] = []

    def connect(**options: Any) -> RawWebSocket:
        opened.append(RawWebSocket(f"127.0.0.1:{one.port}", **options))
        return opened[-1]

    yield connect
    for ws in opened:
        ws.tcp.close()
    until(lambda: not any(holds(one, ws) for ws in opened))


def holds(one: Server, ws: RawWebSocket) -> bool:
    """Whether the server's process still has this connection open."""
    return any(
        connection.raddr and connection.raddr.port == ws.port
        for process in one.family()
        for connection in process.net_connections("tcp")
    )


def until(condition: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@silence([2.0])
def test_silent_clients_are_closed_and_those_that_answer_pings_live_on(
    one: Server, connect: Any
) -> None:
    dead, alive = connect(), connect()
    began = time.monotonic()
    heard = []
    while time.monotonic() < began + 4.2:  # more than twice the silence allowed
        opcode, payload = alive.receive()
        if opcode == PING:
            alive.send(PONG, payload)
        else:
            heard.append(json.loads(payload))
    assert {m["type"] for m in heard} == {"heartbeat"}
    assert all(m["timestamp"].endswith("Z") for m in heard)
    assert 2 <= len(heard) <= 14  # one every 0.3 s, fewer where the machine is busy
    assert dead.close_code() == 1001


def test_too_much_is_told_and_ends_only_its_own_socket(connect: Any) -> None:
    quiet, large, busy = connect(), connect(), connect()
    large.send(TEXT, b"x" * 3 * 2**20)  # most of it is left unread
    assert large.close_code() == 1009
    busy.tcp.sendall(frame(TEXT, b"{}") * 5_000)
    while (told := json.loads(busy.until(TEXT)))["type"] == "heartbeat":
        pass
    assert told["code"] == "TOO_MANY_MESSAGES" and "50 messages" in told["message"]
    assert busy.close_code() == 1008
    time.sleep(0.1)  # busy has used up what both have together
    quiet.send(PING, b"mine")
    assert quiet.until(PONG) == b"mine"


def test_one_socket_too_many_is_told_why_and_a_free_place_can_be_taken(
    one: Server, connect: Any
) -> None:
    held = [connect() for _ in range(6)]
    for ws in held:
        ws.until(PING)  # it has its place, which it takes after the handshake
    refused = connect()
    told = json.loads(refused.until(TEXT))
    assert told["code"] == "TOO_MANY_CONNECTIONS" and "6 WebSockets" in told["message"]
    assert refused.close_code() == 1013
    held[0].tcp.close()
    until(lambda: not holds(one, held[0]))
    assert connect().until(PING) == b""


@silence([3.0])
def test_a_client_that_takes_nothing_is_let_go_and_others_hear_on(
    one: Server, connect: Any
) -> None:
    watcher = client_script.Watcher(one.url)
    name = f"large-{time.monotonic_ns()}"
    started = {"analysis_id": name, "type": "client", "parameters": []}
    assert watcher.ask("start_analysis", started)["ok"]
    path = f"/realtime?analysis_id={name}"
    slow, quick = connect(path=path, receive_buffer=4096), connect(path=path)
    update = {"analysis_id": name, "step": 1, "status": "complete"}
    update["results"] = {"padding": "x" * 250_000}  # more than the kernel keeps for it
    assert watcher.ask("update_progress", update)["ok"]
    while (told := json.loads(quick.until(TEXT)))["type"] != "calculation_complete":
        pass
    assert len(told["results"]["padding"]) == 250_000
    assert quick.close_code() == 1000
    until(lambda: not holds(one, slow))
    watcher.close()


def test_sigterm_ends_the_server_in_time_with_clients_that_answer_nothing(
    server: StartServer,
) -> None:
    def stopped() -> float:
        one = server("gunicorn-eventlet", fresh=True)
        with ExitStack() as opened:
            address = f"127.0.0.1:{one.port}"
            for size in (0, 4096):
                opened.enter_context(RawWebSocket(address, receive_buffer=size))
            took = one.stop()
        assert one.process.returncode == 0
        assert "Traceback" not in one.output(), one.output()
        return took

    in_time(stopped, 3.0)

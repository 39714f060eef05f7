"""The server as it is deployed: the seed's command, signals, limits, refusals."""

from __future__ import annotations

import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket

from tests.e2e import client_script
from tests.e2e.conftest import KINDS, NODE, SEED_COMMAND, Server, StartServer
from tests.patience import in_time


@pytest.mark.parametrize("kind", KINDS)
def test_one_client_script_passes_on_every_way_to_serve(
    server: StartServer, kind: str
) -> None:
    run_client([sys.executable, client_script.__file__], server(kind))


@pytest.mark.parametrize("kind", ["gunicorn-eventlet", "gunicorn-gthread", "dev"])
def test_npms_own_client_passes_on_every_way_to_serve(
    server: StartServer, node: str, kind: str
) -> None:
    run_client([node, str(NODE / "client.mjs")], server(kind))


def run_client(command: list[str], one: Server) -> None:
    done = subprocess.run(
        [*command, one.url], capture_output=True, text=True, timeout=180, check=False
    )
    told = f"{done.stdout}\n{done.stderr}\n-- server --\n{one.output()}"
    assert done.returncode == 0, told
    assert "Traceback" not in one.output(), told


class Clients:
    """Clients of each kind that stay connected: Socket.IO, SSE, raw WebSocket."""

    def __init__(self, url: str) -> None:
        self.watchers = [
            client_script.Watcher(url, transports)
            for transports in (["websocket"], ["polling"])
        ]
        self.name = client_script.start_monte_carlo(self.watchers[0], 100_000_000)
        self.watchers[0].next("progress_update")
        self.stream = requests.get(
            f"{url}/api/jobs/{self.name}/stream", stream=True, timeout=30
        )
        next(self.stream.iter_lines())
        self.raw = [
            websocket.create_connection(url.replace("http", "ws", 1) + path, timeout=30)
            for path in ("/realtime", f"/realtime?analysis_id={self.name}")
        ]
        self.raw[1].recv()
        self.idle = requests.Session()  # a kept connection without a request
        self.idle.get(f"{url}/live", timeout=30)

    def close(self) -> None:
        for raw in self.raw:
            raw.close()
        self.stream.close()
        self.idle.close()
        for watcher in self.watchers:
            watcher.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_gone_3_s_after_a_signal_with_clients_of_every_kind_connected(
    server: StartServer, number: signal.Signals
) -> None:
    def stopped() -> float:
        one = server("gunicorn-eventlet", fresh=True)
        clients = Clients(one.url)
        try:
            took = one.stop(number)
            for watcher in clients.watchers:
                assert watcher.next("server_closing") == {"reason": "shutdown"}
        finally:
            clients.close()
        assert one.process.returncode == 0
        assert "Traceback" not in one.output(), one.output()
        return took

    in_time(stopped, 3.0)


def test_a_request_that_runs_at_sigterm_is_answered(server: StartServer) -> None:
    one = server("gunicorn-eventlet", fresh=True)
    answers: queue.Queue[Any] = queue.Queue()
    body = {
        "parameters": [client_script.BARE_ERECTED_COST],
        "iterations": 100_000_000,
    }

    def ask() -> None:
        try:
            url = f"{one.url}/sensitivity/monte-carlo"
            answers.put(requests.post(url, json=body, timeout=120).status_code)
        except requests.RequestException as error:
            answers.put(error)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for_jobs(one, 1)
    one.stop()
    asking.join(120)
    assert answers.get(timeout=1) in (202, 503), one.output()


def wait_for_jobs(one: Server, running: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        health = requests.get(f"{one.url}/health", timeout=60).json()
        if health["active_jobs"] == running:
            return
        time.sleep(0.05)
    raise AssertionError(f"never {running} running jobs:\n{one.output()}")


def test_a_job_that_runs_at_sigterm_goes_on_at_the_next_start(
    server: StartServer, tmp_path: Path
) -> None:
    first = server("gunicorn-eventlet", fresh=True, folder=tmp_path)
    watcher = client_script.Watcher(first.url)
    name = client_script.start_monte_carlo(watcher, 60_000_000)
    watcher.next("progress_update")
    first.stop()
    watcher.close()
    second = server("gunicorn-eventlet", fresh=True, folder=tmp_path)
    again = client_script.Watcher(second.url)
    assert again.ask("subscribe", {"analysis_id": name, "after_seq": 0})["ok"]
    assert again.next("analysis_complete")["status"] == "complete"
    again.close()
    second.stop()


def test_no_request_fails_at_a_hang_up_and_one_engine_serves(
    server: StartServer,
) -> None:
    one = server("gunicorn-eventlet", fresh=True)
    stop = threading.Event()
    failed: list[object] = []
    answered: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                answer = requests.get(f"{one.url}/live", timeout=60)
                answered.append(answer.status_code)
            except requests.RequestException as error:
                failed.append(error)
            time.sleep(0.02)

    def heard(more: int) -> None:
        """Return once so many more requests were answered, or one has failed."""
        wanted = len(answered) + more
        while len(answered) < wanted and not failed:
            time.sleep(0.05)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        heard(20)
        old = one.family()[1]
        one.process.send_signal(signal.SIGHUP)
        old.wait(60)
        one.wait_ready()
        heard(20)
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    assert not failed, (failed[:3], one.output())
    assert set(answered) == {200}
    web = [p for p in one.family()[1:] if p.ppid() == one.process.pid]
    assert len(web) == 1, web
    assert requests.get(f"{one.url}/health", timeout=60).json()["status"] == "healthy"
    run_client([sys.executable, client_script.__file__], one)


def test_connections_over_the_limit_are_answered_503(server: StartServer) -> None:
    one = server(f"{SEED_COMMAND} --worker-connections 20 --keep-alive 120", fresh=True)
    held = []
    for _ in range(24):
        client = socket.create_connection(("127.0.0.1", one.port), timeout=60)
        client.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        held.append(client)
    lines = [client.recv(4096).split(b"\r\n", 1)[0] for client in held]
    for client in held:
        client.close()
    assert (
        lines == [b"HTTP/1.1 200 OK"] * 20 + [b"HTTP/1.1 503 Service Unavailable"] * 4
    )
    one.wait_ready(path="/live")  # places are free again


def test_eventlets_word_about_itself_is_neither_printed_nor_fatal(
    server: StartServer,
) -> None:
    one = server(
        "gunicorn-eventlet",
        fresh=True,
        ready="/live",
        PYTHONWARNINGS="error:::eventlet,error::Warning:flask_api.http.process",
    )
    assert "deprecated" not in one.output().lower()


@pytest.mark.parametrize(
    ("command", "settings", "reason"),
    [
        (f"{SEED_COMMAND} --preload", {}, "--preload is refused"),
        (f"{SEED_COMMAND} -w 2", {}, "needs Redis"),
        (SEED_COMMAND, {"WEB_WORKERS": 2}, "need Redis"),
        (SEED_COMMAND, {"ASYNC_MODE": "threading"}, "needs ASYNC_MODE=eventlet"),
        (SEED_COMMAND, {"FLASK_PORT": "five"}, "FLASK_PORT='five'"),
        (SEED_COMMAND.replace("eventlet", "sync"), {}, "can't serve WebSockets"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_reason(
    server: StartServer, command: str, settings: dict[str, object], reason: str
) -> None:
    one = server(command, fresh=True, ready=None, **settings)
    assert one.process.wait(120) == 2, one.output()
    assert reason in one.output()
    assert "Traceback" not in one.output()


def test_the_pages_files_arrive_whole(server: StartServer) -> None:
    one = server("gunicorn-eventlet")
    for name in ("favicon.ico", "assets/any/js/main.js", "assets/any/css/base.css"):
        answer = requests.get(f"{one.url}/{name}", timeout=60)
        assert answer.status_code == 200
        assert len(answer.content) == int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (b"GARBAGE\r\n\r\n", 400, "GARBAGE"),
        (b"GET /live?" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "send less"),
        (b"GET /live HTTP/1.1\r\nA: " + b"a" * 40_000 + b"\r\n\r\n", 431, "send less"),
        (
            b"POST /sensitivity/analyze HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"zz\r\n{}\r\n0\r\n\r\n",
            400,
            "Transfer-Encoding",
        ),
    ],
    ids=["no HTTP", "long address", "long header", "broken chunk"],
)
def test_a_request_that_cannot_be_read_is_answered_in_json(
    server: StartServer, sent: bytes, status: int, said: str
) -> None:
    one = server("gunicorn-eventlet")
    with socket.create_connection(("127.0.0.1", one.port), timeout=60) as client:
        client.sendall(sent)
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    told = json.loads(body)
    assert said in told["message"]
    assert set(told) == {"error", "message", "code", "details", "request_id"}
    assert "Traceback" not in one.output()


def test_a_folder_that_cannot_be_written_is_named_without_a_traceback(
    server: StartServer,
) -> None:
    one = server(SEED_COMMAND, fresh=True, ready=None, LOG_FOLDER="/proc/nowhere")
    assert one.process.wait(120) != 0
    assert "LOG_FOLDER='/proc/nowhere': no log can be written" in one.output()
    assert "Traceback" not in one.output()


def test_a_client_that_leaves_amid_its_upgrade_is_no_fault_of_ours(
    server: StartServer,
) -> None:
    one = server("gunicorn-gthread")
    for _ in range(30):
        opened = requests.get(
            f"{one.url}/socket.io/?EIO=4&transport=polling", timeout=60
        )
        sid = opened.text.split('"sid":"')[1].split('"')[0]
        address = f"{one.url}/socket.io/?EIO=4&transport=websocket&sid={sid}"
        client = websocket.create_connection(address.replace("http", "ws", 1))
        client.send("2probe")
        client.send_close()
        client.shutdown()
    assert requests.get(f"{one.url}/live", timeout=60).status_code == 200
    assert "Traceback" not in one.output(), one.output()

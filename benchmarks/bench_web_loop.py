"""How fast the web process answers while both cores compute.

GET /live over one kept connection, and Socket.IO acknowledgements (`unsubscribe` of a
stored job, which reads its row), one after the other, from one client. In turns:

idle     nothing runs
burning  as many long Monte Carlo jobs run in workers as there are cores
inline   the same kind of jobs as threads of the web process (JOB_EXECUTOR=inline), one
         after the other: the peer that shows why workers are processes. It answers too
         seldom for thousands of requests, so its turn is bounded in seconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import requests
import websocket

from benchmarks.plant import monte_carlo
from benchmarks.server import Server
from benchmarks.tables import load, quantile, spread, table

AIM = 2.0
CORES = os.cpu_count() or 1
#: One inline job: about a second of computing.
INLINE_DRAWS = 2_000_000

Measured = dict[str, list[float]]


class Client:
    """A kept connection and a Socket.IO connection to one server.

    Socket.IO is spoken here by hand, on one thread: a client library's own threads
    would wake each other on the cores that burn, and that is not the server's time.
    """

    def __init__(self, server: Server) -> None:
        self._port = server.port
        self.connect()
        answer = server.run(monte_carlo(1_000))
        payload = {"job_id": answer.headers["X-Job-ID"]}
        # 4 a message, 2 an event, 0 the number that its acknowledgement repeats
        self._event = "420" + json.dumps(["unsubscribe", payload])
        self._socket = websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket",
            timeout=120,
            sockopt=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )
        self._next("0{")
        self._socket.send("40")
        self._next("40{")

    def _next(self, begin: str) -> str:
        """The next packet that begins so; pings are answered, others dropped."""
        while True:
            packet = str(self._socket.recv())
            if packet.startswith(begin):
                return packet
            if packet == "2":
                self._socket.send("3")

    def connect(self) -> None:
        """A fresh connection: the server closes one that is silent for 5 s."""
        self._web = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        self._web.connect()

    def get(self) -> None:
        self._web.request("GET", "/live")
        answer = self._web.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET /live answered {answer.status}")

    def acknowledge(self) -> None:
        self._socket.send(self._event)
        answer = self._next("430[")
        if not json.loads(answer[3:])[0]["ok"]:
            raise RuntimeError(f"unsubscribe was answered {answer}")

    def close(self) -> None:
        self._socket.close()
        self._web.close()


def milliseconds(ask: Callable[[], None], count: int, seconds: float) -> list[float]:
    """How long each of `count` calls took; fewer where `seconds` are over before."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < count and (not taken or time.perf_counter() < end):
        began = time.perf_counter()
        ask()
        taken.append(1e3 * (time.perf_counter() - began))
    return taken


def measure(client: Client, count: int, seconds: float = 1e9) -> Measured:
    client.connect()
    return {
        "GET /live": milliseconds(client.get, count, seconds),
        "socket ack": milliseconds(client.acknowledge, count, seconds),
    }


@contextmanager
def burning(server: Server, seed: int) -> Iterator[None]:
    """All slots compute while this is open."""
    names = [
        server.start(monte_carlo(100_000_000, seed + slot)) for slot in range(CORES)
    ]
    for name in names:
        server.wait_for(name, "running")
    time.sleep(0.5)
    yield
    for name in names:
        if server.job(name)["status"] != "running":
            raise RuntimeError("a job ended before the round: give it more draws")
        server.cancel(name)


@contextmanager
def computing_inline(server: Server, seed: int) -> Iterator[None]:
    """The web process itself computes while this is open."""
    stop, begun = threading.Event(), threading.Event()

    def feed() -> None:
        number = 0
        with requests.Session() as web:
            while not stop.is_set():
                number += 1
                body = monte_carlo(INLINE_DRAWS, seed + 1000 * number)
                web.post(
                    f"{server.url}/sensitivity/monte-carlo", json=body, timeout=300
                )
                begun.set()

    thread = threading.Thread(target=feed)
    thread.start()
    begun.wait(300)
    yield
    stop.set()
    thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--inline-seconds", type=float, default=6.0)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.requests, args.rounds, args.inline_seconds = 600, 3, 3.0
    rounds: dict[str, list[Measured]] = {"idle": [], "burning": [], "inline": []}
    loads = []
    with ExitStack() as stack:
        server = stack.enter_context(Server(MAX_CONCURRENT_JOBS=CORES))
        inline = stack.enter_context(
            Server(MAX_CONCURRENT_JOBS=CORES, JOB_EXECUTOR="inline")
        )
        client, slow = Client(server), Client(inline)
        for number in range(args.rounds):
            rounds["idle"].append(measure(client, args.requests))
            with burning(server, 10 * number):
                rounds["burning"].append(measure(client, args.requests))
            with computing_inline(inline, 10 * number):
                rounds["inline"].append(
                    measure(slow, args.requests, args.inline_seconds)
                )
            loads.append(load())
        with suppress(requests.RequestException):
            client.close()
            slow.close()
    show(rounds, args.rounds, loads)


def show(rounds: dict[str, list[Measured]], count: int, loads: list[str]) -> None:
    lines = []
    ratios: dict[str, float] = {}
    for what in ("GET /live", "socket ack"):
        for state, measured in rounds.items():
            line: list[object] = [f"{what}, {state}"]
            line.append(min(len(m[what]) for m in measured))
            for q in (0.5, 0.99):
                taken = [quantile(m[what], q) for m in measured]
                idle = [quantile(m[what], q) for m in rounds["idle"]]
                each = [t / i for t, i in zip(taken, idle, strict=True)]
                line += [spread(taken, "{:.2f}"), spread(each, "{:.2f}")]
                if state == "burning":
                    ratios[f"{what} p{100 * q:.0f}"] = sorted(each)[len(each) // 2]
            lines.append(line)
    table(
        f"The web loop, milliseconds, {count} rounds in turns, {CORES} cores; "
        f"load {', '.join(loads)}",
        ("", "asked a round", "p50", "x idle", "p99", "x idle"),
        lines,
    )
    for what, ratio in ratios.items():
        met = "met" if ratio <= AIM else "MISSED"
        print(f"aim: {what}, burning <= {AIM:g} x idle: {met} ({ratio:.2f})")


if __name__ == "__main__":
    main()

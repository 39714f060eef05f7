"""How long a person waits: first progress, cancel, and the death of a worker.

Through gunicorn with eventlet, seen by a python-socketio client and, for deaths, on the
job's event stream. Workers are warm. Each figure is p50 and p95 of as many trials.

first progress      `start_analysis` sent -> first `progress_update`; and the first one
                    with drawn numbers in it
cooperative cancel  `cancel_analysis` sent -> `analysis_cancelled`
hard cancel         the same with a worker that has gone deaf (SIGSTOP): 2 s of grace
death               kill -9 of the worker -> event `retried`
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import threading
import time
from typing import Any

import requests
import socketio

from benchmarks.plant import monte_carlo
from benchmarks.server import Server
from benchmarks.tables import load, quantile, table, verdict

#: A job that nobody waits for to end.
ENDLESS = 100_000_000
PATIENCE_S = 30.0
#: Deaf workers at a time: each costs its 2 s of grace.
DEAF_AT_ONCE = 5

AIMS_MS = {
    "first progress": 100.0,
    "first progress with numbers": 100.0,
    "cooperative cancel": 100.0,
    "hard cancel": 2500.0,
    "death of a worker": 200.0,
}


class Watcher:
    """A Socket.IO client that notes when each event came."""

    def __init__(self, server: Server) -> None:
        self._events: queue.Queue[tuple[float, str, dict[str, Any]]] = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", self._note)
        self.client.connect(server.url, transports=["websocket"], wait_timeout=60)
        self._number = 0

    def _note(self, name: str, data: dict[str, Any]) -> None:
        self._events.put((time.perf_counter(), name, data))

    def start(self, iterations: int = ENDLESS) -> tuple[str, float]:
        """The id of a Monte Carlo that was just asked for, and when it was."""
        self._number += 1
        name = f"run-{self._number}"
        body = monte_carlo(iterations, self._number)
        began = time.perf_counter()
        self.client.emit(
            "start_analysis", {"analysis_id": name, "type": "monte_carlo", **body}
        )
        return name, began

    def cancel(self, name: str) -> float:
        began = time.perf_counter()
        self.client.emit("cancel_analysis", {"analysis_id": name})
        return began

    def next(self, name: str, *analyses: str) -> tuple[float, dict[str, Any]]:
        """When the next event `name` of one of `analyses` came, and its data."""
        while True:
            came, kind, data = self._events.get(timeout=PATIENCE_S)
            if kind == "error":
                raise RuntimeError(f"the server answers {data}")
            if kind == name and data["analysis_id"] in analyses:
                return came, data


Milliseconds = dict[str, list[float]]


def first_progress_and_cancel(server: Server, trials: int) -> Milliseconds:
    names = ("first progress", "first progress with numbers", "cooperative cancel")
    taken: Milliseconds = {name: [] for name in names}
    watcher = Watcher(server)
    for _ in range(trials):
        name, began = watcher.start()
        came, data = watcher.next("progress_update", name)
        taken[names[0]].append(1e3 * (came - began))
        while not (data["latest_results"] or {}).get("n"):
            came, data = watcher.next("progress_update", name)
        taken[names[1]].append(1e3 * (came - began))
        began = watcher.cancel(name)
        came, _ = watcher.next("analysis_cancelled", name)
        taken[names[2]].append(1e3 * (came - began))
        time.sleep(0.05)
    watcher.client.disconnect()
    return taken


def hard_cancel(server: Server, trials: int) -> Milliseconds:
    """Workers that were stopped in the middle of a job, a few at a time."""
    taken: list[float] = []
    watcher = Watcher(server)
    while len(taken) < trials:
        running: dict[str, float] = {}
        deaf: set[int] = set()
        for _ in range(min(DEAF_AT_ONCE, trials - len(taken))):
            name, _ = watcher.start()
            watcher.next("progress_update", name)
            worker = server.busy_worker(but=deaf)
            os.kill(worker.pid, signal.SIGSTOP)
            deaf.add(worker.pid)
            running[name] = 0.0
        time.sleep(0.3)  # the last frames arrive
        for name in running:
            running[name] = watcher.cancel(name)
        while running:
            came, data = watcher.next("analysis_cancelled", *running)
            taken.append(1e3 * (came - running.pop(data["analysis_id"])))
        wait_for_spares(server, DEAF_AT_ONCE + 2)
    watcher.client.disconnect()
    return {"hard cancel": taken}


def deaths(server: Server, trials: int) -> Milliseconds:
    """Workers killed in the middle of a job, as seen on the job's event stream."""
    taken: list[float] = []
    for seed in range(trials):
        name = server.start(monte_carlo(ENDLESS, seed))
        retried: queue.Queue[float] = queue.Queue()
        listener = threading.Thread(target=listen, args=(server, name, retried))
        listener.start()
        server.wait_for(name, "running")
        worker = server.busy_worker()
        began = time.perf_counter()
        worker.kill()
        taken.append(1e3 * (retried.get(timeout=PATIENCE_S) - began))
        server.cancel(name)
        listener.join()
        wait_for_spares(server, 3)
    return {"death of a worker": taken}


def listen(server: Server, name: str, retried: queue.Queue[float]) -> None:
    """Follow a job's events; note when it is tried again."""
    url = f"{server.url}/api/jobs/{name}/stream"
    with requests.get(url, stream=True, timeout=PATIENCE_S) as answer:
        for line in answer.iter_lines(chunk_size=1):
            if line == b"event: retried":
                retried.put(time.perf_counter())
            if line.startswith(b"data: ") and json.loads(line[6:]).get("reason"):
                return


def wait_for_spares(server: Server, count: int) -> None:
    """Until there are `count` workers and none of them imports or computes."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        before = server.worker_seconds()
        time.sleep(0.1)
        after = server.worker_seconds()
        idle = sum(after.values()) - sum(before.values()) < 0.02
        if len(after) >= count and before.keys() == after.keys() and idle:
            return
    raise RuntimeError(f"{count} workers are wanted, there are {len(after)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    trials = 10 if args.quick else args.trials
    taken: Milliseconds = {}
    busy: dict[str, str] = {}
    for slots, measure in (
        (1, first_progress_and_cancel),
        (DEAF_AT_ONCE, hard_cancel),
        (1, deaths),
    ):
        with Server(MAX_CONCURRENT_JOBS=slots) as server:
            wait_for_spares(server, slots + 2)  # the quick slot's and one more
            found = measure(server, trials)
        taken |= found
        busy |= dict.fromkeys(found, load())
    table(
        f"What a person waits for, milliseconds, {trials} trials each",
        ("", "p50", "p95", "min", "max", "aim of p95", "load"),
        [
            (
                name,
                *(f"{quantile(ms, q):.0f}" for q in (0.5, 0.95)),
                f"{min(ms):.0f}",
                f"{max(ms):.0f}",
                verdict(quantile(ms, 0.95), AIMS_MS[name], "{:.0f}"),
                busy[name],
            )
            for name, ms in taken.items()
        ],
    )


if __name__ == "__main__":
    main()

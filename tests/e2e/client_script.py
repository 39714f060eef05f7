"""What a user's script does, against a running server: `python client_script.py URL`.

Socket.IO by python-socketio, server-sent events by requests, raw WebSockets by
websocket-client. It knows nothing of the server but its address and its promises, so
the same script is run against every way of serving.
"""

from __future__ import annotations

import json
import queue
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import requests
import socketio
import websocket

#: Seconds that any single event may take to come.
PATIENCE_S = 60.0

BARE_ERECTED_COST = {
    "id": "S11",
    "distribution": {"kind": "normal", "mean": 200_000, "std": 20_000},
}


class Watcher:
    """A Socket.IO client that keeps every event in the order it came."""

    def __init__(self, url: str, transports: list[str] | None = None) -> None:
        self.events: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", lambda name, data=None: self.events.put((name, data)))
        self.client.connect(url, transports=transports, wait_timeout=PATIENCE_S)

    def ask(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What the server acknowledges."""
        answer = self.client.call(event, payload, timeout=PATIENCE_S)
        assert isinstance(answer, dict), answer
        return answer

    def next(self, name: str) -> Any:
        """Data of the next event called `name`; those before it are dropped."""
        return self.until(name)[-1][1]

    def until(self, name: str) -> list[tuple[str, Any]]:
        """All events up to the next one called `name`, which is the last."""
        seen: list[tuple[str, Any]] = []
        while not seen or seen[-1][0] != name:
            try:
                seen.append(self.events.get(timeout=PATIENCE_S))
            except queue.Empty:
                raise AssertionError(f"no {name} after {seen}") from None
        return seen

    def close(self) -> None:
        self.client.disconnect()


def new_id(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:12]}"


def start_monte_carlo(watcher: Watcher, iterations: int, seed: int = 1) -> str:
    """The id of a Monte Carlo that has just been started."""
    name = new_id("monte-carlo-run")
    answer = watcher.ask(
        "start_analysis",
        {
            "analysis_id": name,
            "type": "monte_carlo",
            "parameters": [BARE_ERECTED_COST],
            "iterations": iterations,
            "total_steps": 50,
            "config": {"seed": seed},
        },
    )
    assert answer["ok"], answer
    return name


def a_connection_is_greeted(url: str) -> None:
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        watcher = Watcher(url, transports)
        assert watcher.next("connection_status")["status"] == "connected"
        assert watcher.client.transport() == transports[-1]
        watcher.close()


def a_monte_carlo_is_watched_to_its_end(url: str) -> None:
    watcher = Watcher(url)
    name = start_monte_carlo(watcher, iterations=1_000_000)
    started = watcher.next("analysis_started")
    assert started["analysis_id"] == name and started["status"] == "started"
    seen = watcher.until("analysis_complete")
    updates = [data for kind, data in seen if kind == "progress_update"]
    # python-socketio's client runs each handler in a thread of its own, so the order
    # here is not that of the wire; client.mjs looks at that.
    updates.sort(key=lambda update: update["seq"])
    progress = [update["progress"] for update in updates]
    assert progress and progress == sorted(progress), progress
    assert all(0 <= p <= 100 for p in progress)
    numbers = [update["seq"] for update in updates]
    assert len(numbers) == len(set(numbers))
    complete = seen[-1][1]
    assert complete["analysis_id"] == name and complete["status"] == "complete"
    assert complete["errors"] == []
    results = complete["results"]["results"]
    # Version 1 costs 2.00579 a unit and rises with S11: the mean lies beside it.
    assert abs(results["mean"] - 2.00579) < 0.01, results["mean"]
    assert results["std"] > 0 and results["distribution"]
    watcher.close()


def the_same_seed_gives_the_same_result_over_rest(url: str) -> None:
    watcher = Watcher(url)
    name = start_monte_carlo(watcher, iterations=20_000, seed=7)
    over_socket = watcher.next("analysis_complete")["results"]["results"]
    body = {
        "parameters": [BARE_ERECTED_COST],
        "iterations": 20_000,
        "config": {"seed": 7},
    }
    answer = requests.post(
        f"{url}/sensitivity/monte-carlo",
        json=body,
        headers={"Prefer": "wait=55"},
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"]["mean"] == over_socket["mean"]
    stored = requests.get(f"{url}/api/jobs/{name}/result", timeout=PATIENCE_S)
    assert stored.json()["results"]["mean"] == over_socket["mean"]
    watcher.close()


def a_job_is_followed_by_server_sent_events(url: str) -> None:
    body = {
        "kind": "sensitivity.monte_carlo",
        "params": {"parameters": [BARE_ERECTED_COST], "iterations": 1_000_000},
    }
    answer = requests.post(f"{url}/api/jobs", json=body, timeout=PATIENCE_S)
    assert answer.status_code == 202, answer.text
    name = answer.json()["job_id"]
    events = list(server_sent_events(f"{url}/api/jobs/{name}/stream"))
    assert [e["event"] for e in events][-2:] == ["completed", "close"], events
    numbers = [int(e["id"]) for e in events if "id" in e]
    assert numbers == sorted(set(numbers))
    again = list(server_sent_events(f"{url}/api/jobs/{name}/stream", str(numbers[-2])))
    assert [int(e["id"]) for e in again if "id" in e] == numbers[-1:]


def server_sent_events(url: str, last_id: str = "") -> Iterator[dict[str, Any]]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with requests.get(url, stream=True, headers=headers, timeout=PATIENCE_S) as answer:
        assert answer.status_code == 200, answer.text
        event: dict[str, Any] = {}
        for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
            if not line and "event" in event:
                yield event
                event = {}
            name, _, value = line.partition(": ")
            if name:
                event[name] = json.loads(value) if name == "data" else value


def a_running_analysis_is_cancelled(url: str) -> None:
    watcher = Watcher(url)
    name = start_monte_carlo(watcher, iterations=100_000_000)
    watcher.next("progress_update")
    assert watcher.ask("cancel_analysis", {"analysis_id": name})["ok"]
    assert watcher.next("analysis_cancelled")["analysis_id"] == name
    time.sleep(0.5)
    after = [watcher.events.get() for _ in range(watcher.events.qsize())]
    assert "analysis_complete" not in [kind for kind, _ in after]
    job = requests.get(f"{url}/api/jobs/{name}", timeout=PATIENCE_S).json()
    assert job["status"] == "cancelled", job
    watcher.close()


def the_seeds_own_flow_is_driven_by_its_client(url: str) -> None:
    watcher = Watcher(url)
    name = new_id("seed")
    start = {
        "analysis_id": name,
        "type": "sensitivity",
        "parameters": {"param1": {"range": [0, 100]}},
        "total_steps": 5,
    }
    assert watcher.ask("start_analysis", start)["ok"]
    assert watcher.next("analysis_started")["analysis_id"] == name
    for step in range(1, 6):
        update = {
            "analysis_id": name,
            "step": step,
            "status": "running" if step < 5 else "complete",
            "results": {"value": step * 10},
        }
        assert watcher.ask("update_progress", update)["ok"]
        if step < 5:
            told = watcher.next("progress_update")
            while told["step"] < step:  # the state at the start counts as one, too
                told = watcher.next("progress_update")
            assert told["progress"] == step * 20 and told["total_steps"] == 5
    complete = watcher.next("analysis_complete")
    assert complete["status"] == "complete" and complete["results"] == {"value": 50}
    watcher.close()


def a_wrong_start_is_refused_in_the_seeds_words(url: str) -> None:
    watcher = Watcher(url)
    refused = watcher.ask("start_analysis", {"type": "sensitivity", "parameters": []})
    assert not refused["ok"]
    error = watcher.next("error")
    assert error["code"] == "VALIDATION_ERROR"
    assert error["message"] == "Analysis ID is required"
    watcher.close()


def a_raw_websocket_sees_progress_and_result(url: str) -> None:
    watcher = Watcher(url)
    name = start_monte_carlo(watcher, iterations=1_000_000)
    address = url.replace("http", "ws", 1) + f"/realtime?analysis_id={name}"
    raw = websocket.create_connection(address, timeout=PATIENCE_S)
    types: list[str] = []
    while not types or types[-1] != "calculation_complete":
        message = json.loads(raw.recv())
        assert message["analysis_id"] == name
        types.append(message["type"])
    assert set(types) <= {"analysis_progress", "calculation_complete"}
    raw.close()
    watcher.close()


STEPS: tuple[Callable[[str], None], ...] = (
    a_connection_is_greeted,
    a_monte_carlo_is_watched_to_its_end,
    the_same_seed_gives_the_same_result_over_rest,
    a_job_is_followed_by_server_sent_events,
    a_running_analysis_is_cancelled,
    the_seeds_own_flow_is_driven_by_its_client,
    a_wrong_start_is_refused_in_the_seeds_words,
    a_raw_websocket_sees_progress_and_result,
)


def main(url: str) -> None:
    for step in STEPS:
        began = time.monotonic()
        step(url.rstrip("/"))
        took = time.monotonic() - began
        print(f"ok  {step.__name__.replace('_', ' ')}  ({took:.1f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""A server that is killed in the middle of its work loses nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.e2e.conftest import Server, StartServer

LONG = {
    "kind": "sensitivity.monte_carlo",
    "params": {
        "parameters": [{"id": "S11", "range": {"min": 150_000, "max": 250_000}}],
        "iterations": 60_000_000,
        "config": {"sampling": "random", "seed": 1},
    },
}


def job(server: Server, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(
        f"{server.url}/api/jobs/{job_id}", timeout=60
    ).json()
    return found


def until(server: Server, job_id: str, wanted: str, seconds: float) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = job(server, job_id)
        if found["status"] == wanted:
            return found
        assert found["status"] != "failed", found["error"]
        time.sleep(0.1)
    raise AssertionError(f"not {wanted} within {seconds} s: {found}")


def test_kill_9_of_the_server_loses_neither_running_nor_queued_jobs(
    server: StartServer, tmp_path: Path
) -> None:
    settings = {"fresh": True, "folder": tmp_path, "MAX_CONCURRENT_JOBS": 1}
    first = server("dev", **settings)
    made = []
    for seed in (1, 2):
        LONG["params"]["config"]["seed"] = seed  # type: ignore[index]
        answer = requests.post(f"{first.url}/api/jobs", json=LONG, timeout=60)
        assert answer.status_code == 202, answer.text
        made.append(answer.json()["job_id"])
    running, queued = made
    until(first, running, "running", 60)
    assert job(first, queued)["status"] == "pending"

    family = first.family()
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(60)
    _, left = psutil.wait_procs(family, timeout=60)
    assert not left, "workers must leave when their server is gone"

    second = server("dev", **settings)
    assert until(second, running, "completed", 120)["attempts"] == 2
    assert until(second, queued, "completed", 120)["attempts"] == 1
    events = requests.get(f"{second.url}/api/jobs/{running}/events", timeout=60).json()[
        "events"
    ]
    assert "retried" in [event["type"] for event in events]
    numbers = [event["seq"] for event in events]
    assert numbers == sorted(set(numbers))


def test_ctrl_c_leaves_no_process_behind_and_gives_jobs_back(
    server: StartServer, tmp_path: Path
) -> None:
    settings = {"fresh": True, "folder": tmp_path, "MAX_CONCURRENT_JOBS": 1}
    first = server("dev", **settings)
    made = requests.post(f"{first.url}/api/jobs", json=LONG, timeout=60).json()[
        "job_id"
    ]
    until(first, made, "running", 60)
    first.stop(signal.SIGINT)  # how soon it is gone, test_two_commands.py judges
    second = server("dev", **settings)
    done = until(second, made, "completed", 120)
    events = requests.get(f"{second.url}/api/jobs/{made}/events", timeout=60).json()
    assert done["attempts"] == 1, events

"""The same bits, however many workers there are: real processes, 1, 2 and 4 slots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

NORMAL = {"distribution": {"kind": "normal", "mean": 1, "std": 0.5}}
MODEL = {
    "formula": "exp(a / 2) + a * b - c",
    "inputs": {"a": NORMAL, "b": [0, 2], "c": NORMAL},
}
TIED = {"pairs": [["a", "c", 0.6]]}


def judged(method: str, **config: Any) -> tuple[str, dict[str, Any]]:
    body = {"method": method, "model": MODEL, "parameters": [{}]}
    return "sensitivity.analyze", body | {"config": {"seed": 7, **config}}


def drawn(sampling: str, **config: Any) -> tuple[str, dict[str, Any]]:
    body = {"model": MODEL, "parameters": [{}], "iterations": 40_000}
    return "sensitivity.monte_carlo", body | {
        "config": {"seed": 7, "sampling": sampling, **config}
    }


#: More than there are slots, so that they meet in every worker.
JOBS = {
    "sobol": judged("sobol", samples=1024, resamples=50, second_order=True),
    "morris": judged("morris", samples=20, resamples=50),
    "shapley": judged("shapley", samples=512, correlation=TIED),
    "prcc": judged("prcc", samples=2000, correlation=TIED),
    "pawn": judged("pawn", samples=2000, correlation=TIED),
    "delta": judged("delta", samples=500, resamples=10),
    "fast": judged("fast", samples=257),
    "rbd_fast": judged("rbd_fast", samples=1000),
    "sobol points": drawn("sobol", correlation=TIED),
    "hypercube": drawn("lhs", correlation=TIED, replicates=4),
    "random points": drawn("random", stop={"metric": "p90", "relative_error": 0.01}),
}


def answers(app: Flask) -> dict[str, Any]:
    """Results of all jobs, started at once and computed in worker processes."""
    client, numbers = app.test_client(), {}
    for name, (kind, params) in JOBS.items():
        made = client.post("/api/jobs", json={"kind": kind, "params": params})
        assert made.status_code == 202, made.json
        numbers[name] = made.headers["X-Job-ID"]
    found, until = {}, time.monotonic() + 240
    for name, number in numbers.items():
        while True:
            state = client.get(f"/api/jobs/{number}").json
            assert state is not None
            if state["status"] == "completed":
                break
            assert state["status"] in ("pending", "queued", "running"), state
            assert time.monotonic() < until, state
            time.sleep(0.02)
        answer: Any = client.get(f"/api/jobs/{number}/result").json
        assert answer["metadata"].pop("timestamp")
        found[name] = answer
    return found


@pytest.mark.timeout(900)
def test_one_two_and_four_slots_give_the_same_bits(
    make_app: Callable[..., Flask],
) -> None:
    seen = []
    for slots in (1, 2, 4):
        app = make_app(job_executor="local", max_concurrent_jobs=slots, worker_nice=0)
        seen.append(answers(app))
        app.extensions["drain"]("enough seen")
    for name in JOBS:
        # JSON tells every bit of a number: the shortest text that reads back as it
        assert seen[0][name] == seen[1][name] == seen[2][name], name

"""A Monte Carlo of ten inputs through the whole service, and where its time goes.

First request to result: POST /sensitivity/monte-carlo on gunicorn with eventlet, one
worker process. Then the same analysis in this process, with a clock around each stage:
processor time, stages that do not overlap.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.plant import monte_carlo
from benchmarks.server import Server
from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.analysis import Context
from flask_api.domains.price.model import PriceModel
from flask_api.domains.sensitivity import job
from flask_api.domains.sensitivity.schema import MonteCarloRequest
from flask_api.jobs.worker import Reporter
from flask_api.numerics import distributions
from flask_api.numerics import monte_carlo as driver
from flask_api.numerics.designs import SobolDesign
from flask_api.numerics.summary import Summary
from flask_api.validation import validate

ALONE = "(of all this: each input alone)"
_PPF = [
    (kind, "ppf") for kind in vars(distributions).values()
    if isinstance(kind, type) and "ppf" in vars(kind)
]  # fmt: skip
#: Stage -> where the functions stand whose whole time it is; none calls another.
STAGES: dict[str, list[tuple[Any, str]]] = {
    "sampling: Sobol points": [(SobolDesign, "block")],
    "inverse distributions (ppf)": _PPF,
    "model: exact price": [(PriceModel, "evaluate")],
    "statistics of each block": [(Summary, "add")],
    "draws kept for contribution": [(driver._Sample, "add")],
    "live pictures and reports": [(Summary, "live"), (Reporter, "__call__")],
    "quantiles and final report": [(Summary, "report")],
    "which input matters": [(driver, "rank_correlation"), (driver, "variance_share")],
    ALONE: [(job, "_alone")],
}


@contextmanager
def clocked(owner: Any, name: str, spent: Callable[[float], None]) -> Iterator[None]:
    """While open, each call of a function tells its processor seconds to `spent`."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent(time.process_time() - began)

    setattr(owner, name, call)
    try:
        yield
    finally:
        setattr(owner, name, function)


def through_the_service(server: Server, body: dict[str, Any]) -> dict[str, float]:
    """Seconds from request to result, and what the job says of itself."""
    before = server.worker_seconds()
    began = time.perf_counter()
    answer = server.run(body)
    whole = time.perf_counter() - began
    used = server.worker_seconds()
    told = server.job(answer.headers["X-Job-ID"])
    queued, ran = float(told["queue_seconds"]), float(told["run_seconds"])
    return {
        "request to result": whole,
        "waiting in the queue": queued,
        "running in the worker": ran,
        "HTTP, submit, answer": whole - queued - ran,
        "(processor time of the worker)": max(
            seconds - before.get(process, 0) for process, seconds in used.items()
        ),
    }


def in_this_process(body: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Processor seconds of the worker's own code: all, and per stage."""
    request = validate(MonteCarloRequest, body)
    stages = dict.fromkeys(STAGES, 0.0)
    frames: list[dict[str, Any]] = []
    reporter = Reporter(frames.append)
    with ExitStack() as clocks:
        for stage, functions in STAGES.items():

            def spent(seconds: float, stage: str = stage) -> None:
                stages[stage] += seconds

            for owner, name in functions:
                clocks.enter_context(clocked(owner, name, spent))
        began = time.process_time()
        job.monte_carlo(request, reporter, Context())
        whole = time.process_time() - began
    reporter.close()
    alone = stages.pop(ALONE)
    stages["all else"] = whole - sum(stages.values())
    return whole, {**stages, ALONE: alone}


def measure(
    what: str,
    body: Callable[[int, int], dict[str, Any]],
    iterations: int,
    rounds: int,
) -> list[float]:
    """Print where the time of a Monte Carlo goes; returns seconds request to result.

    body   the request for so many draws and a seed
    """
    served: dict[str, list[float]] = {}
    inside: dict[str, list[float]] = {}
    wholes, loads = [], []
    in_this_process(body(10_000, 0))  # imports, first calls
    with Server(MAX_CONCURRENT_JOBS=1) as server:
        server.run(body(10_000, 0))
        for seed in range(1, rounds + 1):
            request = body(iterations, seed)
            for name, value in through_the_service(server, request).items():
                served.setdefault(name, []).append(value)
            whole, stages = in_this_process(request)
            wholes.append(whole)
            for name, value in stages.items():
                inside.setdefault(name, []).append(value)
            loads.append(load())
    what = f"{iterations:,} {what}, {rounds} rounds"
    table(
        f"Through the whole service: {what}; load {', '.join(loads)}",
        ("wall clock", "seconds"),
        [(name, spread(values, "{:.3f}")) for name, values in served.items()],
    )
    lines = [("all of it", spread(wholes, "{:.3f}"), "100 %")]
    for name, values in inside.items():
        shares = [100 * v / w for v, w in zip(values, wholes, strict=True)]
        lines.append((name, spread(values, "{:.3f}"), spread(shares, "{:.0f}") + " %"))
    table(
        f"Where the running goes: the same code in this process, {what}",
        ("processor time", "seconds", "share"),
        lines,
    )
    return served["request to result"]


def options(about: str | None) -> argparse.Namespace:
    """What the command line asks for: `iterations` and `rounds`."""
    on_one_thread()
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--iterations", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.iterations, args.rounds = 200_000, 3
    return args


def main() -> None:
    args = options(__doc__)
    measure("draws x 10 inputs", monte_carlo, args.iterations, args.rounds)


if __name__ == "__main__":
    main()

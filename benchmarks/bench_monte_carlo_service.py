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


def through_the_service(server: Server, iterations: int, seed: int) -> dict[str, float]:
    """Seconds from request to result, and what the job says of itself."""
    began = time.perf_counter()
    answer = server.run(monte_carlo(iterations, seed))
    whole = time.perf_counter() - began
    told = server.job(answer.headers["X-Job-ID"])
    queued, ran = float(told["queue_seconds"]), float(told["run_seconds"])
    return {
        "request to result": whole,
        "waiting in the queue": queued,
        "running in the worker": ran,
        "HTTP, submit, answer": whole - queued - ran,
    }


def in_this_process(iterations: int, seed: int) -> tuple[float, dict[str, float]]:
    """Processor seconds of the worker's own code: all, and per stage."""
    request = validate(MonteCarloRequest, monte_carlo(iterations, seed))
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


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.iterations, args.rounds = 200_000, 3
    served: dict[str, list[float]] = {}
    inside: dict[str, list[float]] = {}
    wholes, loads = [], []
    in_this_process(10_000, 0)  # imports, first calls
    with Server(MAX_CONCURRENT_JOBS=1) as server:
        for seed in range(1, args.rounds + 1):
            for name, value in through_the_service(
                server, args.iterations, seed
            ).items():
                served.setdefault(name, []).append(value)
            whole, stages = in_this_process(args.iterations, seed)
            wholes.append(whole)
            for name, value in stages.items():
                inside.setdefault(name, []).append(value)
            loads.append(load())
    what = f"{args.iterations:,} draws x 10 inputs, {args.rounds} rounds"
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


if __name__ == "__main__":
    main()

"""Processor time of Morris, PAWN, delta, PCC and PRCC, on one thread, beside the peers.

SALib samples and judges with the same settings, and both judge one sample; OpenTURNS
computes partial correlations and regression coefficients of the same rows. Where an
answer is not random, it must be the same. The model is a sum of a few products: it
costs nothing beside the methods.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import openturns as ot
from SALib.analyze import delta as salib_delta
from SALib.analyze import morris as salib_morris
from SALib.analyze import pawn as salib_pawn
from SALib.sample.morris import sample as salib_walks

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.sensitivity.given_data import delta, pawn, regression
from flask_api.domains.sensitivity.given_data.density_shift import class_count
from flask_api.domains.sensitivity.given_data.linear_fit import fit
from flask_api.domains.sensitivity.given_data.sample import GivenData
from flask_api.domains.sensitivity.screening.morris import morris
from flask_api.numerics.distributions import Distribution, make
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
Work = Callable[[], Any]

AIM = 10.0
INPUTS = 10
RESAMPLES = 100
NAMES = [f"x{i}" for i in range(INPUTS)]


def answer(x: Floats) -> Floats:
    """The model: a line, a curve and a product, some inputs idle."""
    return 3 * x[0] + 8 * (x[1] - 0.5) ** 2 + x[2] * x[3] + 0.5 * x[4] - x[5]


def problem() -> dict[str, Any]:
    """SALib's own copy: it writes into what it is given."""
    return {"num_vars": INPUTS, "names": NAMES, "bounds": [[0.0, 1.0]] * INPUTS}


def given(n: int) -> GivenData:
    """One sample, the same for all who judge it."""
    x = stream(0).random((INPUTS, n))
    return GivenData(NAMES, n, n, x, {"y": answer(x)})


def our_morris(walks: int, candidates: int) -> dict[str, Any]:
    """From the choice of trajectories to the report."""
    unit: dict[str, Distribution] = {
        name: make({"kind": "uniform", "low": 0, "high": 1}) for name in NAMES
    }
    *_, state = morris(
        lambda x: {"y": answer(np.stack(list(x.values())))},
        unit,
        ["y"],
        walks,
        seed=0,
        candidates=candidates,
        resamples=RESAMPLES,
    )
    return state.report("y")


def their_morris(walks: int, candidates: int) -> Any:
    """The same with SALib; its local search is Ruano's."""
    chosen = walks if candidates else None
    x = salib_walks(problem(), candidates or walks, optimal_trajectories=chosen, seed=0)
    return salib_morris.analyze(
        problem(), x, answer(x.T), num_resamples=RESAMPLES, seed=0
    )


def our_delta(data: GivenData) -> dict[str, Any]:
    """Delta with intervals, first-order indices with intervals, and a dummy input."""
    return delta.judge(data, "y", seed=0, resamples=RESAMPLES, confidence=0.95)


def their_delta(data: GivenData) -> list[float]:
    """The delta called raw, and the first-order index, with their bootstraps."""
    n, y = data.total, data.y["y"]
    edges = np.linspace(0, n, class_count(n) + 1)
    points = np.linspace(y.min(), y.max(), 100)
    found = []
    for row in data.x:
        one, *_ = salib_delta.bias_reduced_delta(
            y, points, row, edges, RESAMPLES, 0.95, n, "raw", None, "x", 10
        )
        salib_delta.sobol_first(y, row, edges)
        salib_delta.sobol_first_conf(y, row, edges, RESAMPLES, 0.95, n)
        found.append(float(one))
    return found


def their_coefficients(data: GivenData, ranked: bool) -> list[float]:
    """Partial correlations and regression coefficients of OpenTURNS."""
    rows = ot.Sample(data.x.T.copy())
    peer = ot.CorrelationAnalysis(rows, ot.Sample(data.y["y"][:, None]))
    if ranked:
        return [*peer.computePRCC(), *peer.computeSRRC()]
    return [*peer.computePCC(), *peer.computeSRC()]


def our_coefficients(data: GivenData, ranked: bool) -> dict[str, Any]:
    """The same with intervals and p-values."""
    return regression.judge(data, "y", ranked=ranked, confidence=0.95)


def must_agree(data: GivenData, few: GivenData) -> None:
    """Two programs that judge the same rows have to come to the same numbers."""
    ours = pawn.judge(data, "y", seed=0, slices=10, dummies=0)
    theirs = salib_pawn.analyze(problem(), data.x.T, data.y["y"])
    pairs = [(list(ours["median"].values()), theirs["median"], 1e-12)]
    for ranked in (False, True):
        found = fit(data.x, data.y["y"], ranked)
        assert found is not None
        both = [*found.partial, *found.standardised]
        pairs.append((both, their_coefficients(data, ranked), 1e-9))
    n, y = few.total, few.y["y"]
    edges = np.linspace(0, n, class_count(n) + 1)
    points = np.linspace(y.min(), y.max(), 100)
    plain = [salib_delta.calc_delta(y, points, row, edges) for row in few.x]
    pairs.append((list(our_delta(few)["delta_raw"].values()), plain, 1e-12))
    for mine, other, close in pairs:
        worst = float(np.abs(np.asarray(mine) - np.asarray(other)).max())
        if not worst <= close:
            raise RuntimeError(f"a peer and we differ by {worst:.1e}")


def cases(rows: int, few: int) -> Iterator[tuple[str, str, Work, Work]]:
    """(what, peer, ours, theirs)."""
    data, small = given(rows), given(few)
    salib = f"SALib {metadata.version('SALib')}"
    turns = f"OpenTURNS {metadata.version('openturns')}"
    yield (
        "Morris, 1,000 random trajectories",
        salib,
        lambda: our_morris(1_000, 0),
        lambda: their_morris(1_000, 0),
    )
    yield (
        "Morris, 20 of 200 trajectories, far apart",
        salib,
        lambda: our_morris(20, 200),
        lambda: their_morris(20, 200),
    )
    yield (
        f"PAWN, {rows:,} rows, 10 slices",
        salib,
        lambda: pawn.judge(data, "y", seed=0, slices=10, dummies=0),
        lambda: salib_pawn.analyze(problem(), data.x.T, data.y["y"]),
    )
    yield (
        f"PAWN, {rows:,} rows, ours with 64 dummies",
        salib,
        lambda: pawn.judge(data, "y", seed=0, slices=10, dummies=64),
        lambda: salib_pawn.analyze(problem(), data.x.T, data.y["y"]),
    )
    yield (
        f"delta raw and S1, {few:,} rows, ours with a dummy",
        salib,
        lambda: our_delta(small),
        lambda: their_delta(small),
    )
    for ranked, what in ((False, "PCC and SRC"), (True, "PRCC and SRRC")):
        yield (
            f"{what}, {rows:,} rows, ours with intervals",
            turns,
            partial(our_coefficients, data, ranked),
            partial(their_coefficients, data, ranked),
        )


def seconds(work: Work) -> float:
    """Processor seconds of one run, the mean of as many as take 0.05 s."""
    began, runs = time.process_time(), 0
    while True:
        work()
        runs += 1
        taken = time.process_time() - began
        if taken > 0.05:
            return taken / runs


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=2_000, help="rows of delta")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rows, args.few, args.rounds = 2_000, 500, 1
    must_agree(given(args.rows), given(args.few))
    lines: list[tuple[object, ...]] = []
    loads = []
    for what, peer, ours, theirs in cases(args.rows, args.few):
        ours()  # first use reads tables
        pairs = [(seconds(ours), seconds(theirs)) for _ in range(args.rounds)]
        loads.append(load())
        times = [b / a for a, b in pairs]
        aim = AIM if peer.startswith("SALib") else math.nan
        met = "" if math.isnan(aim) else verdict(statistics.median(times), aim)
        lines.append(
            (
                what,
                spread([1e3 * a for a, _ in pairs], "{:,.2f}"),
                spread([1e3 * b for _, b in pairs], "{:,.1f}"),
                peer,
                spread(times),
                met,
            )
        )
    table(
        f"Screening: processor milliseconds, one thread, {INPUTS} inputs, "
        f"{RESAMPLES} resamples, {args.rounds} rounds; load {', '.join(loads)}",
        ("work", "ours", "peer's", "peer", "x", f"aim >= {AIM:.0f} x"),
        lines,
    )


def verdict(ratio: float, aim: float) -> str:
    """Whether the aim is met."""
    return "met" if ratio >= aim else "MISSED"


if __name__ == "__main__":
    main()

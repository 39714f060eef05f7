"""Processor time of one internal rate of return, on one thread, beside two peers.

The same cash flows are solved by our whole-array solver (compiled, and the numpy path
it falls back to), by pyxirr.irr in a loop, and by numpy-financial in a loop where that
is installed. All must give the same rates.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import pyxirr
from numpy.typing import NDArray

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.price.measures import irr

Floats = NDArray[np.float64]
AIM = 8.0
#: pyxirr stops when a step is below 1e-9 or so; the others go on to the last digits.
SAME = 1e-8


def plants(years: int, flows: int, rng: np.random.Generator) -> Floats:
    """Cash flows of plants: construction, then a level income that scatters."""
    cash = rng.uniform(5, 30, flows) * rng.uniform(0.7, 1.3, (years, flows))
    cash[0] = -rng.uniform(50, 200, flows)
    return cash


def turning(years: int, flows: int, rng: np.random.Generator) -> Floats:
    """Plants with a large replacement half-way and a clean-up at the end."""
    cash = plants(years, flows, rng)
    cash[years // 2] -= rng.uniform(10, 60, flows)
    cash[-1] = -rng.uniform(5, 40, flows)
    return cash


def whole_array(cash: Floats, compiled: bool) -> Floats:
    """Our rates, through the compiled kernel or without it."""
    before = irr.COMPILED_FROM
    irr.COMPILED_FROM = 0 if compiled else cash.size
    try:
        return irr.internal_rate(cash, 0.1)
    finally:
        irr.COMPILED_FROM = before


def loop(one: Callable[[Any], Any]) -> Callable[[list[Floats]], Floats]:
    """A peer that solves one flow at a time."""
    return lambda rows: np.array([one(row) for row in rows], dtype=float)


def must_agree(ours: Floats, theirs: Floats, peer: str) -> None:
    """Two solvers of one flow have to find one rate."""
    ours = ours[: len(theirs)]
    if (np.isnan(ours) != np.isnan(theirs)).any():
        raise RuntimeError(f"{peer} and we differ on whether there is a rate")
    worst = float(np.nanmax(np.abs(ours - theirs)))
    if not worst <= SAME:
        raise RuntimeError(f"{peer} and we differ by {worst:.1e}")


def ns(solve: Callable[[], Floats]) -> tuple[float, Floats]:
    """Nanoseconds of processor time for one rate, and the rates."""
    began = time.process_time()
    rates = solve()
    return 1e9 * (time.process_time() - began) / len(rates), rates


def peers() -> dict[str, Callable[[list[Floats]], Floats]]:
    """The peers that are installed."""
    found = {f"pyxirr {metadata.version('pyxirr')}, loop": loop(pyxirr.irr)}
    if importlib.util.find_spec("numpy_financial") is not None:
        financial = importlib.import_module("numpy_financial")
        release = metadata.version("numpy-financial")
        found[f"numpy-financial {release}, loop"] = loop(financial.irr)
    return found


def measure(
    cash: Floats, peer_rows: int, rounds: int, unique: bool
) -> tuple[dict[str, list[float]], list[str]]:
    """Nanoseconds a rate of each solver, round by round, and the machine's load."""
    rows = list(cash.T[:peer_rows].copy())
    times: dict[str, list[float]] = {}
    loads = []
    for _ in range(rounds):
        taken, ours = ns(lambda: whole_array(cash, compiled=True))
        times.setdefault("ours, compiled", []).append(taken)
        taken, plain = ns(lambda: whole_array(cash, compiled=False))
        times.setdefault("ours, numpy", []).append(taken)
        must_agree(ours, plain, "the numpy path")
        for name, solve in peers().items() if unique else ():
            taken, theirs = ns(lambda solve=solve: solve(rows))  # type: ignore[misc]
            times.setdefault(name, []).append(taken)
            must_agree(ours, theirs, name)
        loads.append(load())
    return times, loads


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=100_000)
    parser.add_argument("--peer-flows", type=int, default=20_000)
    parser.add_argument("--years", type=int, default=21)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.peer_flows, args.rounds = 5_000, 3
    rng = np.random.default_rng(0)
    whole_array(plants(args.years, 1000, rng), compiled=True)  # compiles, or loads
    cash = plants(args.years, args.flows, rng)
    times, loads = measure(cash, args.peer_flows, args.rounds, unique=True)
    several, more = measure(
        turning(args.years, args.flows, rng), 0, args.rounds, unique=False
    )
    ours = times["ours, compiled"]
    lines: list[tuple[object, ...]] = [
        (
            name,
            spread(each, "{:,.0f}"),
            spread([b / a for a, b in zip(ours, each, strict=True)]),
        )
        for name, each in times.items()
    ]
    lines += [
        (f"{name}, flows that turn thrice", spread(each, "{:,.0f}"), "")
        for name, each in several.items()
    ]
    table(
        f"Internal rate of return: processor time, one thread, {args.flows:,} flows of "
        f"{args.years} years (peers {args.peer_flows:,}), {args.rounds} rounds; "
        f"load {', '.join(loads + more)}",
        ("solver", "ns a rate", "x ours"),
        lines,
    )
    theirs = next(each for name, each in times.items() if name.startswith("pyxirr"))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    met = "met" if ratio >= AIM else "MISSED"
    print(f"aim >= {AIM:.0f} x pyxirr in a loop: {met}, {ratio:.1f} x")


if __name__ == "__main__":
    main()

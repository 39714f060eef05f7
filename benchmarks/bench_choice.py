"""Processor time of choice models, on one thread, beside xlogit and Biogeme.

The Swissmetro survey, 6,768 choices among three modes (where it lies: `--data`, or the
environment's SWISSMETRO), else as many simulated ones. Ours is timed from the table to
estimates, with robust errors; the mixed logit also with its check at twice the draws.
xlogit is timed without robust errors, Biogeme with its own. Biogeme runs in an
environment of its own, `--biogeme PYTHON`; without it, its published time stands in.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.market.choice import logit_kernel, mixed_kernel
from flask_api.domains.market.choice.data import ChoiceData
from flask_api.domains.market.choice.mixed import choice_mixed
from flask_api.domains.market.choice.multinomial import choice_mnl
from flask_api.domains.market.choice.random_coefficients import Random
from flask_api.domains.market.choice.utility import Utility, design

Floats = npt.NDArray[np.float64]
DRAWS = 512
#: Of methods.md: what Biogeme takes for the multinomial logit.
PUBLISHED_S = 4.1
#: How many times faster than its peer each is meant to be.
MNL_AIM, MIXED_AIM = 3, 5
#: Log-likelihoods of mixed logits differ by their draws.
SIMULATION_ERROR = 1.0


def survey(path: Path) -> ChoiceData:
    """Biogeme's example: PURPOSE 1 or 3, hundreds of minutes and francs."""
    names = path.read_text().split("\n", 1)[0].split()
    t = dict(zip(names, np.loadtxt(path, skiprows=1).T, strict=True))
    keep = np.isin(t["PURPOSE"], (1, 3)) & (t["CHOICE"] != 0)
    t = {name: cells[keep] for name, cells in t.items()}
    pays, stated = t["GA"] == 0, t["SP"] != 0
    times = np.column_stack([t["TRAIN_TT"], t["SM_TT"], t["CAR_TT"]]) / 100
    costs = np.column_stack([t["TRAIN_CO"] * pays, t["SM_CO"] * pays, t["CAR_CO"]])
    available = np.column_stack(
        [(t["TRAIN_AV"] > 0) & stated, t["SM_AV"] > 0, (t["CAR_AV"] > 0) & stated]
    )
    return ChoiceData(
        ("TRAIN", "SM", "CAR"),
        {"time": times * available, "cost": costs / 100 * available},
        {},
        available,
        t["CHOICE"].astype(np.int64) - 1,
        None,
    )


def simulated(rows: int = 6768) -> ChoiceData:
    random = np.random.default_rng(0)
    times, costs = random.uniform(0.3, 3, (2, rows, 3))
    taste = random.normal(-2.2, 1.6, (rows, 1))
    utility = taste * times - 1.3 * costs + random.gumbel(size=(rows, 3))
    return ChoiceData(
        ("TRAIN", "SM", "CAR"),
        {"time": times, "cost": costs},
        {},
        np.ones((rows, 3), bool),
        utility.argmax(axis=1),
        None,
    )


def last(states: Any) -> Any:
    *_, state = states
    return state


def ours(data: ChoiceData, draws: int, seed: int) -> tuple[float, float]:
    """Seconds and log-likelihood."""
    began = time.process_time()
    made = design(data, Utility(generic=("time", "cost"), base="SM"))
    if draws:
        fit = last(choice_mixed(made, [Random("time")], n_draws=draws, seed=seed)).fit
    else:
        fit = last(choice_mnl(made)).fit
    return time.process_time() - began, float(fit.log_likelihood)


def xlogit(data: ChoiceData, draws: int) -> tuple[float, float]:
    peer: Any = importlib.import_module("xlogit")

    n = data.situations
    constants = np.tile(np.eye(3)[:, [0, 2]], (n, 1))
    x = np.column_stack(
        [constants, data.attributes["time"].ravel(), data.attributes["cost"].ravel()]
    )
    given: dict[str, Any] = {
        "X": x,
        "y": np.tile(np.array(data.alternatives), n)[
            np.repeat(data.chosen + 3 * np.arange(n), 3)
        ],
        "varnames": ["a0", "a2", "time", "cost"],
        "alts": np.tile(np.array(data.alternatives), n),
        "ids": np.repeat(np.arange(n), 3),
        "avail": data.available.ravel().astype(int),
        "verbose": 0,
    }
    began = time.process_time()
    if draws:
        model = peer.MixedLogit()
        model.fit(**given, randvars={"time": "n"}, n_draws=draws)
    else:
        model = peer.MultinomialLogit()
        model.fit(**given)
    return time.process_time() - began, float(model.loglikelihood)


def biogeme(data: ChoiceData, draws: int, python: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "choices.npz"
        np.savez(
            path,
            chosen=data.chosen,
            available=data.available,
            time=data.attributes["time"],
            cost=data.attributes["cost"],
        )
        peer = Path(__file__).with_name("biogeme_peer.py").resolve()
        found = subprocess.run(
            [python, str(peer), str(path), str(draws)],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
        )
    told = json.loads(found.stdout.strip().splitlines()[-1])
    return float(told["seconds"]), float(told["ll"])


def row(
    name: str, times: list[float], ll: float, mine: list[float], best: float, aim: int
) -> tuple[object, ...]:
    """A peer's line, and whether ours is as much faster as it should be."""
    ratio = statistics.median(times) / statistics.median(mine)
    worse = ll - best
    return (
        name,
        spread([1e3 * t for t in times], "{:,.1f}"),
        f"{ll:.3f}",
        f"{ratio:,.1f}",
        f">= {aim}: {'met' if ratio >= aim else 'MISSED'}",
        f"{-worse:+.3f}",
    )


def compared(
    data: ChoiceData, draws: int, rounds: int, python: str | None
) -> list[tuple[object, ...]]:
    aim = MIXED_AIM if draws else MNL_AIM
    ours(data, draws, 0)  # the first touches memory
    mine, peers = [], []
    for seed in range(rounds):
        taken, best = ours(data, draws, 0)
        mine.append(taken)
        if seed < (2 if draws else rounds):
            peers.append(xlogit(data, draws))
    times = [taken for taken, _ in peers]
    allowed = SIMULATION_ERROR if draws else 1e-4
    if best < peers[0][1] - allowed:
        raise RuntimeError(f"xlogit found a better model: {peers[0][1]} > {best}")
    rows: list[tuple[object, ...]] = [
        ("ours", spread([1e3 * t for t in mine], "{:,.1f}"), f"{best:.3f}", "", "", ""),
        row("xlogit", times, peers[0][1], mine, best, aim),
    ]
    if python:
        taken, reached = biogeme(data, draws, python)
        if best < reached - allowed:
            raise RuntimeError(f"Biogeme found a better model: {reached} > {best}")
        rows.append(row("Biogeme", [taken], reached, mine, best, MIXED_AIM))
    elif not draws:
        rows.append(
            row("Biogeme, published", [PUBLISHED_S], best, mine, best, MIXED_AIM)
        )
    return rows


def main() -> None:
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SWISSMETRO"))
    parser.add_argument("--biogeme", metavar="PYTHON")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.draws = 2, 64
    data = survey(Path(args.data)) if args.data else simulated()
    began = time.perf_counter()
    logit_kernel.likelihood()
    mixed_kernel.simulated()
    loaded = time.perf_counter() - began
    kind = "Swissmetro" if args.data else "simulated"
    head = ("program", "CPU ms", "log-likelihood", "x ours", "aim", "LL gained")
    for draws in (0, args.draws):
        model = f"Mixed logit, {draws} draws" if draws else "Multinomial logit"
        table(
            f"{model}: {kind}, {data.situations:,} choices, one thread; xlogit "
            f"{metadata.version('xlogit')}; kernels ready in {loaded:.1f} s; load "
            f"{load()}",
            head,
            compared(data, draws, args.rounds, args.biogeme),
        )


if __name__ == "__main__":
    main()

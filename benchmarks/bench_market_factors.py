"""Processor time of factors, maps and parts of purchases, on one thread, beside peers.

The same purchases (dense: thresholds about 0; sparse: some 10 % bought) by both:

tetrachoric   all pairs of 100 products, from the raw rows, beside ordinalcorr (the
              fastest Python peer that works on today's SciPy: RyStats and semopy do
              not, girth and factor_analyzer have none). It takes most of a minute for
              4,950 pairs: some are run and scaled. Correlations must agree
MCA           map of 30 products with the coordinates of all rows, beside prince.
              Eigenvalues must agree
NMF           4 parts of 30 products, one start, beside scikit-learn as it comes: the
              rounds that reach its error, and besides as it stops by itself
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.market.correspondence import analysis as correspondence
from flask_api.domains.market.correspondence.rows import row_coordinates
from flask_api.domains.market.factors.tetrachoric import tetrachoric
from flask_api.domains.market.nonnegative import fit as nonnegative
from flask_api.domains.market.nonnegative.kernel import descend
from flask_api.domains.market.patterns.pairs import pairs_of
from flask_api.domains.market.patterns.patterns import pack

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
FACTORS = 4
KINDS = {"dense": 0.0, "sparse": 1.3}
#: How many times faster than the peer we mean to be.
AIMS = {"tetrachoric": 100, "MCA": 40, "NMF": 2.5}


def purchases(rows: int, items: int, kind: str, seed: int = 0) -> Bytes:
    """Rows drawn from factors, each product leaning on one of them."""
    random = np.random.default_rng(seed)
    own = np.arange(items)[:, None] % FACTORS == np.arange(FACTORS)
    loadings = random.uniform(0.4, 0.8, (items, 1)) * own
    noise = np.sqrt(1 - (loadings**2).sum(axis=1))
    thresholds = KINDS[kind] + random.uniform(-0.4, 0.4, items)
    out = np.empty((rows, items), np.uint8)
    for start in range(0, rows, 10_000):
        n = min(10_000, rows - start)
        leanings = random.standard_normal((n, FACTORS)) @ loadings.T
        leanings += noise * random.standard_normal((n, items))
        out[start : start + n] = leanings > thresholds
    return out


def taken(run: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, and what `run` returns."""
    gc.collect()
    began = time.process_time()
    out = run()
    return time.process_time() - began, out


def last(states: Any) -> Any:
    *_, state = states
    return state


def agree(ours: Any, theirs: Any, within: float, what: str) -> float:
    worst = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    if not worst <= within:
        raise RuntimeError(f"{what}: we differ by {worst:.1e}")
    return worst


def row_of(
    what: str,
    size: str,
    mine: list[float],
    theirs: list[float],
    told: str,
    judged: bool = True,
) -> tuple[object, ...]:
    ratios = [b / a for a, b in zip(mine, theirs, strict=True)]
    aim = AIMS[what]
    met = "met" if statistics.median(ratios) >= aim else "MISSED"
    return (
        f"{what}, {size}",
        spread([1e3 * t for t in mine]),
        spread([1e3 * t for t in theirs], "{:,.0f}"),
        spread(ratios),
        f">= {aim}: {met}" if judged else "",
        told,
    )


def by_pairs(peer: Any, data: Bytes, pairs: list[Any]) -> list[float]:
    return [peer.tetrachoric(data[:, i], data[:, j]) for i, j in pairs]


def bench_tetrachoric(
    rows: int, kind: str, rounds: int, pairs: int
) -> tuple[object, ...]:
    peer: Any = importlib.import_module("ordinalcorr")
    data, items = purchases(rows, 100, kind), 100
    mine, theirs, worst = [], [], 0.0
    tetrachoric(pairs_of(pack(data)))
    for number in range(rounds):
        each, found = taken(lambda: tetrachoric(pairs_of(pack(data))))
        random = np.random.default_rng(number)
        some = [random.choice(items, 2, replace=False) for _ in range(pairs)]
        slow, values = taken(partial(by_pairs, peer, data, some))
        mine.append(each)
        theirs.append(slow * items * (items - 1) / 2 / pairs)
        ours = [found.correlations[i, j] for i, j in some]
        # its search is bounded to a tolerance of 1e-5
        worst = max(worst, agree(ours, values, 1e-4, "tetrachoric"))
    return row_of(
        "tetrachoric", f"{rows:,} x 100 {kind}", mine, theirs, f"rho {worst:.0e}"
    )


def bench_map(rows: int, kind: str, rounds: int) -> tuple[object, ...]:
    prince: Any = importlib.import_module("prince")
    pandas: Any = importlib.import_module("pandas")
    data = purchases(rows, 30, kind)
    frame = pandas.DataFrame(data.astype(str)).add_prefix("p")

    def ours() -> tuple[Any, Floats]:
        patterns = pack(data)
        found = last(correspondence.fit(patterns, 5)).answer
        return found, patterns.expand(row_coordinates(patterns, found))

    def peer() -> Any:
        found = prince.MCA(n_components=5, n_iter=10, random_state=42).fit(frame)
        return found, found.row_coordinates(frame)

    ours(), peer()
    mine, theirs, worst = [], [], 0.0
    for _ in range(rounds):
        each, (found, _rows) = taken(ours)
        slow, (other, _rows) = taken(peer)
        mine.append(each)
        theirs.append(slow)
        # its decomposition is randomised: the strong dimensions are exact
        near = agree(found.eigenvalues[:3], other.eigenvalues_[:3], 1e-4, "MCA")
        worst = max(worst, near)
    return row_of("MCA", f"{rows:,} x 30 {kind}", mine, theirs, f"lambda {worst:.0e}")


def bench_parts(rows: int, kind: str, rounds: int) -> list[tuple[object, ...]]:
    module: Any = importlib.import_module("sklearn.decomposition")
    data = purchases(rows, 30, kind)
    numbers = data.astype(np.float64)

    def ours(most: int = 1000) -> tuple[Any, Floats]:
        patterns = pack(data)
        states = nonnegative.fit(patterns, FACTORS, n_init=1, max_iter=most)
        found = last(states).answer
        return found, patterns.expand(found.weights)

    def peer() -> Any:
        found = module.NMF(FACTORS, init="nndsvda", max_iter=1000, random_state=0)
        return found, found.fit_transform(numbers)

    descend()
    enough, wanted = ours()[0].iterations, peer()[0].reconstruction_err_
    while enough > 1 and ours(enough - 1)[0].error <= wanted:
        enough -= 1
    same, alone, theirs = [], [], []
    for _ in range(rounds):
        same.append(taken(lambda: ours(enough))[0])
        each, (found, _weights) = taken(ours)
        slow, (other, _weights) = taken(peer)
        alone.append(each)
        theirs.append(slow)
        gap = found.error / other.reconstruction_err_ - 1
        if gap > 1e-9:
            raise RuntimeError(f"scikit-learn found better parts: by {gap:.1e}")
    size = f"{rows:,} x 30 {kind}"
    told = f"rounds {enough} / {other.n_iter_}"
    further = f"error {gap:+.0e}, rounds {found.iterations}"
    return [
        row_of("NMF", size, same, theirs, told),
        row_of("NMF", f"{size}, to our own end", alone, theirs, further, False),
    ]


def main() -> None:
    on_one_thread()
    warnings.simplefilter("ignore")  # of the peers
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--pairs", type=int, default=40, help="that ordinalcorr does")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rounds, sizes = given.rounds, given.rows
    if given.quick:
        rounds, sizes = 2, [10_000]
    before, lines = load(), []
    for rows in sizes:
        for kind in KINDS:
            lines.append(bench_tetrachoric(rows, kind, rounds, given.pairs))
            lines.append(bench_map(rows, kind, rounds))
            lines += bench_parts(rows, kind, rounds)
    table(
        f"Processor ms, one thread, {rounds} rounds; load {before} .. {load()}",
        ("work", "ours", "peer", "times", "aim", "agreement"),
        sorted(lines, key=lambda line: list(AIMS).index(str(line[0]).split(",")[0])),
    )


if __name__ == "__main__":
    main()

"""Processor time of latent class analysis, on one thread, beside StepMix.

The same purchases (dense: probabilities 0.1 to 0.9; sparse: some 0.08) are fitted with
4 classes from 10 starts by both. Ours counts the packing of the rows too. Its
likelihood must not be worse. Then a bootstrap likelihood-ratio test, and a fit of
1,000,000 rows of 50 products whose memory is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import subprocess
import sys
import time
import warnings
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.sobol_job import peak_mb
from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.market.latent_class import kernel
from flask_api.domains.market.latent_class.fit import Fitting, fit
from flask_api.domains.market.latent_class.likelihood_ratio import likelihood_ratio
from flask_api.domains.market.latent_class.report import report
from flask_api.domains.market.patterns.patterns import pack

Bytes = npt.NDArray[np.uint8]
CLASSES, STARTS = 4, 10
#: How many times faster than StepMix we mean to be.
AIMS = {(10_000, "dense"): 10, (10_000, "sparse"): 20}
AIM = 20
#: Log-likelihoods that differ by less found the same model.
SAME = 0.01


def purchases(rows: int, items: int, kind: str, seed: int) -> Bytes:
    """Rows drawn from four classes, in blocks: no table of floats."""
    random = np.random.default_rng(seed)
    sizes = random.dirichlet(np.full(CLASSES, 8.0))
    if kind == "dense":
        inside = random.uniform(0.1, 0.9, (CLASSES, items))
    else:
        inside = random.beta(1, 12, (CLASSES, items))
    out = np.empty((rows, items), np.uint8)
    for start in range(0, rows, 10_000):
        n = min(10_000, rows - start)
        chosen = random.choice(CLASSES, n, p=sizes)
        out[start : start + n] = random.random((n, items)) < inside[chosen]
    return out


def last(states: Any) -> Any:
    *_, state = states
    return state


def ours(data: Bytes, seed: int) -> tuple[float, float, Fitting]:
    """Seconds, log-likelihood and the state."""
    began = time.process_time()
    state = last(fit(pack(data), CLASSES, n_init=STARTS, seed=seed))
    reached = state.best().log_likelihood
    return time.process_time() - began, reached, state


def stepmix(data: Bytes, seed: int) -> tuple[float, float]:
    module: Any = importlib.import_module("stepmix.stepmix")
    began = time.process_time()
    peer = module.StepMix(
        CLASSES,
        measurement="binary",
        n_init=STARTS,
        random_state=seed,
        progress_bar=0,
        verbose=0,
    )
    peer.fit(data)
    taken = time.process_time() - began
    return taken, float(peer.score(data)) * len(data)


def beside_stepmix(
    rows: int, kind: str, rounds: int, peer_rounds: int
) -> tuple[object, ...]:
    data = purchases(rows, 30, kind, seed=0)
    ours(data, 0)  # the first touches memory
    mine, theirs, gap = [], [], []
    for seed in range(rounds):
        taken, reached, _ = ours(data, seed)
        mine.append(taken)
        if seed < peer_rounds:
            gc.collect()
            slow, other = stepmix(data, seed)
            theirs.append(slow)
            gap.append(reached - other)
    if min(gap) < -SAME:
        raise RuntimeError(f"StepMix found a better model: by {-min(gap):.3f}")
    ratio = statistics.median(theirs) / statistics.median(mine)
    aim = AIMS.get((rows, kind), AIM)
    return (
        f"{rows:,} x 30, {kind}",
        f"{pack(data).size:,}",
        spread([1e3 * t for t in mine]),
        spread([1e3 * t for t in theirs], "{:,.0f}"),
        f"{ratio:,.0f}",
        f">= {aim}: {'met' if ratio >= aim else 'MISSED'}",
        f"{min(gap):+.1e}",
    )


def ratio_test(kind: str, resamples: int) -> tuple[object, ...]:
    patterns = pack(purchases(10_000, 30, kind, seed=0))
    few, more = (last(fit(patterns, k)).best() for k in (CLASSES, CLASSES + 1))
    began = time.process_time()
    found = last(likelihood_ratio(patterns, few, more, resamples=resamples))
    taken = time.process_time() - began
    met = "met" if taken * 100 / resamples <= 75 else "MISSED"
    return (
        f"10,000 x 30, {kind}",
        resamples,
        f"{taken:.1f}",
        f"{found.p_value:.3f}",
        f"about 60: {met}",
    )


def large(rows: int, items: int) -> None:
    """A fit of many rows with every diagnostic: printed by the process that did it."""
    data = purchases(rows, items, "dense", seed=0)
    before = peak_mb()
    began = time.process_time()
    _, reached, state = ours(data, 0)
    fitted = time.process_time() - began
    began = time.process_time()
    report(state)
    told = time.process_time() - began
    peak = peak_mb()
    print(f"{fitted:.1f} {told:.1f} {peak:.0f} {before:.0f} {reached:.0f}")


def main() -> None:
    on_one_thread()
    warnings.simplefilter("ignore")  # scikit-learn's, about StepMix
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-rounds", type=int, default=2)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--large", type=int, metavar="ROWS")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.large:
        large(args.large, 50)
        return
    if args.quick:
        args.rounds, args.peer_rounds, args.resamples = 2, 1, 10
    began = time.perf_counter()
    kernel.warm()
    loaded = time.perf_counter() - began
    sizes = (10_000,) if args.quick else (10_000, 100_000)
    table(
        f"Latent classes: processor time, one thread, {CLASSES} classes, {STARTS} "
        f"starts; StepMix {metadata.version('stepmix')}; kernel ready in "
        f"{loaded:.1f} s; load {load()}",
        ("data", "patterns", "ours, ms", "StepMix, ms", "x ours", "aim", "LL gained"),
        [
            beside_stepmix(rows, kind, args.rounds, args.peer_rounds)
            for rows in sizes
            for kind in ("dense", "sparse")
        ],
    )
    table(
        f"Bootstrap likelihood-ratio test, {CLASSES} classes against {CLASSES + 1}",
        ("data", "resamples", "CPU s", "p", "aim"),
        [ratio_test(kind, args.resamples) for kind in ("dense", "sparse")],
    )
    rows = 100_000 if args.quick else 1_000_000
    command = [sys.executable, "-m", "benchmarks.bench_lca", "--large", str(rows)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    fitted, told, peak, before, _ = found.stdout.split()
    met = "met" if float(peak) <= 2048 else "MISSED"
    table(
        f"{rows:,} rows of 50 products, {CLASSES} classes, {STARTS} starts",
        ("fit, CPU s", "diagnostics, CPU s", "peak MB", "with data only", "aim"),
        [(fitted, told, peak, before, f"<= 2048 MB: {met}")],
    )


if __name__ == "__main__":
    main()

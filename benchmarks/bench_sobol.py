"""Processor time of variance-based sensitivity, on one thread, beside two peers.

The same sample is judged by us, by SALib and by OpenTURNS: Sobol indices of first,
total and second order with a bootstrap, with intervals without resampling, the making
of the sample itself, RBD-FAST and eFAST. Indices must agree. Then a job of 2^20 rows
and 20 inputs, whose memory is measured in a process of its own.

SALib's bootstrap takes most of a minute: it is run with fewer resamples and scaled
linearly, or whole with --whole.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import openturns as ot
from SALib.analyze import fast as salib_fast
from SALib.analyze import rbd_fast as salib_rbd_fast
from SALib.analyze import sobol as salib_sobol
from SALib.sample import sobol as salib_sample

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.domains.sensitivity.variance.columns import columns_of
from flask_api.domains.sensitivity.variance.fourier import curve_indices, sorted_indices
from flask_api.domains.sensitivity.variance.pick_freeze import Rows
from flask_api.domains.sensitivity.variance.sobol import resampling_counts
from flask_api.domains.sensitivity.variance.sobol_indices import Accumulator, indices
from flask_api.numerics.designs import design
from flask_api.numerics.distributions import Uniform

Floats = npt.NDArray[np.float64]
Times = dict[str, list[float]]
D = 10
CUBE = {f"x{i}": Uniform(0, 1) for i in range(D)}
PROBLEM = {"num_vars": D, "names": list(CUBE), "bounds": [[0, 1]] * D}
#: (work, peer): how many times faster we mean to be.
AIMS = {
    ("bootstrap", "SALib"): 500,
    ("bootstrap", "OpenTURNS"): 30,
    ("intervals", "OpenTURNS"): 2,
    ("sampling", "SALib"): 40,
    ("sampling", "OpenTURNS"): 2.5,
    ("RBD-FAST", "SALib"): 10,
}


def g_function(x: Floats) -> Floats:
    """Sobol's G of rows `x`, shape (n, D)."""
    a = np.arange(x.shape[1]) / 2
    return np.asarray(np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1))


def taken(run: Callable[[], Any], times: Times, name: str, scale: float = 1) -> Any:
    """What `run` returns; its processor time in ms goes to `times`."""
    began = time.process_time()
    out = run()
    times.setdefault(name, []).append(1e3 * scale * (time.process_time() - began))
    return out


def agree(ours: Any, theirs: Any, what: str, within: float = 1e-12) -> None:
    """Two estimators of one sample have to give one answer."""
    worst = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    if not worst <= within:
        raise RuntimeError(f"{what}: we differ by {worst:.1e}")


def our_bootstrap(y: Floats, resamples: int) -> Accumulator:
    """Indices of three orders, with the spread of all resamples."""
    sums = Accumulator(D, True, resamples)
    sums.add(y)
    for low, counts in resampling_counts(0, 0, y.shape[1], resamples):
        sums.resample(low, counts)
    sums.estimates()
    for each in sums.replicates():
        if each is not None:
            each.std(axis=0, ddof=1)
    return sums


def turns(rows: Any, y: Any, n: int, resamples: int) -> Any:
    """OpenTURNS: indices of three orders, intervals of two (it offers no third).

    resamples   size of the bootstrap; 0 = its asymptotic distribution
    """
    algorithm = ot.SaltelliSensitivityAlgorithm(rows, y, n)
    algorithm.setUseAsymptoticDistribution(resamples == 0)
    if resamples:
        algorithm.setBootstrapSize(resamples)
    found = algorithm.getFirstOrderIndices(), algorithm.getTotalOrderIndices()
    algorithm.getFirstOrderIndicesInterval()
    algorithm.getTotalOrderIndicesInterval()
    if resamples:
        algorithm.getSecondOrderIndices()
    return found


def bench_bootstrap(n: int, resamples: int, salib_resamples: int) -> Times:
    times: Times = {}
    x = salib_sample.sample(PROBLEM, n, calc_second_order=True, seed=1)
    y = g_function(x)
    rows = np.ascontiguousarray(y.reshape(n, 2 * D + 2).T)
    sums = taken(lambda: our_bootstrap(rows, resamples), times, "ours")
    theirs = taken(
        lambda: salib_sobol.analyze(PROBLEM, y, num_resamples=salib_resamples, seed=1),
        times,
        "SALib",
        resamples / salib_resamples,
    )
    known = sums.estimates()
    assert known is not None and known.second is not None
    agree(known.first, theirs["S1"], "first order")
    agree(known.total, theirs["ST"], "total")
    above = np.triu_indices(D, 1)
    agree(known.second[above], theirs["S2"][above], "second order")
    points, values = turns_sample(n)
    taken(lambda: turns(points, values, n, resamples), times, "OpenTURNS")
    return times


def turns_sample(n: int) -> tuple[Any, Any]:
    law = ot.JointDistribution([ot.Uniform(0, 1)] * D)
    points = ot.SobolIndicesExperiment(law, n, True).generate()
    return points, ot.Sample(g_function(np.asarray(points))[:, None])


def bench_intervals(n: int) -> Times:
    times: Times = {}
    x = salib_sample.sample(PROBLEM, n, calc_second_order=True, seed=1)
    rows = np.ascontiguousarray(g_function(x).reshape(n, 2 * D + 2).T)
    short = np.ascontiguousarray(rows[[*range(D + 1), -1]])
    taken(lambda: indices(short, second=False), times, "ours")
    taken(lambda: indices(rows, second=True), times, "ours, second order besides")
    points, values = turns_sample(n)
    taken(lambda: turns(points, values, n, 0), times, "OpenTURNS")
    return times


def bench_sampling(n: int) -> Times:
    """All 22 n rows in memory, as the peers hold them."""
    times: Times = {}

    def ours() -> dict[str, Floats]:
        u = design("sobol", 2 * D, 0).block(0, n)
        rows = Rows(lambda x: {}, CUBE, columns_of(CUBE), True)
        a = [law.ppf(v) for law, v in zip(CUBE.values(), u[:D], strict=True)]
        b = [law.ppf(v) for law, v in zip(CUBE.values(), u[D:], strict=True)]
        return rows.mixed(a, b)

    taken(ours, times, "ours")
    taken(
        lambda: salib_sample.sample(PROBLEM, n, calc_second_order=True, seed=1),
        times,
        "SALib",
    )
    law = ot.JointDistribution([ot.Uniform(0, 1)] * D)
    taken(
        lambda: ot.SobolIndicesExperiment(law, n, True).generate(), times, "OpenTURNS"
    )
    return times


def bench_rbd_fast(n: int, resamples: int) -> Times:
    times: Times = {}
    x = np.random.default_rng(0).random((n, D))
    y, columns = g_function(x), np.ascontiguousarray(x.T)
    ours, _ = taken(lambda: sorted_indices(columns, y, 10), times, "ours")
    theirs = taken(
        lambda: salib_rbd_fast.analyze(PROBLEM, x, y, num_resamples=resamples, seed=1),
        times,
        "SALib",
    )
    agree(ours, theirs["S1"], "RBD-FAST")
    taken(
        lambda: [
            salib_rbd_fast.compute_first_order(
                salib_rbd_fast.permute_outputs(x[:, i], y), 10
            )
            for i in range(D)
        ],
        times,
        "SALib, without intervals",
    )
    return times


def bench_fast(n: int, resamples: int) -> Times:
    """Ours asks the model for more curves where it is to give intervals."""
    times: Times = {}
    y = np.random.default_rng(0).normal(size=D * n).cumsum()
    ours = taken(
        lambda: [curve_indices(part, 4) for part in np.split(y, D)], times, "ours"
    )
    theirs = taken(
        lambda: salib_fast.analyze(PROBLEM, y, num_resamples=resamples),
        times,
        "SALib",
    )
    agree([total for _, total in ours], theirs["ST"], "eFAST")
    return times


def bench_large(rows: int, inputs: int, resamples: int) -> dict[str, float]:
    """The job in a process that has none of the peers in memory."""
    sizes = map(str, (rows, inputs, resamples))
    command = [sys.executable, "-m", "benchmarks.sobol_job", *sizes]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(found.stdout)
    return answer


def merged(runs: list[Times]) -> Times:
    return {name: [t for run in runs for t in run[name]] for name in runs[0]}


def lines(work: str, times: Times) -> list[tuple[object, ...]]:
    ours = statistics.median(times["ours"])
    out: list[tuple[object, ...]] = []
    for name, each in times.items():
        ratio = statistics.median(each) / ours
        aim = AIMS.get((work, name))
        said = "" if aim is None else f">= {aim:g}: "
        said += "" if aim is None else "met" if ratio >= aim else "MISSED"
        out.append((f"{work}: {name}", spread(each, "{:,.2f}"), f"{ratio:,.1f}", said))
    return out


def main() -> None:
    on_one_thread()
    warnings.simplefilter("ignore")  # SALib's, on its eFAST intervals
    ot.Log.Show(ot.Log.NONE)
    ot.TBB.Disable()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1 << 14)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole", action="store_true", help="SALib's whole bootstrap")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    salib = args.resamples if args.whole else min(args.resamples, 50)
    works: dict[str, Callable[[], Times]] = {
        "bootstrap": lambda: bench_bootstrap(args.n, args.resamples, salib),
        "intervals": lambda: bench_intervals(args.n),
        "sampling": lambda: bench_sampling(args.n),
        "RBD-FAST": lambda: bench_rbd_fast(args.n, 100),
        "eFAST": lambda: bench_fast(args.n + 1, 100),
    }
    rows: list[tuple[object, ...]] = []
    for work, run in works.items():
        run()  # the first touches memory and loads libraries
        rounds = 1 if args.whole and work == "bootstrap" else args.rounds
        rows += lines(work, merged([run() for _ in range(rounds)]))
    scaled = "" if args.whole else f", SALib's {salib} resamples scaled linearly"
    table(
        f"Variance-based sensitivity: processor time, one thread, D = {D}, "
        f"N = {args.n:,}, {args.resamples:,} resamples{scaled}; load {load()}",
        ("work", "ms", "x ours", "aim"),
        rows,
    )
    large = []
    for resamples in (0, 100):
        job = bench_large(1 << 20, 20, resamples)
        met = "< 1000 MB: " + ("met" if job["peak_mb"] < 1000 else "MISSED")
        name = f"bootstrap of {resamples}" if resamples else "delta method"
        numbers = (job["cpu_s"], job["peak_mb"], job["before_mb"])
        large.append((name, *(f"{number:.1f}" for number in numbers), met))
    table(
        "A Sobol job with second order, N = 2^20, D = 20: 44 million evaluations",
        ("intervals", "CPU s", "peak MB", "before it MB", "aim"),
        large,
    )


if __name__ == "__main__":
    main()

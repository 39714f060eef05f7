"""Processor time of correlated draws, on one thread, beside OpenTURNS.

A million draws of ten inputs, each two rank-correlated by 0.3: all normal, and of ten
mixed kinds. Ours are made block by block by `Sampler`, as a Monte Carlo run makes them;
OpenTURNS makes the whole sample at once, from a joint distribution with a normal copula
(any marginals, as ours) and, for normals, from its own multivariate normal. Both must
give the correlation asked for.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import numpy as np
import openturns as ot
from numpy.typing import NDArray

from benchmarks.tables import load, on_one_thread, spread, table
from flask_api.numerics.contribution import rank_correlation
from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import blocks
from flask_api.numerics.distribution import Distribution
from flask_api.numerics.distributions import make
from flask_api.numerics.normal_scores import warm
from flask_api.numerics.sampling import Sampler

Floats = NDArray[np.float64]
Peer = Callable[[int], Any]
AIM = 5.0
INPUTS = 10
RHO = 0.3


def normals() -> dict[str, Distribution]:
    """Ten standard normals."""
    one = make({"kind": "normal", "mean": 0, "std": 1})
    return {f"x{k}": one for k in range(INPUTS)}


def mixed() -> dict[str, Distribution]:
    """Ten inputs of five kinds."""
    kinds = [
        make({"kind": "normal", "mean": 5, "std": 1}),
        make({"kind": "lognormal", "mu": 0, "sigma": 0.5}),
        make({"kind": "uniform", "low": 1, "high": 2}),
        make({"kind": "triangular", "low": 0, "mode": 1, "high": 3}),
        make({"kind": "weibull", "shape": 1.5, "scale": 2}),
    ]
    return {f"x{k}": kinds[k % 5] for k in range(INPUTS)}


def correlation() -> Correlation:
    """Every two inputs alike."""
    ranks = np.full((INPUTS, INPUTS), RHO)
    np.fill_diagonal(ranks, 1.0)
    return Correlation(tuple(normals()), ranks)


def ours(inputs: Mapping[str, Distribution], n: int, sampling: str) -> float:
    """Milliseconds for all blocks; the last whole block is checked."""
    began = time.process_time()
    sampler = Sampler(inputs, n, seed=1, sampling=sampling, correlation=correlation())
    block: dict[str, Floats] = {}
    for start, size in blocks(n):
        found = sampler.block(start, size)
        block = found if len(found["x0"]) >= len(block.get("x0", ())) else block
    taken = 1e3 * (time.process_time() - began)
    must_follow(block["x0"], block["x9"])
    return taken


def must_follow(a: Floats, b: Floats) -> None:
    """Both have the rank correlation asked for, within four errors."""
    got = rank_correlation(a, b)
    if got is None or abs(got - RHO) > 4 / np.sqrt(len(a)):
        raise RuntimeError(f"asked for {RHO}, got {got}")


def peers(kind: str) -> dict[str, Peer]:
    """OpenTURNS' ways to the same sample."""
    ranks = ot.CorrelationMatrix(INPUTS)
    for i in range(INPUTS):
        for j in range(i):
            ranks[i, j] = RHO
    scores = ot.NormalCopula.GetCorrelationFromSpearmanCorrelation(ranks)
    each = [
        ot.Normal(5, 1),
        ot.LogNormal(0, 0.5),
        ot.Uniform(1, 2),
        ot.Triangular(0, 1, 3),
        ot.WeibullMin(2, 1.5),
    ]
    margins = [each[k % 5] for k in range(INPUTS)]
    if kind == "normal":
        margins = [ot.Normal()] * INPUTS
    joint = ot.JointDistribution(margins, ot.NormalCopula(scores))
    name = f"OpenTURNS {metadata.version('openturns')}"
    found: dict[str, Any] = {f"{name}, normal copula, random": joint.getSample}
    if kind == "normal":
        own = ot.Normal([0.0] * INPUTS, [1.0] * INPUTS, scores)
        found[f"{name}, multivariate normal, random"] = own.getSample

    def spread_evenly(n: int) -> Any:
        sequence = ot.SobolSequence(INPUTS)
        return ot.LowDiscrepancyExperiment(sequence, joint, n, True).generate()

    found[f"{name}, normal copula, sobol"] = spread_evenly

    def latin(n: int) -> Any:
        margins_alone = ot.JointDistribution(margins)
        return ot.LHSExperiment(margins_alone, n).generate()

    found[f"{name}, Latin hypercube, not correlated"] = latin
    return found


def measure(kind: str, n: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way, round by round."""
    inputs = normals() if kind == "normal" else mixed()
    times: dict[str, list[float]] = {}
    others = peers(kind)
    for _ in range(rounds):
        for sampling in ("sobol", "random", "lhs"):
            way = "Iman-Conover" if sampling == "lhs" else "copula"
            name = f"ours, {sampling}, {way}"
            times.setdefault(name, []).append(ours(inputs, n, sampling))
        for name, draw in others.items():
            began = time.process_time()
            sample = draw(n)
            times.setdefault(name, []).append(1e3 * (time.process_time() - began))
            if "not correlated" not in name:
                head = np.array(sample[: 1 << 14])
                must_follow(head[:, 0], head[:, 9])
    return times


def main() -> None:
    on_one_thread()
    ot.TBB.Disable()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.draws, args.rounds = 200_000, 2
    warm()  # half a second in a worker's life, once
    ours(normals(), 100_000, "sobol")  # reads the direction numbers
    for kind in ("normal", "mixed"):
        times = measure(kind, args.draws, args.rounds)
        base = times["ours, sobol, copula"]
        table(
            f"Correlated draws: processor time, one thread, {args.draws:,} x {INPUTS} "
            f"({kind}), {args.rounds} rounds; load {load()}",
            ("way", "ms", "x ours (sobol)"),
            [
                (
                    name,
                    spread(each, "{:,.0f}"),
                    spread([b / a for a, b in zip(base, each, strict=True)]),
                )
                for name, each in times.items()
            ],
        )
        for name, each in times.items():
            if name.startswith("Open") and "not correlated" not in name:
                ratio = statistics.median(
                    b / a for a, b in zip(base, each, strict=True)
                )
                met = "met" if ratio >= AIM else "MISSED"
                print(f"aim >= {AIM:.0f} x {name}: {met}, {ratio:.1f} x")


if __name__ == "__main__":
    main()

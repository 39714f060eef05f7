"""How the percentiles of an output move with a decision, under the same uncertainty.

Every point of the grid meets the same draws (common random numbers), so differences
between points are the decision's, not luck's: a small gain shows that independent draws
would bury. Source: Glasserman and Yao (1992), doi:10.1287/mnsc.38.6.884.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import blocks
from flask_api.numerics.distribution import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.moments import Moments
from flask_api.numerics.quantiles import Quantiles
from flask_api.numerics.sampling import Sampler

Floats = npt.NDArray[np.float64]
Model = Callable[[Mapping[str, Floats]], Mapping[str, Floats]]

#: Points of the grid at most, all decisions together.
MOST_POINTS = 10_000
#: Numbers kept at most for exact percentiles, all points together: 32 MB.
KEPT = 1 << 22
#: First values of a point's sketch, where they don't fit.
CHUNK = 1 << 14


class Surface:
    """The state after a block: percentiles at each point of the grid, so far.

    total, done   draws at each point
    """

    def __init__(
        self,
        decisions: Mapping[str, Floats],
        outputs: Sequence[str],
        percentiles: Sequence[float],
        iterations: int,
    ) -> None:
        self.total, self.done = iterations, 0
        self.decisions = {name: np.asarray(v) for name, v in decisions.items()}
        self.percentiles = tuple(percentiles)
        self.points = list(product(*(v.tolist() for v in self.decisions.values())))
        exact = max(1, KEPT // (len(self.points) * len(outputs)))
        chunk = min(CHUNK, exact)
        self._known = {
            name: [Quantiles(iterations, exact, chunk) for _ in self.points]
            for name in outputs
        }
        self._moments = {name: [Moments() for _ in self.points] for name in outputs}

    def add(self, output: str, point: int, values: Floats) -> None:
        """Take one block of `output` at `point`; NaN and infinity have no rank."""
        values = values[np.isfinite(values)]
        self._known[output][point].add(values)
        before = self._moments[output][point]
        self._moments[output][point] = before.merge(Moments.of(values))

    def report(self, output: str) -> dict[str, Any]:
        """The surface as plain data.

        decisions    {name: grid}, one or two
        percentiles  in percent
        values       one table per percentile, in the shape of the grid (rows = first
                     decision); None where no draw has a solution
        mean, std    tables likewise
        failed       draws without solution at each point
        rank_error   by how much a percentile's share may be off at most; 0 = exact
        best         per percentile the point with the smallest and the largest value
        """
        known = self._known[output]
        shares = np.array(self.percentiles) / 100
        found = np.array([each.at(shares) for each in known])
        moments = self._moments[output]
        return {
            "decisions": {name: v.tolist() for name, v in self.decisions.items()},
            "percentiles": list(self.percentiles),
            "values": [self._table(column.tolist()) for column in found.T],
            "mean": self._table([m.mean if m.n else math.nan for m in moments]),
            "std": self._table([math.nan if m.std is None else m.std for m in moments]),
            "failed": self._table([self.done - m.n for m in moments]),
            "draws": self.done,
            "rank_error": max(each.rank_error for each in known),
            "best": [self._best(column) for column in found.T],
        }

    def _table(self, flat: Sequence[float]) -> list[Any]:
        plain = [v if math.isfinite(v) else None for v in flat]
        if len(self.decisions) == 1:
            return plain
        width = len(list(self.decisions.values())[1])
        return [plain[i : i + width] for i in range(0, len(plain), width)]

    def _best(self, column: Floats) -> dict[str, Any]:
        good = np.flatnonzero(np.isfinite(column))
        if not len(good):
            return {"lowest": None, "highest": None}
        low, high = good[column[good].argmin()], good[column[good].argmax()]
        return {
            name: {
                "at": dict(zip(self.decisions, self.points[int(i)], strict=True)),
                "value": float(column[i]),
            }
            for name, i in (("lowest", low), ("highest", high))
        }


def percentile_surface(
    model: Model,
    inputs: Mapping[str, Distribution],
    decisions: Mapping[str, Floats],
    outputs: Sequence[str],
    iterations: int,
    *,
    seed: int,
    percentiles: Sequence[float] = (5, 10, 25, 50, 75, 90, 95),
    sampling: str = "sobol",
    correlation: Correlation | None = None,
) -> Iterator[Surface]:
    """The growing surface of percentiles over a grid of decisions, after each block.

    model        called with whole columns, inputs and decisions, at most
                 `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one; no decision among them
    decisions    {name: grid of values}, one decision or two
    iterations   draws, the same at each point of the grid

    The same object is yielded again and again; the last one is complete. Raises
    InputError for an empty or too large grid, and a decision that is also uncertain.
    """
    _check(inputs, decisions)
    grid = {name: np.asarray(v, dtype=np.float64) for name, v in decisions.items()}
    state = Surface(grid, outputs, percentiles, iterations)
    sampler = Sampler(
        inputs, iterations, seed=seed, sampling=sampling, correlation=correlation
    )
    for start, n in blocks(iterations):
        x = sampler.block(start, n)
        for index, point in enumerate(state.points):
            fixed = {
                name: np.full(n, value)
                for name, value in zip(state.decisions, point, strict=True)
            }
            y = model(x | fixed)
            for output in outputs:
                state.add(output, index, y[output])
        state.done = start + n
        yield state


def _check(inputs: Mapping[str, Distribution], decisions: Mapping[str, Floats]) -> None:
    if not 1 <= len(decisions) <= 2:
        raise InputError(
            f"got {len(decisions)} decisions; wanted one or two", "decisions"
        )
    points = 1
    for name, values in decisions.items():
        at = f"decisions.{name}"
        if name in inputs:
            raise InputError(f"{name} is uncertain too; let it be one or the other", at)
        if not len(values) or not np.isfinite(np.asarray(values, dtype=float)).all():
            raise InputError("wanted at least one value, all finite", at)
        points *= len(values)
    if points > MOST_POINTS:
        raise InputError(
            f"got {points:,} points; at most {MOST_POINTS:,}: make the grid coarser",
            "decisions",
        )

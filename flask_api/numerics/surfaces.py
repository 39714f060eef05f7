"""How the percentiles of an output move with a decision, under the same uncertainty.

Every point of the grid meets the same draws (common random numbers), so differences
between points are the decision's, not luck's: a small gain shows that independent draws
would bury. Source: Glasserman and Yao (1992), doi:10.1287/mnsc.38.6.884.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import BLOCK, blocks
from flask_api.numerics.distribution import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.grids import MOST_POINTS, Grid, Model
from flask_api.numerics.moments import Moments
from flask_api.numerics.quantiles import Quantiles
from flask_api.numerics.sampling import Sampler

__all__ = ["MOST_POINTS", "Surface", "percentile_surface"]

Floats = npt.NDArray[np.float64]

#: Numbers kept at a time for exact percentiles: 32 MB.
KEPT = 1 << 22
#: First values of a point's sketch, where not even one point's fit.
CHUNK = 1 << 14


class Surface:
    """What is known of each point of the grid, so far.

    total, done   draws at each point, and those that all points have met
    rows          evaluations of the model so far
    """

    def __init__(
        self,
        grid: Grid,
        outputs: Sequence[str],
        percentiles: Sequence[float],
        iterations: int,
    ) -> None:
        self.grid, self.percentiles = grid, tuple(percentiles)
        self.total, self.done, self.rows = iterations, 0, 0
        self.rank_error = dict.fromkeys(outputs, 0.0)
        shape = (len(grid), len(self.percentiles))
        self._found = {name: np.full(shape, np.nan) for name in outputs}
        self._moments = {name: [Moments() for _ in grid.points] for name in outputs}
        self._met = np.zeros(len(grid), dtype=np.int64)
        # values of the points that are being drawn, by output and point
        self._open: dict[str, dict[int, Quantiles]] = {name: {} for name in outputs}

    def begin(self, first: int, last: int) -> None:
        """Settle the points so far, and keep the values of points first..last."""
        exact = max(1, KEPT // ((last - first) * len(self._open)))
        for name, held in self._open.items():
            for index, known in held.items():
                self._found[name][index] = self._percentiles(known)
                self.rank_error[name] = max(self.rank_error[name], known.rank_error)
            self._open[name] = {
                index: Quantiles(self.total, exact, min(CHUNK, exact))
                for index in range(first, last)
            }

    def add(self, first: int, draws: int, found: Mapping[str, Floats]) -> None:
        """Take `draws` more of each point from `first` on; NaN has no rank."""
        points = 0
        for name, held in self._open.items():
            cells = found[name].reshape(-1, draws)
            points = len(cells)
            for index, values in enumerate(cells, start=first):
                values = values[np.isfinite(values)]
                held[index].add(values)
                before = self._moments[name][index]
                self._moments[name][index] = before.merge(Moments.of(values))
        self._met[first : first + points] += draws
        self.rows += points * draws
        self.done = int(self._met.min())

    def at(self, output: str, number: int, points: Sequence[int]) -> Floats:
        """Percentile `number` at some points; NaN where nothing is known."""
        held, found = self._open[output], self._found[output]
        return np.array(
            [
                self._percentiles(held[i])[number] if i in held else found[i, number]
                for i in points
            ]
        )

    def _percentiles(self, known: Quantiles) -> Floats:
        return known.at(np.array(self.percentiles) / 100)

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
        best_mean    the same of the mean
        """
        grid, held = self.grid, self._open[output]
        found = self._found[output].copy()
        for index, known in held.items():
            found[index] = self._percentiles(known)
        errors = [known.rank_error for known in held.values()]
        moments = self._moments[output]
        mean = np.array([m.mean if m.n else math.nan for m in moments])
        std = [math.nan if m.std is None else m.std for m in moments]
        failed = self._met - np.array([m.n for m in moments])
        return {
            "decisions": {name: v.tolist() for name, v in grid.decisions.items()},
            "percentiles": list(self.percentiles),
            "values": [grid.table(column) for column in found.T],
            "mean": grid.table(mean),
            "std": grid.table(std),
            "failed": failed.reshape(grid.shape).tolist(),
            "draws": self.done,
            "rank_error": max([self.rank_error[output], *errors]),
            "best": [grid.ends(column) for column in found.T],
            "best_mean": grid.ends(mean),
        }


def percentile_surface(
    model: Model,
    inputs: Mapping[str, Distribution],
    grid: Grid,
    outputs: Sequence[str],
    iterations: int,
    *,
    seed: int,
    percentiles: Sequence[float] = (5, 10, 25, 50, 75, 90, 95),
    sampling: str = "sobol",
    correlation: Correlation | None = None,
) -> Iterator[Surface]:
    """The growing surface of percentiles over a grid of decisions.

    model        called with whole columns, inputs and decisions, at most
                 `designs.BLOCK` rows at a time
    inputs       uncertain inputs by name, at least one; no decision among them
    iterations   draws, the same at each point of the grid

    Yields after each call of the model. As many points as `KEPT` values allow are drawn
    together, block by block, before the next ones begin. The same object is yielded
    again and again; the last one is complete. Raises InputError for a decision that is
    also uncertain.
    """
    for name in grid.decisions:
        if name in inputs:
            raise InputError(
                f"{name} is uncertain too; let it be one or the other",
                f"decisions.{name}",
            )
    state = Surface(grid, outputs, percentiles, iterations)
    sampler = Sampler(
        inputs, iterations, seed=seed, sampling=sampling, correlation=correlation
    )
    together = max(1, KEPT // (iterations * len(outputs)))
    for begin in range(0, len(grid), together):
        end = min(begin + together, len(grid))
        state.begin(begin, end)
        for start, n in blocks(iterations):
            x = sampler.block(start, n)
            at_once = max(1, BLOCK // n)
            for first in range(begin, end, at_once):
                last = min(first + at_once, end)
                drawn = {name: np.tile(each, last - first) for name, each in x.items()}
                state.add(first, n, model(drawn | grid.rows(first, last, n)))
                yield state

"""A model's outputs where some inputs are uncertain: one number for all draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.numerics.designs import BLOCK, design
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.monte_carlo import Model

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Statistic:
    """How draws become one number: their mean, or the percentile `percent`."""

    percent: float | None = None

    def of(self, draws: Floats) -> Floats:
        """Shape (n,) of shape (n, draws); NaN where one draw has no answer."""
        if self.percent is None:
            return np.asarray(draws.mean(axis=1))
        known = ~np.isnan(draws).any(axis=1)
        found = np.full(len(draws), np.nan)
        if known.any():
            found[known] = np.percentile(draws[known], self.percent, axis=1)
        return found

    def __str__(self) -> str:
        return "mean" if self.percent is None else f"{self.percent:g}th percentile"


class UnderUncertainty:
    """A model that answers with a statistic over the same draws at every point.

    The draws are common to all points (common random numbers), so differences between
    points are those of the points, and the same point always has the same value.
    Scrambled Sobol points, moved by the inverse distribution functions.

    model    called with at most `designs.BLOCK` rows at a time
    inputs   uncertain inputs by name, at least one
    draws    at each point
    """

    def __init__(
        self,
        model: Model,
        inputs: Mapping[str, Distribution],
        draws: int,
        seed: int,
        statistic: Statistic,
    ) -> None:
        self._model, self.draws, self.statistic = model, draws, statistic
        u = design("sobol", len(inputs), seed).block(0, draws)
        self.columns = {
            name: shape.ppf(row)
            for (name, shape), row in zip(inputs.items(), u, strict=True)
        }

    def __call__(self, x: Mapping[str, Floats]) -> dict[str, Floats]:
        """Statistics of the outputs at n points, each shape (n,)."""
        return {name: self.statistic.of(y) for name, y in self.all_draws(x).items()}

    def all_draws(self, x: Mapping[str, Floats]) -> dict[str, Floats]:
        """Outputs at n points and all draws, each shape (n, draws)."""
        points = len(next(iter(x.values())))
        cells = points * self.draws
        result: dict[str, Floats] = {}
        for start in range(0, cells, BLOCK):
            cell = np.arange(start, min(start + BLOCK, cells))
            rows = {
                name: column[cell % self.draws] for name, column in self.columns.items()
            }
            rows.update(
                (name, np.asarray(column)[cell // self.draws])
                for name, column in x.items()
            )
            for name, column in self._model(rows).items():
                result.setdefault(name, np.empty(cells))[cell] = column
        return {name: y.reshape(points, self.draws) for name, y in result.items()}

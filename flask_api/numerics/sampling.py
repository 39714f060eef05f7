"""Draws of all inputs at once, block by block: evenly spread, and moving together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flask_api.numerics.correlation import Correlation
from flask_api.numerics.designs import BLOCK, blocks, design, parts
from flask_api.numerics.distribution import Distribution
from flask_api.numerics.nearest_correlation import lower_factor
from flask_api.numerics.normal_scores import mixer

Floats = npt.NDArray[np.float64]


class Sampler:
    """Draws of `inputs` by name: any block of them, the same whoever asks.

    total         draws that will be made at most
    sampling      `sobol`, `lhs` or `random`
    replicates    independent designs that share each block, see `designs.parts`
    correlation   None = all inputs are independent
    """

    def __init__(
        self,
        inputs: Mapping[str, Distribution],
        total: int,
        *,
        seed: int,
        sampling: str = "sobol",
        replicates: int = 1,
        correlation: Correlation | None = None,
    ) -> None:
        self.inputs, self.replicates, self.total = dict(inputs), replicates, total
        self._points = design(sampling, len(self.inputs), seed, total, replicates)
        self.method: str | None = None
        self._tied: dict[str, int] = {}
        if correlation is not None:
            self.method = correlation.suited(sampling)
            self._factor = np.ascontiguousarray(correlation.factor)
            self._mix = mixer(total * len(correlation.names))
            self._tied = {name: i for i, name in enumerate(correlation.names)}
        self._opening: Floats | None = None

    def block(self, start: int, n: int) -> dict[str, Floats]:
        """Draws start..start+n of each input, each shape (n,)."""
        u = self._points.block(start, n)
        rows = dict(zip(self.inputs, u, strict=True))
        if not self._tied:
            return self._each(rows, lambda shape, row: shape.ppf(row))
        free = {name: row for name, row in rows.items() if name not in self._tied}
        drawn = self._each(free, lambda shape, row: shape.ppf(row))
        order = list(self.inputs)
        held = list(self._tied)
        together = self._together(u)
        if self.method == "copula":
            z = self._mix(np.ascontiguousarray(together), self._factor)
            tied = dict(zip(held, z, strict=True))
            drawn |= self._each(tied, lambda shape, row: shape.of_normal(row))
        else:
            tied = dict(zip(held, self._moved(together, start), strict=True))
            drawn |= self._each(tied, lambda shape, row: shape.ppf(row))
        return {name: drawn[name] for name in order}

    def _together(self, u: Floats) -> Floats:
        """The rows of `u` whose inputs are correlated, in the correlation's order."""
        order, held = list(self.inputs), list(self._tied)
        return u if held == order else u[[order.index(name) for name in held]]

    def _moved(self, together: Floats, start: int) -> Floats:
        """A block of correlated inputs, each row's numbers in another order.

        The small blocks that a run opens with are put in order as one: the order of 64
        numbers says too little of their size, and a sum of them would scatter less
        than it should (its correlation was 3.5 % short at 256 draws).
        """
        n = together.shape[1]
        if start >= BLOCK:
            return self._reordered(together, [parts(n, self.replicates)])
        if self._opening is None:
            first = list(blocks(min(self.total, BLOCK)))
            rows = [self._together(self._points.block(*block)) for block in first]
            shares = [
                [slice(at + p.start, at + p.stop) for p in parts(size, self.replicates)]
                for at, size in first
            ]
            self._opening = self._reordered(np.hstack(rows), shares)
        return self._opening[:, start : start + n]

    def _reordered(self, rows: Floats, shares: list[list[slice]]) -> Floats:
        """`rows` correlated within each replicate; `shares` has its parts by block."""
        found = np.empty_like(rows)
        for pieces in zip(*shares, strict=True):
            at = np.concatenate([np.arange(p.start, p.stop) for p in pieces])
            found[:, at] = reordered(rows[:, at], self._factor)
        return found

    def _each(
        self,
        rows: Mapping[str, Floats],
        value: Callable[[Distribution, Floats], Floats],
    ) -> dict[str, Floats]:
        return {name: value(self.inputs[name], row) for name, row in rows.items()}


def reordered(values: Floats, factor: Floats) -> Floats:
    """The rows of `values`, each put in an order that makes them correlated.

    values   independent draws, shape (d, n)
    factor   lower triangular, of the wanted correlations of normal scores

    Each row keeps exactly its numbers, and the first row its order. The correlation
    that the draws have by chance is taken out first, where n suffices to tell it.
    Source: Iman and Conover (1982), doi:10.1080/03610918208812265.
    """
    d, n = values.shape
    if n < 2:
        return values
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    ladder = cast(Floats, ndtri(np.arange(1, n + 1) / (n + 1)))
    scores = np.empty_like(values)
    np.put_along_axis(scores, order, ladder[None, :], axis=1)
    if n >= 4 * d:
        chance = scores @ scores.T / float(ladder @ ladder)
        scores = cast(Floats, np.linalg.solve(lower_factor(chance), scores))
    wanted = np.argsort(factor @ scores, axis=1)
    found = np.empty_like(values)
    np.put_along_axis(found, wanted, ordered, axis=1)
    return found

"""Where a model is evaluated for Shapley effects.

Both designs start from a point A and redraw some inputs *given* the others: at B where
inputs are independent, from their conditional distribution where they are correlated.
With y_u the output after redrawing the inputs u, half the mean of (y_0 - y_u)^2 is the
variance that is left when all but u are known (Jansen); the Shapley effect is the mean
rise of that over all orders in which inputs can be added to u.

Correlated inputs are monotone functions of correlated standard normal numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from flask_api.domains.sensitivity.variance.columns import Columns
from flask_api.numerics.distributions import Distribution
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

_LANE = 48  # keeps permutations apart from other uses of the same seed


class ShapleyDesign(Protocol):
    """Rows of evaluations, and what they say of each column's effect."""

    width: int

    def inputs(self, u: Floats, start: int) -> dict[str, Floats]:
        """The inputs of all evaluations of n rows, each of shape (width * n,).

        u       uniform numbers, shape (2 inputs, n)
        start   number of the first row
        """

    def effects(self, y: Floats) -> Floats:
        """Each row's effects, shape (columns, n), from its outputs, shape (width, n).

        Their sum is an estimate of the variance.
        """


class Subsets:
    """Every subset of the columns is redrawn: 2**columns evaluations in a row."""

    def __init__(
        self,
        inputs: Mapping[str, Distribution],
        columns: Columns,
        correlation: Floats | None,
    ) -> None:
        self._inputs = inputs
        self._count = len(columns.names)
        self.width = 1 << self._count
        subset = np.arange(self.width)
        #: whether subset u redraws input d, shape (inputs, width)
        self._redrawn = (subset >> np.array(columns.of_input)[:, None] & 1) == 1
        self._weights = shapley_weights(self._count)
        self._correlation = correlation
        self._conditional: list[tuple[Floats, Floats]] = []
        if correlation is not None:
            self._whole = np.linalg.cholesky(correlation)
            self._conditional = [
                conditional(correlation, new) for new in self._redrawn.T
            ]

    def inputs(self, u: Floats, start: int) -> dict[str, Floats]:
        half = len(self._inputs)
        x = {}
        if self._correlation is not None:
            z = self._normals(ndtri(u[:half]), ndtri(u[half:]))
            for (name, law), column in zip(self._inputs.items(), z, strict=True):
                x[name] = law.of_normal(column.ravel())
            return x
        for d, (name, law) in enumerate(self._inputs.items()):
            new = self._redrawn[d][:, None]
            x[name] = np.where(new, law.ppf(u[half + d]), law.ppf(u[d])).ravel()
        return x

    def _normals(self, a: Floats, b: Floats) -> Floats:
        """Correlated normals, shape (inputs, width, n), from independent ones."""
        old = self._whole @ a
        z = np.repeat(old[:, None, :], self.width, axis=1)
        for k, (slope, root) in enumerate(self._conditional):
            new = self._redrawn[:, k]
            z[new, k] = slope @ old[~new] + root @ b[new]
        return z

    def effects(self, y: Floats) -> Floats:
        y = y - y[0]
        if self._correlation is None:
            # each of the 2**columns mixtures can stand for y_0: by Walsh-Hadamard
            power = walsh(walsh(y) ** 2) / self.width
            left = (power[0] - power) / self.width
        else:
            left = y * y / 2
        effects: Floats = self._weights @ left
        return effects


class Permutations:
    """Columns are redrawn one after the other, in an order drawn for each row.

    Goda (2021), doi:10.1016/j.ress.2020.107409; for correlated inputs Song, Nelson,
    Staum (2016), doi:10.1137/15M1048070, with one conditional draw.
    """

    def __init__(
        self,
        inputs: Mapping[str, Distribution],
        columns: Columns,
        correlation: Floats | None,
        seed: int,
    ) -> None:
        self._inputs, self._seed = inputs, seed
        self._count = len(columns.names)
        self.width = self._count + 1
        self._of_input = np.array(columns.of_input)
        self._correlation = correlation
        self._turn = np.empty((0, 0), dtype=np.int64)

    def inputs(self, u: Floats, start: int) -> dict[str, Floats]:
        half, n = len(self._inputs), u.shape[1]
        orders = np.tile(np.arange(self._count), (n, 1))
        #: when each column's turn comes, shape (columns, n)
        self._turn = stream(self._seed, start, _LANE).permuted(orders, axis=1).T
        turn = self._turn[self._of_input]
        if self._correlation is not None:
            z = self._normals(self._correlation, turn, ndtri(u[:half]), ndtri(u[half:]))
            return {
                name: law.of_normal(column.ravel())
                for (name, law), column in zip(self._inputs.items(), z, strict=True)
            }
        step = np.arange(self.width)[:, None]
        return {
            name: np.where(turn[d] < step, law.ppf(u[half + d]), law.ppf(u[d])).ravel()
            for d, (name, law) in enumerate(self._inputs.items())
        }

    def _normals(
        self, correlation: Floats, turn: npt.NDArray[np.int64], a: Floats, b: Floats
    ) -> Floats:
        """Correlated normals, shape (inputs, width, n), from independent ones.

        With the inputs in the order last turn first, and z = L e, the first ones do
        not depend on the e of the later ones: so redrawing these e redraws their
        inputs given the others.
        """
        order = np.argsort(-turn, axis=0, kind="stable").T
        root = np.linalg.cholesky(correlation[order[:, :, None], order[:, None, :]])
        when = np.take_along_axis(turn.T, order, axis=1)[:, :, None]
        new = when < np.arange(self.width)
        e = np.where(new, b.T[:, :, None], a.T[:, :, None])
        z = np.empty_like(e)
        np.put_along_axis(z, order[:, :, None], root @ e, axis=1)
        return np.ascontiguousarray(z.transpose(1, 2, 0))

    def effects(self, y: Floats) -> Floats:
        rise = np.diff((y - y[0]) ** 2, axis=0) / 2
        if self._correlation is None:  # the way back from B is as good
            rise -= np.diff((y - y[-1]) ** 2, axis=0) / 2
            rise /= 2
        return np.take_along_axis(rise, self._turn, axis=0)


def shapley_weights(count: int) -> Floats:
    """Weight of the value of each subset in each player's Shapley value.

    Shape (players, 2**players); bit i of a subset's number says that i belongs to it.
    """
    weights = np.zeros((count, 1 << count))
    for subset in range(1 << count):
        size = subset.bit_count()
        for i in range(count):
            if subset >> i & 1:
                weights[i, subset] = 1 / (count * math.comb(count - 1, size - 1))
            else:
                weights[i, subset] = -1 / (count * math.comb(count - 1, size))
    return weights


def conditional(
    correlation: Floats, new: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """(slope, root): the normals `new` given the others are slope @ others + root @ e.

    e are independent standard normal numbers.
    """
    if not new.any():
        return np.zeros((0, len(new))), np.zeros((0, 0))
    across = correlation[np.ix_(new, ~new)]
    known = correlation[np.ix_(~new, ~new)]
    slope = cast(Floats, np.linalg.solve(known, across.T).T)
    rest = correlation[np.ix_(new, new)] - slope @ across.T
    return slope, cast(Floats, np.linalg.cholesky(rest))


def walsh(y: Floats) -> Floats:
    """The Walsh-Hadamard transform along the first axis, of length a power of two."""
    size, step = y.shape[0], 1
    rest = y.shape[1:]
    while step < size:
        pairs = y.reshape(size // (2 * step), 2, step, *rest)
        low, high = pairs[:, 0], pairs[:, 1]
        y = np.stack([low + high, low - high], axis=1).reshape(size, *rest)
        step *= 2
    return y

"""Morris' walks through a grid: each changes every input once, one at a time.

Sources: Morris (1991), doi:10.1080/00401706.1991.10484804; walks far apart: Campolongo,
Cariboni, Saltelli (2007), doi:10.1016/j.envsoft.2006.10.004, chosen as in Ruano, Ribes,
Seco, Ferrer (2012), doi:10.1016/j.envsoft.2012.03.008, and then exchanged one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.numerics.distributions import Distribution
from flask_api.numerics.errors import InputError
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: An unbounded distribution is walked between its quantiles TAIL and 1 - TAIL.
TAIL = 0.005
#: Levels of the grid at most: a level is kept in 16 bits.
MOST_LEVELS = 1000

_LANE = 42  # keeps walks apart from other uses of the same seed
_DISTANCES = 1 << 20  # distances computed at a time: 4 MB


@dataclass(frozen=True)
class Trajectories:
    """Walks of columns + 1 points each, shape (walks, ...).

    levels   of the grid, even; one step is levels/2 of them
    low      the lower level of each input, shape (walks, inputs)
    rises    whether the input steps up, shape (walks, inputs)
    turn     which step moves a column (an input or a group), shape (walks, columns)
    column   of each input, shape (inputs,)
    """

    levels: int
    low: npt.NDArray[np.int16]
    rises: npt.NDArray[np.bool_]
    turn: npt.NDArray[np.int32]
    column: Ints

    def __len__(self) -> int:
        return len(self.low)

    @property
    def points(self) -> int:
        """Points of one walk."""
        return int(self.turn.shape[1]) + 1

    @property
    def step(self) -> float:
        """Length of a step, as a share of the grid's width."""
        return self.levels / (2 * (self.levels - 1))

    def pick(self, walks: Ints) -> Trajectories:
        """Only these walks."""
        return Trajectories(
            self.levels,
            self.low[walks],
            self.rises[walks],
            self.turn[walks],
            self.column,
        )

    def rows(self, start: int, n: int) -> npt.NDArray[np.int16]:
        """Levels of points start..start+n, walk after walk, shape (inputs, n)."""
        walk, point = np.divmod(np.arange(start, start + n), self.points)
        out = np.empty((self.low.shape[1], n), dtype=np.int16)
        for i, column in enumerate(self.column):
            moved = self.turn[walk, column] < point
            high = moved == self.rises[walk, i]
            out[i] = self.low[walk, i] + high * np.int16(self.levels // 2)
        return out

    def effects(self, y: Floats) -> Floats:
        """Elementary effects of `y`, shape (walks, points), on the columns.

        Returns shape (walks, columns): change of y for a whole width of the grid. The
        sign is that of a step up of the column's first input.
        """
        steps = np.diff(y, axis=1) / self.step
        effects = np.take_along_axis(steps, self.turn, axis=1)
        _, first = np.unique(self.column, return_index=True)
        return np.where(self.rises[:, first], effects, -effects)


def random_trajectories(
    walks: int, column: Sequence[int], levels: int, seed: int
) -> Trajectories:
    """Independent walks, every start, direction and order equally likely.

    column   number of the column of each input: members of a group share one

    Raises InputError for an odd number of levels, which no step halves.
    """
    if levels % 2 or not 2 <= levels <= MOST_LEVELS:
        raise InputError(
            f"got {levels} levels; wanted an even number from 2 to {MOST_LEVELS:,}: a "
            "step is half of them",
            "config.levels",
        )
    random = stream(seed, 0, _LANE)
    shape = walks, len(column)
    low = random.integers(0, levels // 2, shape, dtype=np.int16)
    rises = random.random(shape) < 0.5
    order = np.tile(np.arange(max(column) + 1, dtype=np.int32), (walks, 1))
    turn = random.permuted(order, axis=1, out=order)
    return Trajectories(levels, low, rises, turn, np.asarray(column, dtype=np.int64))


def level_values(distribution: Distribution, levels: int) -> Floats:
    """The input's value at each level of the grid, shape (levels,), rising.

    A bounded distribution goes from end to end; one without an end on some side goes
    from its 0.5 % to its 99.5 % quantile, since the levels 0 and 1 have no value there.
    In between the levels are equal steps of probability.
    """
    u = np.arange(levels) / (levels - 1)
    low, high = distribution.support
    if not (np.isfinite(low) and np.isfinite(high)):
        return distribution.ppf(TAIL + (1 - 2 * TAIL) * u)
    return np.concatenate([[low], distribution.ppf(u[1:-1]), [high]])


def distances(walks: Trajectories) -> Floats:
    """Distance of each two walks, shape (walks, walks).

    It is the sum of the distances of each point of one to each point of the other, in
    a grid of width 1; a walk's distance to itself, and to its like, is 0.
    """
    n, points = len(walks), walks.points
    x = walks.rows(0, n * points).T.astype(np.float32)
    square = np.einsum("ij,ij->i", x, x)  # whole numbers: exact in 32 bits
    out = np.zeros((n, n))
    strip = max(1, _DISTANCES // (n * points * points))
    for first in range(0, n, strip):
        last = min(first + strip, n)
        mine = slice(first * points, last * points)
        rest = slice(first * points, None)
        d = x[mine] @ x[rest].T
        d *= -2
        d += square[mine, None]
        d += square[rest]
        np.sqrt(np.maximum(d, 0, out=d), out=d)
        part = d.reshape(last - first, points, n - first, points)
        total = part.sum(axis=3, dtype=np.float64).sum(axis=1) / (walks.levels - 1)
        out[first:last, first:] = total
        out[first:, first:last] = total.T
    same = x.reshape(n, -1)
    _, like = np.unique(same, axis=0, return_inverse=True)
    out[like.ravel()[:, None] == like.ravel()] = 0.0
    return out


def spread_out(distance: Floats, k: int) -> Ints:
    """Numbers of the `k` walks that lie far from each other, rising, 2 <= k <= walks.

    distance   shape (walks, walks), symmetric

    What is made large is the sum of squared distances of all pairs chosen: first after
    Ruano, then by exchanging a chosen for another walk as long as that makes it larger.
    The best choice of all would take (walks over k) trials.
    """
    squared = distance * distance
    chosen = list(_ruano(squared, k))
    while True:
        pull = squared[:, chosen].sum(axis=1)
        gain = pull[:, None] - squared[:, chosen] - pull[chosen]
        gain[chosen] = 0.0
        new, old = np.unravel_index(int(gain.argmax()), gain.shape)
        # beyond rounding, so that it ends
        if gain[new, old] <= 1e-9 * pull[chosen].sum():
            return np.sort(np.array(chosen, dtype=np.int64))
        chosen[int(old)] = int(new)


def _ruano(squared: Floats, k: int) -> Ints:
    """The best of k - 1 growths, each from a different size of first cluster.

    The first cluster of size i + 1 is the best among each walk with the i farthest from
    it; then the walk that adds most joins, until there are k.
    """
    n = len(squared)
    farthest = np.argsort(-squared, axis=1, kind="stable")[:, : k - 1]
    everyone = np.arange(n)
    score = np.zeros(n)
    best, best_score = farthest[0, :0], -np.inf
    for i in range(1, k):
        joins = farthest[:, i - 1]
        score += squared[everyone, joins]
        score += squared[farthest[:, : i - 1], joins[:, None]].sum(axis=1)
        start = int(score.argmax())
        chosen = [start, *farthest[start, :i]]
        total = score[start]
        pull = squared[:, chosen].sum(axis=1)
        pull[chosen] = -np.inf
        while len(chosen) < k:
            new = int(pull.argmax())
            total += pull[new]
            chosen.append(new)
            pull += squared[:, new]
            pull[new] = -np.inf
        if total > best_score:
            best, best_score = np.array(chosen), total
    return best

"""The order of one variable, and what changes with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranks:
    """Order of one variable: where each row stands, and which rows tie with it.

    place          position of each row in rising order, shape (n,)
    order          row at each position, shape (n,)
    first, after   first position of a row's ties, and the first behind them, shape (n,)
    """

    place: Ints
    order: Ints
    first: Ints
    after: Ints

    @property
    def ranks(self) -> Floats:
        """1..n; rows that tie share the mean of theirs."""
        return (self.first + self.after + 1) / 2

    def above(self, score: Floats) -> Floats:
        """Sum of `score` over the rows above each row, ties half, shape (k, n).

        score   shape (k, n)
        """
        n = len(self.order)
        sums = np.zeros((len(score), n + 1))
        np.cumsum(score[:, self.order[::-1]], axis=1, out=sums[:, 1:])
        # sums[:, m] holds the m topmost rows
        return (sums[:, n - self.first] + sums[:, n - self.after]) / 2


def order_of(values: Floats) -> Ranks:
    """The order of `values`, shape (n,)."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) == n:
        return Ranks(place, order, place, place + 1)
    size = np.diff(np.append(starts, n))
    first = np.repeat(starts, size)
    after = np.repeat(starts + size, size)
    return Ranks(place, order, first[place], after[place])

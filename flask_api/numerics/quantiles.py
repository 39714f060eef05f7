"""Quantiles of any number of values: exact while they fit, then with a stated error.

Up to `EXACT` values all are kept. Above, the first `CHUNK` values choose cut points at
even ranks; of all later ones only the counts below and up to each cut are kept. A
quantile then lies between two cuts, and how many values lie there is known: this is the
stated error, a fact about the data and not an estimate. Repeated values are cuts of
their own, so the quantiles of a discrete distribution stay exact.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Values kept as they are: 80 MB.
EXACT = 10_000_000
#: Values sorted at a time above that: 8 MB.
CHUNK = 1 << 20
#: Cut points: about 1/32,768 of all values lies between two neighbours.
CUTS = 1 << 15


class Quantiles:
    """Collects values, then tells their quantiles.

    expected   number of values that will come at most; above `exact` a sketch is kept
    """

    def __init__(self, expected: int, exact: int = EXACT, chunk: int = CHUNK) -> None:
        self.n = 0
        self.exact = expected <= exact
        self._kept = np.empty(expected if self.exact else chunk)
        self._filled = 0
        self._cuts: Floats | None = None
        self._under = np.zeros(0, dtype=np.int64)  # how many values < each cut
        self._up_to = np.zeros(0, dtype=np.int64)  # how many values <= each cut
        self._low, self._high = np.inf, -np.inf

    def add(self, values: Floats) -> None:
        """Take finite `values`, shape (n,)."""
        self.n += len(values)
        while len(values):
            if self._filled == len(self._kept):
                self._absorb()
            take = min(len(self._kept) - self._filled, len(values))
            self._kept[self._filled : self._filled + take] = values[:take]
            self._filled += take
            values = values[take:]

    def _absorb(self) -> None:
        """Turn the kept values into counts at the cuts."""
        if self.exact:
            raise ValueError(f"got more than the {len(self._kept)} values expected")
        chunk = self._kept[: self._filled]
        if not len(chunk):
            return
        chunk.sort()
        if self._cuts is None:
            # half steps, so that the outer intervals are as wide as the others
            ranks = (np.arange(CUTS) + 0.5) * (len(chunk) / CUTS)
            self._cuts = np.unique(chunk[ranks.astype(np.int64)])
            self._under = np.zeros(len(self._cuts), dtype=np.int64)
            self._up_to = np.zeros(len(self._cuts), dtype=np.int64)
        self._under += np.searchsorted(chunk, self._cuts, "left")
        self._up_to += np.searchsorted(chunk, self._cuts, "right")
        self._low = min(self._low, float(chunk[0]))
        self._high = max(self._high, float(chunk[-1]))
        self._filled = 0

    def at(self, shares: Floats) -> Floats:
        """Values below which `shares` (0..1, shape (k,)) of all values lie.

        Between two ranks by straight line, as numpy's `linear`. NaN without values.
        """
        shares = np.asarray(shares, dtype=np.float64)
        if not self.n:
            return np.full(len(shares), np.nan)
        if not self.exact:
            return self._from_cuts(shares)
        place = shares * (self.n - 1)
        left = np.floor(place).astype(np.int64)
        right = np.minimum(left + 1, self.n - 1)
        kept = self._kept[: self._filled]
        kept.partition(np.unique(np.concatenate([left, right])))
        low, high = kept[left], kept[right]
        return np.asarray(low + (high - low) * (place - left))

    def _from_cuts(self, shares: Floats) -> Floats:
        self._absorb()
        assert self._cuts is not None
        # Ranks that are known: smallest, first and last at each cut, largest. A cut
        # that no later value met has no rank of its own: under == up_to.
        met = self._up_to > self._under
        cuts = self._cuts[met]
        at_cuts = np.column_stack([self._under[met], self._up_to[met] - 1]).ravel()
        ranks = np.concatenate([np.zeros(1), at_cuts, np.full(1, self.n - 1)])
        values = np.concatenate([[self._low], np.repeat(cuts, 2), [self._high]])
        return cast(Floats, np.interp(shares * (self.n - 1), ranks, values))

    @property
    def rank_error(self) -> float:
        """The largest error of a share that `at` can make: 0 where it is exact.

        A value given for share q is the true quantile of a share within q -+ this.
        """
        if self.exact or not self.n:
            return 0.0
        self._absorb()
        starts = np.concatenate([[0], self._up_to])
        ends = np.concatenate([self._under, [self.n]])
        return float((ends - starts).max() / self.n)

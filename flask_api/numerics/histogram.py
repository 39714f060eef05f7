"""A histogram whose range grows with the data, to be drawn while it fills."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Cells kept inside; what is drawn has fewer.
CELLS = 32_768


class Histogram:
    """Counts of values on an even grid that doubles its range when a value is outside.

    Doubling adds neighbouring cells in pairs, so no value is lost and none is looked
    at twice. The grid is at least a quarter used once it had to grow: an edge of a
    drawn bin is resolved to 1/8,192 of the range, or better.
    """

    def __init__(self) -> None:
        self.n = 0
        self.low, self.high = math.inf, -math.inf  # of the values
        self._counts = np.zeros(CELLS, dtype=np.int64)
        self._start = 0.0  # lower edge of the grid
        self._width = 0.0  # of one cell; 0 = all values so far are equal

    def add(self, values: Floats) -> None:
        """Count finite `values`, shape (n,)."""
        if not len(values):
            return
        low = min(self.low, float(values.min()))
        high = max(self.high, float(values.max()))
        self._fit(low, high)
        self.n += len(values)
        self.low, self.high = low, high
        if self._width == 0:
            self._counts[0] += len(values)
            return
        cells = ((values - self._start) * (1 / self._width)).astype(np.int64)
        np.clip(cells, 0, CELLS - 1, out=cells)  # rounding at the edges
        self._counts += np.bincount(cells, minlength=CELLS)

    def _fit(self, low: float, high: float) -> None:
        if self._width == 0:
            # a spread that rounding can make is no spread to draw
            if high - low <= 8 * np.spacing(max(abs(low), abs(high))):
                return
            before, self._counts[0] = int(self._counts[0]), 0
            self._width = 1.5 * (high / CELLS - low / CELLS)
            self._start = low - (CELLS // 6) * self._width
            if before:
                cell = int((self.low - self._start) / self._width)
                self._counts[min(max(cell, 0), CELLS - 1)] += before
        while low < self._start:
            self._start -= CELLS * self._width
            self._halve(upper=True)
        while high >= self._start + CELLS * self._width:
            self._halve(upper=False)

    def _halve(self, upper: bool) -> None:
        paired = self._counts.reshape(-1, 2).sum(axis=1)
        self._counts = np.zeros(CELLS, dtype=np.int64)
        half = slice(CELLS // 2, CELLS) if upper else slice(0, CELLS // 2)
        self._counts[half] = paired
        self._width *= 2

    def bins(self, count: int) -> list[dict[str, float]]:
        """At most `count` even bins from smallest to largest value, to be drawn.

        Each is {value: its middle, probability: its share}; shares add up to 1. One
        bin where all values are equal, none without values.
        """
        if not self.n:
            return []
        if self._width == 0 or self.low == self.high:
            return [{"value": self.low, "probability": 1.0}]
        edges = np.linspace(self.low, self.high, count + 1)
        share = self._share_below(edges)
        share[0], share[-1] = 0.0, 1.0
        middle = (edges[:-1] + edges[1:]) / 2
        return [
            {"value": value, "probability": probability}
            for value, probability in zip(
                middle.tolist(), np.diff(share).tolist(), strict=True
            )
        ]

    def quantiles(self, shares: Floats) -> Floats:
        """Values below which `shares` lie, to one cell: for live display."""
        if self._width == 0 or self.low == self.high:
            return np.full(len(shares), self.low if self.n else np.nan)
        below = np.concatenate([[0.0], np.cumsum(self._counts) / self.n])
        filled = np.concatenate([[True], np.diff(below) > 0])
        edges = self._start + self._width * np.arange(CELLS + 1)
        values = np.interp(shares, below[filled], edges[filled])
        return cast(Floats, np.clip(values, self.low, self.high))

    def _share_below(self, x: Floats) -> Floats:
        below = np.concatenate([[0.0], np.cumsum(self._counts)])
        place = (x - self._start) / self._width
        # whole draws: a cell that an edge cuts is shared out by length
        return cast(
            Floats, np.rint(np.interp(place, np.arange(CELLS + 1), below)) / self.n
        )

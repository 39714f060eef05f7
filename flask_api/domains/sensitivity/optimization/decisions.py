"""Inputs that are to be chosen, and the unit cube that searches move in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.numerics.designs import SobolDesign
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Points of a grid that are made at once.
AT_ONCE = 16_384

_LANE = 21  # keeps these points apart from other uses of the same seed


@dataclass(frozen=True)
class Decision:
    """One input that is to be chosen from `low` to `high`, both included.

    name      as the model calls it
    start     today's value, which may lie outside; the search begins at the nearest
    integer   only whole numbers are possible
    """

    name: str
    low: float
    high: float
    start: float
    integer: bool = False


class Space:
    """The box of all decisions, seen as the unit cube.

    Columns of u, each from 0 to 1, stand for values: for a whole number each value owns
    an equal part of the interval.
    """

    def __init__(self, decisions: Sequence[Decision]) -> None:
        if not decisions:
            raise InputError("no input is left to choose", "parameters")
        for item in decisions:
            _refuse_empty(item)
        self.decisions = tuple(decisions)
        self.names = tuple(item.name for item in decisions)
        self.integer = np.array([item.integer for item in decisions])
        low = np.array([item.low for item in decisions])
        high = np.array([item.high for item in decisions])
        self.low = np.where(self.integer, np.ceil(low), low)
        self.high = np.where(self.integer, np.floor(high), high)
        half = np.where(self.integer, 0.5, 0.0)
        self._first, self._width = self.low - half, self.high - self.low + 2 * half
        starts = np.array([item.start for item in decisions])
        self._today = np.clip(starts, self.low, self.high)
        self.start = self.unit(self._today)

    @property
    def dims(self) -> int:
        return len(self.decisions)

    @property
    def width(self) -> Floats:
        """Values per unit of u, shape (dims,)."""
        return np.asarray(self._width)

    def values(self, u: Floats) -> Floats:
        """Values at the points `u`, shape (dims, n): within bounds, whole where due."""
        x = self._first[:, None] + self._width[:, None] * u
        # low + (high - low) may miss high by a rounding
        x = np.where(u >= 1, self.high[:, None], x)
        x = np.where(u == self.start[:, None], self._today[:, None], x)
        x[self.integer] = np.rint(x[self.integer])
        return np.asarray(np.clip(x, self.low[:, None], self.high[:, None]))

    def unit(self, x: Floats) -> Floats:
        """The point of the cube that stands for the values `x`, shape (dims,)."""
        return np.asarray(np.clip((x - self._first) / self._width, 0.0, 1.0))

    def named(self, x: Floats) -> dict[str, Floats]:
        """Rows of `x` by name."""
        return dict(zip(self.names, x, strict=True))

    def scattered(self, n: int, seed: int) -> Floats:
        """Scrambled Sobol points all over the cube, shape (dims, n)."""
        return SobolDesign(self.dims, seed, _LANE).block(0, n)

    @property
    def combinations(self) -> float:
        """How many points there are: infinite if one decision is a real number."""
        if not self.integer.all():
            return math.inf
        return float(np.prod(self.high - self.low + 1))

    def grid(self) -> Iterator[Floats]:
        """Every point of a space of whole numbers, as blocks of u, shape (dims, n)."""
        sizes = (self.high - self.low + 1).astype(np.intp)
        total = int(sizes.prod())
        for start in range(0, total, AT_ONCE):
            cells = np.arange(start, min(start + AT_ONCE, total))
            steps = np.array(np.unravel_index(cells, sizes), dtype=float)
            x = self.low[:, None] + steps
            yield (x - self._first[:, None]) / self._width[:, None]


def _refuse_empty(item: Decision) -> None:
    if not item.low < item.high:
        raise InputError(
            f"{item.name} would be chosen from {item.low:g} to {item.high:g}; its "
            "lower bound must be below its upper one: give another `range`",
            "parameters",
        )
    if item.integer and math.ceil(item.low) > math.floor(item.high):
        raise InputError(
            f"{item.name} is a whole number and there is none from {item.low:g} to "
            f"{item.high:g}; give a wider `range`",
            "parameters",
        )


def at_bound(space: Space, values: Mapping[str, float]) -> dict[str, str]:
    """`lower` or `upper` by name, of decisions at an end of their range."""
    found = {}
    for name, low, high in zip(space.names, space.low, space.high, strict=True):
        near = 1e-9 * (high - low)
        if values[name] <= low + near:
            found[name] = "lower"
        elif values[name] >= high - near:
            found[name] = "upper"
    return found

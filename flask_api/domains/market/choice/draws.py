"""Standard draws of random coefficients: each person a block of one Sobol sequence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError
from flask_api.numerics.normal_scores import mixer
from flask_api.numerics.sobol import BITS, Sobol
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Numbers made at a time.
_BLOCK = 1 << 18
#: Numbers kept in memory (256 MB); more are made anew each time they are needed.
_KEPT = 1 << 25
#: Lane of the random numbers that scramble.
_LANE = 71


class Draws:
    """Standard draws, shape (persons, random coefficients, draws).

    shapes   by random coefficient the shape of the standard draw: `normal`,
             `triangular` or `uniform`, the latter two from -1 to 1
    count    draws for each person, 2 or more
    lane     keeps sets of draws with one seed apart

    A person's draws are consecutive points of a scrambled Sobol sequence, so that they
    fill the space evenly whatever the number of coefficients. Powers of two are best.
    """

    def __init__(
        self,
        persons: int,
        shapes: tuple[str, ...],
        count: int,
        seed: int,
        lane: int = 0,
    ) -> None:
        self.persons, self.shapes, self.count = persons, shapes, count
        self._stride = 1 << (count - 1).bit_length()
        if persons * self._stride > 2**BITS:
            raise InputError(
                f"got {count:,} draws for each of {persons:,} persons; wanted at most "
                f"2**{BITS} in all",
                "params.n_draws",
            )
        self._sobol = Sobol(len(shapes), stream(seed, 0, _LANE, lane))
        self._scores = mixer(persons * count)
        self._signs = np.ones(len(shapes))
        self._kept: Floats | None = None
        if persons * len(shapes) * count <= _KEPT:
            made = np.empty((persons, len(shapes), count))
            for first in range(0, persons, self.block):
                made[first : first + self.block] = self._made(first)
            self._kept = made

    @property
    def block(self) -> int:
        """Persons whose draws are made at a time: a power of two."""
        return max(1, _BLOCK // self._stride)

    def of(self, first: int, end: int) -> Floats:
        """Draws of the persons first..end, where first is a multiple of `block`."""
        if self._kept is not None:
            return self._kept[first:end]
        parts = [self._made(start) for start in range(first, end, self.block)]
        found = np.concatenate(parts)[: end - first]
        found *= self._signs[:, None]
        return found

    def mirror(self, which: npt.NDArray[np.bool_]) -> None:
        """Change the sign of the draws of these coefficients."""
        self._signs[which] *= -1
        if self._kept is not None:
            self._kept[:, which] *= -1

    def _made(self, first: int) -> Floats:
        number = min(self.block, self.persons - first)
        words = self._sobol.words(first * self._stride, self.block * self._stride)
        points = words.reshape(len(self.shapes), self.block, self._stride)
        points = points[:, :number, : self.count]
        made = np.empty((number, len(self.shapes), self.count))
        for k, shape in enumerate(self.shapes):
            u = (points[k] + 0.5) / 2.0**BITS
            if shape == "normal":
                made[:, k] = self._scores(u.reshape(1, -1), np.eye(1)).reshape(u.shape)
            else:
                made[:, k] = _bounded(u, shape)
        return made


def _bounded(u: Floats, shape: str) -> Floats:
    if shape == "uniform":
        return 2 * u - 1
    low = np.sqrt(2 * np.minimum(u, 1 - u)) - 1
    return np.asarray(np.where(u < 0.5, low, -low))

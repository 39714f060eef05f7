"""Where in the unit cube to look: random and scrambled Sobol points, block by block.

The layout of blocks is a function of the number of draws alone, and the numbers of a
block are a function of seed and first row alone: neither depends on who computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError
from flask_api.numerics.sobol import BITS, Sobol
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Rows of the first block: small, so that the first picture comes at once.
FIRST_BLOCK = 64
#: Rows of every block after the ramp: its columns stay in the processor's cache.
BLOCK = 16_384

_LANE = 1  # keeps sampling apart from other uses of the same seed


class Design(Protocol):
    """Points of the unit cube, any block of them at once."""

    def block(self, start: int, n: int) -> Floats:
        """Rows start..start+n, shape (dims, n), all strictly between 0 and 1."""


class RandomDesign:
    """Independent uniform points."""

    def __init__(self, dims: int, seed: int) -> None:
        self.dims, self.seed = dims, seed

    def block(self, start: int, n: int) -> Floats:
        u = stream(self.seed, start, _LANE).random((self.dims, n))
        return np.maximum(u, 2.0**-54, out=u)  # random() can give 0


class SobolDesign:
    """Scrambled Sobol points: evenly spread, so means settle faster than at random."""

    def __init__(self, dims: int, seed: int) -> None:
        self.dims = dims
        self._sequence = Sobol(dims, stream(seed, 0, _LANE))

    def block(self, start: int, n: int) -> Floats:
        u = self._sequence.words(start, n).astype(np.float64)
        u += 0.5  # the middle of the cell: never 0, never 1
        u *= 2.0**-BITS
        return u


DESIGNS: dict[str, Callable[[int, int], Design]] = {
    "random": RandomDesign,
    "sobol": SobolDesign,
}


def design(sampling: str, dims: int, seed: int) -> Design:
    """The design called `sampling` (`sobol` or `random`) in `dims` dimensions."""
    if sampling not in DESIGNS:
        raise InputError(
            f"got sampling {sampling!r}; offered: {', '.join(sorted(DESIGNS))}",
            field="config.sampling",
        )
    return DESIGNS[sampling](dims, seed)


def blocks(total: int) -> Iterator[tuple[int, int]]:
    """(start, n) of each block of `total` draws: 64, 64, 128 .. 8192, then 16384 each.

    Each start is a multiple of the block's size, as Sobol blocks want it.
    """
    start = 0
    while start < total:
        size = min(max(start, FIRST_BLOCK), BLOCK)
        yield start, min(size, total - start)
        start += size

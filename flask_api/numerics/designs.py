"""Where in the unit cube to look: random, Latin hypercube and scrambled Sobol points.

The layout of blocks is a function of the number of draws alone, and the numbers of a
block are a function of seed and first row alone: neither depends on who computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError
from flask_api.numerics.permutation import Permutation
from flask_api.numerics.sobol import BITS, Sobol
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

#: Rows of the first block: small, so that the first picture comes at once.
FIRST_BLOCK = 64
#: Rows of every block after the ramp: its columns stay in the processor's cache.
BLOCK = 16_384
#: Replicates of one design at most; each block is shared out among them.
MOST_REPLICATES = FIRST_BLOCK

_LANE = 1  # keeps sampling apart from other uses of the same seed
_ORDER = 1  # within it: the orders of a Latin hypercube
_REPLICATE = 2  # within it: replicates


class Design(Protocol):
    """Points of the unit cube, any block of them at once."""

    def block(self, start: int, n: int) -> Floats:
        """Rows start..start+n, shape (dims, n), all strictly between 0 and 1."""


class RandomDesign:
    """Independent uniform points."""

    def __init__(self, dims: int, seed: int, *lane: int) -> None:
        self.dims, self.seed, self._lane = dims, seed, (_LANE, *lane)

    def block(self, start: int, n: int) -> Floats:
        u = stream(self.seed, start, *self._lane).random((self.dims, n))
        return np.maximum(u, 2.0**-54, out=u)  # random() can give 0


class SobolDesign:
    """Scrambled Sobol points: evenly spread, so means settle faster than at random."""

    def __init__(self, dims: int, seed: int, *lane: int) -> None:
        self.dims = dims
        self._sequence = Sobol(dims, stream(seed, 0, _LANE, *lane))

    def block(self, start: int, n: int) -> Floats:
        u = self._sequence.words(start, n).astype(np.float64)
        u += 0.5  # the middle of the cell: never 0, never 1
        u *= 2.0**-BITS
        return u


class LatinDesign:
    """A Latin hypercube: of `total` slices of each input's range, each is met once.

    So each input alone is spread evenly; together they are at random. Slices are found
    by a keyed order, not by a stored one: 10^8 rows need no memory of 10^8. The first n
    rows of the `total` are a fair sample of fewer slices, so one may stop early.

    Source: McKay, Beckman, Conover (1979), doi:10.1080/00401706.1979.10489755.
    """

    def __init__(self, dims: int, seed: int, total: int, *lane: int) -> None:
        if not 1 <= total <= 2**32:
            raise InputError(f"got {total} draws; a Latin hypercube has 1 to 2**32")
        self.total = total
        keys = stream(seed, 0, _LANE, *lane, _ORDER)
        self._orders = [Permutation(total, keys) for _ in range(dims)]
        self._within = RandomDesign(dims, seed, *lane)

    def block(self, start: int, n: int) -> Floats:
        u = self._within.block(start, n)
        for row, order in zip(u, self._orders, strict=True):
            row += order.places(start, n)
        u *= 1 / self.total
        # rounding may reach the upper end of the last slice
        return np.minimum(u, 1 - 2.0**-53, out=u)


class Replicated:
    """Several independent designs side by side: each block holds as much of each.

    Their answers differ only by chance, so their scatter tells an honest error even
    where the points of one design depend on each other (Sobol, Latin hypercube).
    Source: Owen (1997), doi:10.1214/aos/1031594731.
    """

    def __init__(self, designs: Sequence[Design]) -> None:
        self._designs = list(designs)

    def block(self, start: int, n: int) -> Floats:
        each = start // len(self._designs)
        return np.hstack(
            [
                design.block(each, part.stop - part.start)
                for design, part in zip(
                    self._designs, parts(n, len(self._designs)), strict=True
                )
                if part.stop > part.start
            ]
        )


def parts(n: int, replicates: int) -> list[slice]:
    """Which rows of a block of `n` belong to each of `replicates`."""
    sizes = [(n - r + replicates - 1) // replicates for r in range(replicates)]
    ends = np.cumsum([0, *sizes]).tolist()
    return [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def _random(dims: int, seed: int, total: int, *lane: int) -> Design:
    return RandomDesign(dims, seed, *lane)


def _sobol(dims: int, seed: int, total: int, *lane: int) -> Design:
    return SobolDesign(dims, seed, *lane)


DESIGNS: dict[str, Callable[..., Design]] = {
    "lhs": LatinDesign,
    "random": _random,
    "sobol": _sobol,
}
#: Designs whose points depend on each other: only replicates tell their error.
DEPENDENT = frozenset({"lhs", "sobol"})


def design(
    sampling: str,
    dims: int,
    seed: int,
    total: int | None = None,
    replicates: int = 1,
    *lane: int,
) -> Design:
    """The design called `sampling` (`sobol`, `lhs` or `random`) in `dims` dimensions.

    total        rows that will be drawn at most; only `lhs` must know
    replicates   independent designs that share the rows; a power of two to 64
    lane         keeps designs of one seed apart
    """
    if sampling not in DESIGNS:
        raise InputError(
            f"got sampling {sampling!r}; offered: {', '.join(sorted(DESIGNS))}",
            field="config.sampling",
        )
    if total is None:
        if sampling == "lhs":
            raise InputError(
                "a Latin hypercube needs its number of draws before it begins; use "
                "sobol or random here",
                field="config.sampling",
            )
        total = 1
    if replicates == 1:
        return DESIGNS[sampling](dims, seed, total, *lane)
    if not 1 <= replicates <= MOST_REPLICATES or replicates & (replicates - 1):
        raise InputError(
            f"got {replicates} replicates; wanted a power of two to {MOST_REPLICATES}"
        )
    return Replicated(
        [
            DESIGNS[sampling](dims, seed, own, *lane, _REPLICATE, r)
            for r, own in enumerate(shares(total, replicates))
        ]
    )


def shares(total: int, replicates: int) -> list[int]:
    """How many of `total` rows each replicate draws, at least one."""
    # only the last block can be uneven, and there the first replicates draw more
    return [max(1, len(range(r, total, replicates))) for r in range(replicates)]


def blocks(total: int) -> Iterator[tuple[int, int]]:
    """(start, n) of each block of `total` draws: 64, 64, 128 .. 8192, then 16384 each.

    Each start is a multiple of the block's size, as Sobol blocks want it.
    """
    start = 0
    while start < total:
        size = min(max(start, FIRST_BLOCK), BLOCK)
        yield start, min(size, total - start)
        start += size

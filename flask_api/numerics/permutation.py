"""A random order of any number of things, any part of it at once, without storing it.

An invertible mix of k-bit numbers, keyed at random, shuffles 0..2**k; numbers at or
above n are mixed again until they are below ("cycle walking"), which leaves a
permutation of 0..n. So 10^8 positions cost no memory, and any worker finds any of them.

Sources: cycle walking, Black and Rogaway (2002), doi:10.1007/3-540-45760-7_9; keyed
mixing for stratified samples, Kensler (2013), Pixar Technical Memo 13-01.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

#: Rounds of mixing: at 4 some orders of short lists come too often, at 8 none does.
ROUNDS = 8


class Permutation:
    """A random order of 0..n.

    n     1 <= n <= 2**32
    rng   decides it
    """

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        if not 1 <= n <= 2**32:
            raise ValueError(f"got {n} things to put in order; at most 2**32")
        self.n = n
        # a few spare bits, or short lists would have too few orders to choose from
        self._bits = max(4, (n - 1).bit_length())
        self._mask = np.uint32(2**self._bits - 1)
        self._fold = np.uint32((self._bits + 1) // 2)
        keys = rng.integers(0, 2**32, (ROUNDS, 2), dtype=np.uint32)
        self._add = keys[:, 0]
        self._times = keys[:, 1] | np.uint32(1)  # odd numbers have an inverse

    def places(self, start: int, n: int) -> Words:
        """Where the things start..start+n stand, shape (n,)."""
        x = np.arange(start, start + n, dtype=np.int64).astype(np.uint32)
        self._mix(x)
        outside = np.flatnonzero(x > np.uint32(self.n - 1))
        while len(outside):
            again = x[outside]
            self._mix(again)
            x[outside] = again
            outside = outside[again > np.uint32(self.n - 1)]
        return x

    def _mix(self, x: Words) -> None:
        """One invertible shuffle of `bits`-bit numbers, in place."""
        for add, times in zip(self._add, self._times, strict=True):
            x += cast(np.uint32, add)
            x *= times
            x &= self._mask
            x ^= x >> self._fold

"""The scrambled Sobol sequence, any block of it at once.

Point i is shift XOR the direction numbers of the bits of i's Gray code. For a start
that is a multiple of n = 2**k, the Gray code of start + i is that of start XOR that of
i: a block is one fixed table XOR one constant. So a block costs one XOR per number, and
needs none of the blocks before it.

Direction numbers: Joe and Kuo (2008), doi:10.1137/070709359, read from scipy's data
(importing scipy.stats for them would cost a worker half a second and 45 MB).
Scrambling: random linear matrices and a digital shift, Matousek (1998),
doi:10.1006/jcom.1998.0489. Why the first point stays: Owen (2020), arXiv:2008.08051.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy

from flask_api.numerics.errors import InputError

BITS = 32
Words = npt.NDArray[np.uint32]


@cache
def _published() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    where = Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz"
    with np.load(where) as data:
        return data["poly"].astype(np.int64), data["vinit"].astype(np.int64)


def direction_numbers(dims: int) -> Words:
    """Direction numbers of the unscrambled sequence, shape (dims, 32).

    Column j belongs to bit j of the Gray code; the most significant bit of a number
    is the first binary digit of the coordinate.
    Raises InputError above 21,201 dimensions, for which none are published.
    """
    poly, initial = _published()
    if not 1 <= dims <= len(poly):
        raise InputError(
            f"got {dims} dimensions; a Sobol sequence has 1 to {len(poly)}"
        )
    out = np.zeros((dims, BITS), dtype=np.uint32)
    for dim in range(dims):
        m = _recurrence(int(poly[dim]), [int(v) for v in initial[dim]], dim == 0)
        out[dim] = [value << (BITS - 1 - j) for j, value in enumerate(m)]
    return out


def _recurrence(poly: int, initial: list[int], first: bool) -> list[int]:
    """Bratley and Fox (1988), doi:10.1145/42288.214372, equation for m_j."""
    if first:  # van der Corput: all ones
        return [1] * BITS
    degree = poly.bit_length() - 1
    m = initial[:degree]
    for j in range(degree, BITS):
        value = m[j - degree]
        for k in range(1, degree + 1):
            if poly >> (degree - k) & 1:
                value ^= m[j - k] << k
        m.append(value)
    return m


def scrambled(v: Words, rng: np.random.Generator) -> Words:
    """Direction numbers times a random lower triangular bit matrix per dimension."""
    places = np.arange(BITS - 1, -1, -1, dtype=np.uint32)
    digits = (v[:, :, None] >> places) & np.uint32(1)  # most significant first
    lower = np.tril(rng.integers(0, 2, (len(v), BITS, BITS), dtype=np.uint32), -1)
    lower += np.eye(BITS, dtype=np.uint32)
    mixed = np.einsum("drc,djc->djr", lower, digits) & np.uint32(1)
    return cast(Words, (mixed << places).sum(axis=2, dtype=np.uint32))


class Sobol:
    """One scrambled Sobol sequence in `dims` dimensions.

    rng   scrambles it; None leaves it unscrambled
    """

    def __init__(self, dims: int, rng: np.random.Generator | None = None) -> None:
        self.dims = dims
        self._v = direction_numbers(dims)
        self._shift = np.zeros(dims, dtype=np.uint32)
        if rng is not None:
            self._v = scrambled(self._v, rng)
            self._shift = rng.integers(0, 2**BITS, dims, dtype=np.uint32)
        self._table = self._shift[:, None].copy()  # the first 2**k points

    def words(self, start: int, n: int) -> Words:
        """Points start..start+n as 32-bit whole numbers, shape (dims, n).

        start must be a multiple of the power of two at or above n.
        Raises InputError beyond the sequence's 2**32 points.
        """
        size = 1 << (n - 1).bit_length()
        if start % size:
            raise ValueError(f"start {start} is no multiple of {size}")
        if start + n > 2**BITS:
            raise InputError(f"got {start + n} draws; the sequence ends at 2**{BITS}")
        while self._table.shape[1] < size:
            self._double()
        offset = self._at(start) ^ self._shift
        return cast(Words, self._table[:, :n] ^ offset[:, None])

    def _double(self) -> None:
        """Gray code of 2**k + i: bit k, bit k-1, and the Gray code of i."""
        half = self._table.shape[1]
        step = self._at(half) ^ self._shift
        self._table = np.hstack([self._table, self._table ^ step[:, None]])

    def _at(self, index: int) -> Words:
        gray, point = index ^ (index >> 1), self._shift.copy()
        for j in range(gray.bit_length()):
            if gray >> j & 1:
                point ^= self._v[:, j]
        return point

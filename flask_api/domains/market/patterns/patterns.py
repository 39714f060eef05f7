"""Binary data as its distinct patterns: 8 products in a byte, with counts.

Rows that look alike are one pattern, so a model works on what differs. Only the packed
rows, the patterns and each row's pattern are kept: 1,000,000 rows of 50 products take
some 12 MB beside the data.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Rows that a caller should make at a time.
BLOCK = 1 << 14
#: Rows packed, or patterns unpacked, at a time: as numbers they stay in the cache.
UNPACKED = 1 << 12
#: Types that hold 0 and 1 as a byte each.
_BITS = (np.uint8, np.bool_)


@dataclass(frozen=True, eq=False)
class Patterns:
    """Distinct patterns, those that occur most often last.

    items      products: columns of the data
    codes      shape (patterns, bytes): product 8 i + b is bit b of byte i. Where some
               value is missing there are twice as many bytes: first the ones, then the
               zeros, so that a missing value is in neither
    gaps       whether a value is missing somewhere
    counts     rows of each pattern, shape (patterns,), whole numbers, ascending
    of_row     the pattern of each row of the data, shape (rows,)
    """

    items: int
    codes: Bytes
    gaps: bool
    counts: Floats
    of_row: npt.NDArray[np.int32]

    @property
    def size(self) -> int:
        """Distinct patterns."""
        return len(self.codes)

    @property
    def width(self) -> int:
        """Bytes that hold one bit for each product."""
        return -(-self.items // 8)

    @property
    def rows(self) -> int:
        """Rows, each as often as it was counted."""
        return int(self.counts.sum())

    def blocks(self) -> list[slice]:
        """The patterns in parts that may be unpacked."""
        ends = [*range(0, self.size, UNPACKED), self.size]
        return [slice(start, end) for start, end in itertools.pairwise(ends)]

    def ones(self, part: slice) -> Bytes:
        """1 where a product was bought, 0 where not or not known: (patterns, items)."""
        return self._bits(self.codes[part, : self.width])

    def seen(self, part: slice) -> Bytes:
        """1 where a value is known, shape (patterns, items)."""
        if not self.gaps:
            return np.ones((len(self.codes[part]), self.items), np.uint8)
        codes = self.codes[part]
        return self._bits(codes[:, : self.width] | codes[:, self.width :])

    def sums(
        self, part: slice, bought: Floats, otherwise: Floats | None = None
    ) -> Floats:
        """Sums over products by pattern, shape (patterns, k): `ones(part) @ bought`.

        bought      what a product adds that was bought, shape (items, k)
        otherwise   what one adds that is known not to be, same shape; None = nothing

        Looked up by the byte, 8 products at a time.
        """
        codes, nothing = self.codes[part], np.zeros_like(bought)
        if otherwise is None:
            otherwise = nothing
        if not self.gaps:
            return _looked_up(codes, bought, otherwise)
        out = _looked_up(codes[:, : self.width], bought, nothing)
        out += _looked_up(codes[:, self.width :], otherwise, nothing)
        return out

    def _bits(self, codes: Bytes) -> Bytes:
        # whole bytes are unpacked three times as fast as some of their bits
        whole = np.unpackbits(codes, axis=None, bitorder="little")
        return whole.reshape(-1, 8 * self.width)[:, : self.items]

    def informative(self) -> Bools:
        """Whether a pattern has at least one known value, shape (patterns,)."""
        if not self.gaps:
            return np.ones(self.size, bool)
        return np.asarray(self.codes.any(axis=1))

    def totals(self) -> tuple[Floats, Floats]:
        """Per product the rows that bought it and the rows that are known: (items,)."""
        bought, known = np.zeros(self.items), np.zeros(self.items)
        for part in self.blocks():
            bought += self.counts[part] @ self.ones(part)
            known += self.counts[part] @ self.seen(part)
        return bought, known

    def expand(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values per pattern, for each row of the data: shape (rows, ...)."""
        return np.take(values, self.of_row, axis=0)

    def counted(self, counts: Floats) -> Patterns:
        """The same patterns with other counts; those that don't occur are left out.

        Its `of_row` has one entry for each pattern kept.
        """
        kept = np.flatnonzero(counts)
        order = kept[np.argsort(counts[kept], kind="stable")]
        rows = np.arange(len(order), dtype=np.int32)
        return Patterns(
            self.items, self.codes[order], self.gaps, counts[order].copy(), rows
        )


def pack(
    data: npt.NDArray[Any],
    missing: Bools | None = None,
    counts: npt.NDArray[Any] | None = None,
) -> Patterns:
    """The distinct patterns of a matrix of 0 and 1.

    data      shape (rows, items), 0/1 or bool in any numeric type
    missing   True where a value is not known (what `data` holds there is not looked
              at), same shape, or None
    counts    how many alike rows each row stands for, whole numbers >= 0, shape
              (rows,), or None for 1 each

    Raises InputError for no row, no column, a cell that is neither 0 nor 1 (by row and
    column, from 1), or a count that is no whole number.
    """
    if data.ndim != 2 or 0 in data.shape:
        raise InputError(
            f"got data of shape {data.shape}; wanted a table with at least one row and "
            "one product column",
            "data",
        )
    if missing is not None and missing.shape != data.shape:
        raise InputError(
            f"got {missing.shape} marks of missing values for data of shape "
            f"{data.shape}; wanted one for each cell",
            "data",
        )
    gaps = missing is not None and bool(missing.any())
    packed = _packed(data, missing if gaps else None)
    first, of_row = _distinct(packed)
    weight = _weights(counts, len(data), of_row, len(first))
    order = np.argsort(weight, kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    codes = packed.take(first[order], axis=0)
    return Patterns(data.shape[1], codes, gaps, weight[order], place[of_row])


def _looked_up(codes: Bytes, if_one: Floats, if_zero: Floats) -> Floats:
    width = codes.shape[1]
    ones, zeros = np.zeros((2, 8 * width, if_one.shape[1]))
    ones[: len(if_one)], zeros[: len(if_zero)] = if_one, if_zero
    each = np.arange(256, dtype=np.uint8)[:, None]
    bits = np.unpackbits(each, axis=1, bitorder="little").astype(np.float64)
    table = bits @ ones.reshape(width, 8, -1)
    table += (1 - bits) @ zeros.reshape(width, 8, -1)
    out: Floats = table[0].take(codes[:, 0], axis=0)
    for byte in range(1, width):
        out += table[byte].take(codes[:, byte], axis=0)
    return out


def _packed(data: npt.NDArray[Any], missing: Bools | None) -> Bytes:
    rows, items = data.shape
    width = -(-items // 8)
    out = np.empty((rows, width if missing is None else 2 * width), np.uint8)
    # packed in whole bytes: numpy takes five times as long for 30 bits of 32
    room = np.zeros((min(rows, UNPACKED), 8 * width), np.uint8)
    for start in range(0, rows, UNPACKED):
        part = slice(start, start + UNPACKED)
        cells = data[part]
        if missing is None and cells.dtype in _BITS and cells.max() <= 1:
            out[part, :width] = _in_bytes(cells, room)
            continue
        one = cells == 1
        good = one | (cells == 0)
        if missing is not None:
            known = ~missing[part]
            good |= ~known
            one &= known
            out[part, width:] = _in_bytes(known & ~one, room)
        if not good.all():
            row, column = np.argwhere(~good)[0]
            raise InputError(
                f"got {cells[row, column]!s} in row {start + row + 1}, column "
                f"{column + 1}; wanted 0 or 1",
                f"data[{start + row}][{column}]",
            )
        out[part, :width] = _in_bytes(one, room)
    return out


def _in_bytes(cells: npt.NDArray[Any], room: Bytes) -> Bytes:
    """Rows of 0 and 1 as bits; `room` holds whole bytes, 0 beyond the last column."""
    here = room[: len(cells)]
    here[:, : cells.shape[1]] = cells
    return np.packbits(here, axis=None, bitorder="little").reshape(len(cells), -1)


def _distinct(packed: Bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """A row that shows each distinct pattern, and the pattern of each row."""
    rows, words = len(packed), _in_words(packed)
    # one word is sorted by the processor's vector registers, six times as fast
    order = np.argsort(words[:, 0]) if len(words.T) == 1 else np.lexsort(words.T)
    new = np.zeros(rows, bool)
    new[0] = True
    for column in words.T:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    number = np.cumsum(new, dtype=np.int32) - np.int32(1)
    of_row = np.empty(rows, np.int32)
    of_row[order] = number
    return order[new], of_row


def _in_words(packed: Bytes) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Rows as whole numbers, shape (rows, words)."""
    rows, width = packed.shape
    if width == 4:
        return packed.view(np.uint32)
    wide = np.zeros((rows, -(-width // 8) * 8), np.uint8)
    wide[:, :width] = packed
    return wide.view(np.uint64)


def _weights(
    counts: npt.NDArray[Any] | None,
    rows: int,
    of_row: npt.NDArray[np.int32],
    patterns: int,
) -> Floats:
    if counts is None:
        return np.bincount(of_row, minlength=patterns).astype(np.float64)
    each = np.asarray(counts, dtype=np.float64)
    if each.shape != (rows,):
        raise InputError(
            f"got counts of shape {each.shape}; wanted one for each of {rows:,} rows",
            "counts",
        )
    wrong = ~((each >= 0) & (each == np.floor(each)) & (each < 2.0**53))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"got count {each[row]} in row {row + 1}; wanted a whole number >= 0",
            f"counts[{row}]",
        )
    if not each.any():
        raise InputError("got counts that are all 0; wanted at least one row", "counts")
    return np.bincount(of_row, weights=each, minlength=patterns).astype(np.float64)

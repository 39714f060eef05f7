"""Binary data as its distinct patterns: 8 products in a byte, with counts.

Rows that look alike are one pattern, so a model works on what differs. Only the packed
rows, the patterns and each row's pattern are kept: 1,000,000 rows of 50 products take
some 12 MB beside the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Rows packed, or patterns unpacked, at a time.
BLOCK = 1 << 14


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
        return [slice(i, min(i + BLOCK, self.size)) for i in range(0, self.size, BLOCK)]

    def ones(self, part: slice) -> Bytes:
        """1 where a product was bought, 0 where not or not known: (patterns, items)."""
        return self._bits(self.codes[part, : self.width])

    def seen(self, part: slice) -> Bytes:
        """1 where a value is known, shape (patterns, items)."""
        if not self.gaps:
            return np.ones((len(self.codes[part]), self.items), np.uint8)
        codes = self.codes[part]
        return self._bits(codes[:, : self.width] | codes[:, self.width :])

    def _bits(self, codes: Bytes) -> Bytes:
        return np.unpackbits(codes, axis=1, count=self.items, bitorder="little")

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
    codes = np.ascontiguousarray(packed[first[order]])
    return Patterns(data.shape[1], codes, gaps, weight[order], place[of_row])


def _packed(data: npt.NDArray[Any], missing: Bools | None) -> Bytes:
    rows, items = data.shape
    width = -(-items // 8)
    out = np.empty((rows, width if missing is None else 2 * width), np.uint8)
    for start in range(0, rows, BLOCK):
        part = slice(start, start + BLOCK)
        cells = data[part]
        one = cells == 1
        good = one | (cells == 0)
        if missing is not None:
            known = ~missing[part]
            good |= ~known
            one &= known
            zero = known & ~one
            out[part, width:] = np.packbits(zero, axis=1, bitorder="little")
        if not good.all():
            row, column = np.argwhere(~good)[0]
            raise InputError(
                f"got {cells[row, column]!s} in row {start + row + 1}, column "
                f"{column + 1}; wanted 0 or 1",
                f"data[{start + row}][{column}]",
            )
        out[part, :width] = np.packbits(one, axis=1, bitorder="little")
    return out


def _distinct(packed: Bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]:
    """A row that shows each distinct pattern, and the pattern of each row."""
    rows, width = packed.shape
    wide = np.zeros((rows, -(-width // 8) * 8), np.uint8)
    wide[:, :width] = packed
    words = wide.view(np.uint64)
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

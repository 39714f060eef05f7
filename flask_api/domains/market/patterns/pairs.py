"""How often products are bought, and known, two at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.floating[Any]]

#: Multiplications between two reports: some tenths of a second.
_PRODUCTS = 5_000_000_000
#: Products at a time that are compared with all others.
_ROWS = 128
#: Products named in one message at most.
_NAMED = 5


@dataclass
class PairCounts:
    """Rows by pair of products; the matrices grow until `done` is `patterns`.

    both       rows where both were bought, shape (items, items)
    bought     rows where the first was bought and the second is known, same shape
    known      rows where both are known, same shape; on the diagonal, where one is
    rows       rows counted, also those where nothing is known
    patterns   patterns in all, of which `done` are counted
    """

    both: Floats
    bought: Floats
    known: Floats
    patterns: int
    done: int = 0
    rows: int = 0

    @property
    def items(self) -> int:
        return len(self.both)

    @property
    def shares(self) -> Floats:
        """How often a product is bought where it is known, shape (items,)."""
        return np.asarray(np.diag(self.both) / np.diag(self.known))

    def cells(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Tables of two by two: both, only the first, only the second, neither."""
        first, second = self.bought - self.both, self.bought.T - self.both
        return self.both, first, second, self.known - self.both - first - second


def count_pairs(patterns: Patterns) -> Iterator[PairCounts]:
    """Counts of all pairs, yielded after each block of patterns, the last complete.

    Of many products also within a block; `done` says how far it is, by rounding down.
    """
    both, bought, known = np.zeros((3, patterns.items, patterns.items))
    pairs = PairCounts(both, bought, known, patterns.size)
    for part in patterns.blocks():
        counts = patterns.counts[part]
        rows = int(counts.sum())
        # whole numbers below 2^24 are exact in single precision, which is faster
        exact: type[np.floating[Any]] = np.float32 if rows < 1 << 24 else np.float64
        ones, weight = patterns.ones(part).astype(exact), counts.astype(exact)
        seen = patterns.seen(part).astype(exact) if patterns.gaps else None
        whole, before = pairs.rows + rows, pairs.done
        step = max(64, _PRODUCTS // (len(ones) * patterns.items))
        for start in range(0, patterns.items, step):
            here = slice(start, start + step)
            both[here] += _products(ones[:, here], ones, weight)
            if seen is not None:
                bought[here] += _products(ones[:, here], seen, weight)
                known[here] += _products(seen[:, here], seen, weight)
            if start + step < patterns.items:
                pairs.done = before + len(counts) * (start + step) // patterns.items
                yield pairs
        pairs.done, pairs.rows = before + len(counts), whole
        if not patterns.gaps and pairs.done == patterns.size:
            bought += np.diag(both)[:, None]
            known += pairs.rows
        yield pairs


def _products(first: Singles, second: Singles, weight: Singles) -> Singles:
    """Sums over patterns of first times second times weight, shape (items, items)."""
    if weight[0] == weight[-1]:  # ascending, so all alike
        return np.asarray(weight[0] * (first.T @ second))
    return np.asarray((first * weight[:, None]).T @ second)


def pairs_of(patterns: Patterns) -> PairCounts:
    """Counts of all pairs of products, at once."""
    *_, pairs = count_pairs(patterns)
    return pairs


def refuse_constant(pairs: PairCounts, purpose: str) -> None:
    """Raises InputError that names the products whose known values are all alike.

    purpose   what can't be computed of them, such as `a correlation`
    """
    bought, known = np.diag(pairs.both), np.diag(pairs.known)
    wrong = np.flatnonzero((bought == 0) | (bought == known))
    if not len(wrong):
        return
    columns = [
        {
            "column": int(j) + 1,
            "value": None if not known[j] else int(bought[j] > 0),
        }
        for j in wrong
    ]
    words = []
    for named in columns[:_NAMED]:
        value = named["value"]
        how = "missing throughout" if value is None else f"always {value}"
        words.append(f"column {named['column']} ({how})")
    more = len(wrong) - len(words)
    listed = ", ".join(words) + (f" and {more} more" if more else "")
    raise InputError(
        f"got columns whose values are all alike: {listed}; {purpose} needs both 0 and "
        "1 in each: leave them out",
        "product_columns",
        columns,
    )


def alike(pairs: PairCounts) -> list[tuple[int, int, bool]]:
    """Pairs of products that are copies: (first, second, whether of opposite sign)."""
    found = []
    for start in range(0, pairs.items, _ROWS):
        here, rest = slice(start, start + _ROWS), slice(start, None)
        both, known = pairs.both[here, rest], pairs.known[here, rest]
        first, second = pairs.bought[here, rest], pairs.bought[rest, here].T
        same = (first == both) & (second == both)
        mirrored = (both == 0) & (first + second == known)
        places = np.argwhere(np.triu((same | mirrored) & (known > 0), 1))
        found += [
            (start + int(i), start + int(j), bool(mirrored[i, j])) for i, j in places
        ]
    return found

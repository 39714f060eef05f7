"""How large eigenvalues get by chance: parallel analysis of binary data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors.smoothing import smoothed
from flask_api.domains.market.factors.tetrachoric import correlated
from flask_api.domains.market.patterns.pairs import PairCounts
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Rows drawn at a time.
BLOCK = 1 << 14
#: Chance eigenvalues are exceeded by so many of the data's to count as a factor.
QUANTILE = 0.95


@dataclass
class Parallel:
    """Eigenvalues of data whose products have nothing to do with each other.

    replicates    tables to draw; eigenvalues has a line for each that is done,
                  shape (done, items), descending
    rows          rows drawn so far, of `total`
    """

    replicates: int
    total: int
    eigenvalues: Floats
    rows: int = 0

    @property
    def done(self) -> int:
        return len(self.eigenvalues)

    @property
    def finished(self) -> bool:
        return self.done == self.replicates

    def mean(self) -> Floats:
        """By position, shape (items,); of the tables done so far, one at least."""
        return np.asarray(self.eigenvalues.mean(axis=0))

    def high(self) -> Floats:
        """What 95 % of the tables stay below, by position, shape (items,)."""
        return np.asarray(np.quantile(self.eigenvalues, QUANTILE, axis=0))

    def factors(self, eigenvalues: Floats) -> int:
        """Leading `eigenvalues` of the data, descending, that chance doesn't reach."""
        below = np.flatnonzero(eigenvalues <= self.high())
        return int(below[0]) if len(below) else len(eigenvalues)


def parallel_analysis(
    patterns: Patterns, shares: Floats, replicates: int = 20, seed: int = 0
) -> Iterator[Parallel]:
    """Tables of independent products drawn, yielded after each block of rows.

    patterns     the data: their number of rows, and which values are missing, are kept
    shares       how often each product is bought, shape (items,), 0 < share < 1
    replicates   tables, 1 or more
    seed         with the data decides every number

    Tetrachoric correlations of each table, smoothed as those of the data; a product
    that is drawn constant has correlations 0 there.
    The same object is yielded again and again. Raises InputError for replicates < 1.
    Source: Horn (1965), Psychometrika 30, 179-185; for binary data Weng and Cheng
    (2005), Educ. Psychol. Meas. 65, 697-716.
    """
    if replicates < 1:
        raise InputError(
            f"got {replicates} replicates; wanted 1 or more",
            "params.parallel_replicates",
        )
    empty = np.empty((0, patterns.items))
    state = Parallel(replicates, replicates * patterns.rows, empty)
    for stream in np.random.SeedSequence(seed).spawn(replicates):
        random, pairs = np.random.default_rng(stream), _none(patterns.items)
        for start in range(0, patterns.rows, BLOCK):
            stop = min(start + BLOCK, patterns.rows)
            _draw(pairs, patterns, shares, random, start, stop)
            state.rows += stop - start
            if stop < patterns.rows:
                yield state
        values = np.linalg.eigvalsh(smoothed(correlated(pairs)).correlations)[::-1]
        state.eigenvalues = np.vstack([state.eigenvalues, values])
        yield state


def _none(items: int) -> PairCounts:
    both, bought, known = np.zeros((3, items, items))
    return PairCounts(both, bought, known, 0)


def _draw(
    pairs: PairCounts,
    patterns: Patterns,
    shares: Floats,
    random: np.random.Generator,
    start: int,
    stop: int,
) -> None:
    """Add rows `start` to `stop` of a table of independent products to `pairs`."""
    size = (stop - start, patterns.items)
    ones = (random.random(size, np.float32) < shares).astype(np.float64)
    if not patterns.gaps:
        both = ones.T @ ones
        pairs.both += both
        pairs.bought += np.diag(both)[:, None]
        pairs.known += stop - start
        return
    ends = np.cumsum(patterns.counts)
    which = np.searchsorted(ends, np.arange(start, stop), side="right")
    seen = patterns.seen(slice(int(which[0]), int(which[-1]) + 1)).astype(np.float64)
    known = seen[which - which[0]]
    ones *= known
    pairs.both += ones.T @ ones
    pairs.bought += ones.T @ known
    pairs.known += known.T @ known

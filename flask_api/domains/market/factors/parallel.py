"""How large eigenvalues get by chance: parallel analysis of binary data."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors import pace
from flask_api.domains.market.factors.extraction import SMALL
from flask_api.domains.market.factors.smoothing import FLOOR, smoothing, spectrum
from flask_api.domains.market.factors.tetrachoric import correlated
from flask_api.domains.market.patterns.pairs import PairCounts
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.numerics.errors import InputError

T = TypeVar("T")
Floats = npt.NDArray[np.float64]

#: Rows drawn at a time, and cells: so many take some hundredths of a second.
BLOCK, CELLS = 1 << 14, 1 << 20
#: Chance eigenvalues are exceeded by so many of the data's to count as a factor.
QUANTILE = 0.95


@dataclass
class Parallel:
    """Eigenvalues of data whose products have nothing to do with each other.

    replicates    tables to draw; eigenvalues has a line for each that is done,
                  shape (done, items), descending
    rows          rows drawn so far, of `total`
    correlated    share of the work done with the correlations of the table in hand
    drawing       share of a table's work that drawing it is, for `share`
    """

    replicates: int
    total: int
    eigenvalues: Floats
    rows: int = 0
    correlated: float = 0.0
    drawing: float = 0.5

    @property
    def done(self) -> int:
        return len(self.eigenvalues)

    @property
    def share(self) -> float:
        """Of all the work, 0..1."""
        drawn = self.rows / self.total * self.replicates
        return (
            self.drawing * drawn + (1 - self.drawing) * (self.done + self.correlated)
        ) / self.replicates

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
    """Tables of independent products drawn, yielded after each block of work.

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
    state.drawing = pace.drawing(patterns) / pace.table(patterns)
    block = min(BLOCK, max(64, CELLS // patterns.items))
    for stream in np.random.SeedSequence(seed).spawn(replicates):
        random, pairs = np.random.default_rng(stream), _none(patterns.items)
        for start in range(0, patterns.rows, block):
            stop = min(start + block, patterns.rows)
            _draw(pairs, patterns, shares, random, start, stop)
            state.rows += stop - start
            if stop < patterns.rows:
                yield state
        work = Stepwise(_eigenvalues(pairs))
        for state.correlated in work:
            yield state
        state.eigenvalues = np.vstack([state.eigenvalues, work.found])
        state.correlated = 0.0
        yield state


def _eigenvalues(pairs: PairCounts) -> Generator[float, None, Floats]:
    """Of a table, descending. Yields the share of the work, if there is much."""
    work = Stepwise(correlated(pairs))
    for share in work:
        if pairs.items > SMALL:
            yield 0.6 * share
    values = yield from _bounded(spectrum(work.found), 0.6, 0.8)
    if values[-1] < FLOOR:
        smooth = yield from _bounded(smoothing(work.found), 0.8, 0.9)
        values = yield from _bounded(spectrum(smooth.correlations), 0.9, 1.0)
    return values


def _bounded(
    work: Generator[float, None, T], low: float, high: float
) -> Generator[float, None, T]:
    """The same work, as a part of some more."""
    inside = Stepwise(work)
    for share in inside:
        yield low + (high - low) * share
    return inside.found


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
    # whole numbers below 2^24 are exact in single precision, which is faster
    ones = (random.random(size, np.float32) < shares).astype(np.float32)
    if not patterns.gaps:
        both = ones.T @ ones
        pairs.both += both
        pairs.bought += np.diag(both)[:, None]
        pairs.known += stop - start
        return
    ends = np.cumsum(patterns.counts)
    which = np.searchsorted(ends, np.arange(start, stop), side="right")
    seen = patterns.seen(slice(int(which[0]), int(which[-1]) + 1)).astype(np.float32)
    known = seen[which - which[0]]
    ones *= known
    pairs.both += ones.T @ ones
    pairs.bought += ones.T @ known
    pairs.known += known.T @ known

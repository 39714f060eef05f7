"""Multiple correspondence analysis of binary purchases.

Legend
p, q    share that bought a product, and that did not (of the rows where it is known)
z       a purchase less p, over sqrt(p q); 0 where it is missing
phi     the mean of z z^T: correlations of the purchases, shape (items, items)
l, v    eigenvalues, descending, and eigenvectors of phi
J       products

The table of indicators has two columns a product, bought and not bought. Its
correspondence analysis is that of phi: an eigenvalue is l / J, the bought column of a
product stands at sqrt(q / p) sqrt(l) v, the other at -sqrt(p / q) sqrt(l) v, a row at
z v / sqrt(J). So nothing as large as the data is decomposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.patterns.pairs import (
    PairCounts,
    alike,
    count_pairs,
    refuse_constant,
)
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.spectrum import SMALL, whole
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Eigenvalues of phi below this, of a sum of J, are rounding.
ROUNDING = 1e-10
#: Products at a time whose correlations are worked out.
_ROWS = 128
#: Dimensions where none are asked for.
DIMENSIONS = 5


@dataclass(frozen=True)
class Correspondence:
    """A map of products and rows, its dimensions by the inertia they explain.

    Columns come by twos: bought (1), then not bought (0), of each product in turn:
    shape (2 items, dimensions) unless said otherwise.

    eigenvalues           all of them (inertia by dimension), descending, shape (items,)
    total_inertia         their sum: 1 without missing values
    rank                  eigenvalues above 0: so many dimensions tell all
    shares                of bought, shape (items,)
    coordinates           of columns (principal), whose weighted mean is 0
    masses                of columns, shape (2 items,), sum 1
    contributions         share of a dimension's inertia that a column makes; each
                          dimension sums to 1
    cos2                  share of a column's distance from the centre that a dimension
                          shows; equal for both columns of a product
    axes                  eigenvectors of phi, shape (items, dimensions); the sign is
                          such that they sum to 0 or more
    copies                pairs of products that are alike, and whether of opposite sign
    """

    eigenvalues: Floats
    total_inertia: float
    rank: int
    shares: Floats
    coordinates: Floats
    masses: Floats
    contributions: Floats
    cos2: Floats
    axes: Floats
    copies: tuple[tuple[int, int, bool], ...]
    correlations: Floats = field(repr=False)

    @property
    def items(self) -> int:
        return len(self.shares)

    @property
    def dimensions(self) -> int:
        return int(self.axes.shape[1])

    def bought(self) -> Floats:
        """Coordinates of the bought columns alone, shape (items, dimensions)."""
        return self.coordinates[::2]


@dataclass
class Analysing:
    """The state after a block of patterns: `done` of `total`; then the answer.

    decomposed   share of the work done with phi once the patterns are counted
    """

    total: int
    done: int = 0
    decomposed: float = 0.0
    answer: Correspondence | None = None


def fit(patterns: Patterns, n_components: int | None = None) -> Iterator[Analysing]:
    """The map of the data, yielded after each block of work and when it is done.

    patterns       the data. A missing value counts as the product's average, in either
                   category by its share, so that it pulls its row nowhere
    n_components   dimensions, 1 or more, at most the rank of the data; None = 5, or
                   the rank where that is less

    Raises InputError for one row, fewer than two products, a product that is always or
    never bought, or more dimensions than the data have.
    Sources: Benzecri (1973), L'analyse des donnees; Greenacre (1984), Theory and
    Applications of Correspondence Analysis.
    """
    _checked(patterns, n_components)
    state = Analysing(patterns.size)
    pairs: PairCounts | None = None
    for counted in count_pairs(patterns):
        pairs = counted
        state.done = counted.done
        yield state
    assert pairs is not None  # patterns are one block at least
    refuse_constant(pairs, "a map")
    shares, copies = pairs.shares, tuple(alike(pairs))
    if patterns.items > SMALL:
        yield state
    phi = phi_matrix(pairs)
    del pairs, counted  # as large as phi each
    work = Stepwise(whole(phi, n_components or DIMENSIONS))
    for state.decomposed in work:
        yield state
    state.decomposed = 1.0
    state.answer = _analysed(phi, *work.found, shares, copies, n_components)
    yield state


def _checked(patterns: Patterns, n_components: int | None) -> None:
    if patterns.rows < 2:
        raise InputError("got one row; wanted two or more to compare", "data")
    if patterns.items < 2:
        raise InputError(
            f"got {patterns.items} product; wanted 2 or more to relate",
            "product_columns",
        )
    if n_components is not None and not 1 <= n_components <= patterns.items:
        raise InputError(
            f"got {n_components} components for {patterns.items} products; wanted 1 to "
            f"{patterns.items}: each product adds one dimension",
            "params.n_components",
        )


def phi_matrix(pairs: PairCounts) -> Floats:
    """Mean products of z: correlations of purchases, shape (items, items).

    Where values are missing they add nothing, so that the diagonal is the share known.
    """
    p, out = pairs.shares, np.empty_like(pairs.both)
    spread = np.sqrt(p * (1 - p))
    for start in range(0, pairs.items, _ROWS):
        here = slice(start, start + _ROWS)
        products = pairs.both[here] - p * pairs.bought[here]
        # bought i where j is known, times the share of j: and the other way round
        products -= p[here, None] * pairs.bought[:, here].T
        products += np.outer(p[here], p) * pairs.known[here]
        out[here] = products / np.outer(spread[here], spread) / pairs.rows
    return out


def _analysed(
    phi: Floats,
    values: Floats,
    vectors: Floats,
    p: Floats,
    copies: tuple[tuple[int, int, bool], ...],
    n_components: int | None,
) -> Correspondence:
    items = len(phi)
    values = np.where(values > ROUNDING * items, values, 0.0)
    rank = int((values > 0).sum())
    if n_components is None:
        n_components = min(DIMENSIONS, rank)
    if n_components > rank:
        raise InputError(
            f"got {n_components} components of data that have {rank} dimensions "
            "(copies of products, or fewer distinct rows than products); wanted 1 to "
            f"{rank}",
            "params.n_components",
        )
    axes = vectors[:, :n_components]
    axes = axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)
    apart = np.sqrt((1 - p) / p)
    bought = apart[:, None] * axes * np.sqrt(values[:n_components])
    weights = np.column_stack([1 - p, p])  # of either category in a product's inertia
    shown = axes**2 * values[:n_components] / np.diag(phi)[:, None]
    return Correspondence(
        eigenvalues=values / items,
        total_inertia=float(np.trace(phi)) / items,
        rank=rank,
        shares=p,
        coordinates=_by_twos(bought, -bought * (p / (1 - p))[:, None]),
        masses=np.column_stack([p, 1 - p]).ravel() / items,
        contributions=_by_twos(
            weights[:, :1] * axes**2,
            weights[:, 1:] * axes**2,
        ),
        cos2=_by_twos(shown, shown),
        axes=axes,
        copies=copies,
        correlations=phi,
    )


def _by_twos(bought: Floats, not_bought: Floats) -> Floats:
    """Rows of both in turn: bought, not bought, bought, ..."""
    return np.stack([bought, not_bought], axis=1).reshape(-1, bought.shape[1])

"""Correlations of the leanings behind binary purchases: all pairs at once."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from flask_api.domains.market.factors.bivariate_normal import both_exceed, density
from flask_api.domains.market.patterns.pairs import PairCounts, alike, refuse_constant
from flask_api.domains.market.patterns.stepwise import drained
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Pair = tuple[int, int]

#: Rows put into an empty cell of a table of two by two, its margins kept.
FILLED = 0.5
#: Steps after which a bracket halved each time is as narrow as numbers get.
_STEPS = 80
#: Pairs at a time: what one search for their correlations holds stays in the cache.
PAIRS = 50_000
#: A step of the angle this small is rounding.
_STILL = 4e-15


@dataclass(frozen=True)
class Tetrachoric:
    """Correlations of normal leanings; a product is bought where one's is high enough.

    correlations      shape (items, items), ones on the diagonal
    standard_errors   of each correlation, same shape, 0 on the diagonal; large-sample,
                      with thresholds estimated from the margins
    thresholds        a product is bought where its leaning exceeds this, shape (items,)
    shares            how often each product is bought where it is known, (items,)
    rows              rows behind each correlation, shape (items, items)
    zero_cells        pairs whose table had an empty cell, filled with half a row: such
                      correlations are bounds rather than estimates
    copies            pairs that are alike throughout, and whether of opposite sign
    """

    correlations: Floats
    standard_errors: Floats
    thresholds: Floats
    shares: Floats
    rows: Floats
    zero_cells: tuple[Pair, ...]
    copies: tuple[tuple[int, int, bool], ...]


def tetrachoric(pairs: PairCounts, names: Sequence[str] | None = None) -> Tetrachoric:
    """What `correlating` finds, at once."""
    return drained(correlating(pairs, names))


def correlating(
    pairs: PairCounts, names: Sequence[str] | None = None
) -> Generator[float, None, Tetrachoric]:
    """The correlations that give back how often two products are bought together.

    pairs   complete counts (of `pairs_of`); rows where one of two values is missing
            are left out of that pair, from its margins too
    names   of the products, for refusals; None = their numbers

    For each pair thresholds follow from its margins and the correlation from the share
    that bought both, which is maximum likelihood for a table of two by two. Yields the
    share of the pairs done, 50,000 at a time.
    Raises InputError for one row, fewer than two products, a product that is always or
    never bought, or a pair without rows to tell it from.
    Source: Pearson (1900), Phil. Trans. R. Soc. A 195, 1-47; slope by Plackett (1954),
    Biometrika 41, 351-360; standard errors by the delta method.
    """
    _checked(pairs)
    items = pairs.items
    first, second = np.triu_indices(items, 1)
    cells = [cell[first, second] for cell in pairs.cells()]
    _refuse_untold(first, second, cells, names)
    rho, error = yield from _solutions(cells)
    empty = np.min(cells, axis=0) == 0
    return Tetrachoric(
        correlations=_square(items, rho, 1.0),
        standard_errors=_square(items, error, 0.0),
        thresholds=-ndtri(pairs.shares),
        shares=pairs.shares,
        rows=pairs.known.copy(),
        zero_cells=tuple(
            zip(first[empty].tolist(), second[empty].tolist(), strict=True)
        ),
        copies=tuple(alike(pairs)),
    )


def correlated(pairs: PairCounts) -> Generator[float, None, Floats]:
    """The correlations alone, shape (items, items); 0 where a product never changes."""
    first, second = np.triu_indices(pairs.items, 1)
    cells = [cell[first, second] for cell in pairs.cells()]
    told = _least_margin(cells) > 0
    rho = np.zeros(len(first))
    rho[told], _ = yield from _solutions([cell[told] for cell in cells])
    return _square(pairs.items, rho, 1.0)


def _solutions(cells: list[Floats]) -> Generator[float, None, tuple[Floats, Floats]]:
    """Correlations and their standard errors, some pairs at a time."""
    size = len(cells[0])
    rho, error = np.empty(size), np.empty(size)
    for start in range(0, size, PAIRS):
        part = slice(start, start + PAIRS)
        rho[part], error[part] = _solution([cell[part] for cell in cells])
        yield min(1.0, (start + PAIRS) / size)
    return rho, error


def _solution(cells: list[Floats]) -> tuple[Floats, Floats]:
    """Correlations and their standard errors, of tables of two by two."""
    a, b, c, d = _filled(cells)
    n = a + b + c + d
    h, k = -ndtri((a + b) / n), -ndtri((a + c) / n)
    rho = _solved(a / n, h, k, _guess(a, b, c, d))
    return rho, _errors(rho, h, k, a / n, b / n, c / n) / np.sqrt(n)


def _least_margin(cells: list[Floats]) -> Floats:
    a, b, c, d = cells
    return np.asarray(np.min([a + b, c + d, a + c, b + d], axis=0))


def _checked(pairs: PairCounts) -> None:
    if pairs.items < 2:
        raise InputError(
            f"got {pairs.items} product; wanted 2 or more: one has no correlations",
            "product_columns",
        )
    if pairs.known.max() < 2:
        raise InputError("got one row; wanted two or more to compare", "data")
    refuse_constant(pairs, "a correlation")


def _refuse_untold(
    first: Index, second: Index, cells: list[Floats], names: Sequence[str] | None
) -> None:
    wrong = np.flatnonzero(_least_margin(cells) == 0)
    if len(wrong):
        i, j = (
            at + 1 if names is None else repr(names[at])
            for at in (int(first[wrong[0]]), int(second[wrong[0]]))
        )
        each = "it" if len(wrong) == 1 else f"each of the {len(wrong):,} such pairs"
        raise InputError(
            f"got columns {i} and {j} of which one never changes where both are known; "
            f"wanted 0 and 1 of both there: leave one product of {each} out, or drop "
            "or impute missing values",
            "product_columns",
            [{"columns": [int(first[w]) + 1, int(second[w]) + 1]} for w in wrong],
        )


def _filled(cells: list[Floats]) -> list[Floats]:
    """Half a row moved into empty cells along the margins, which stay as they are."""
    a, b, c, d = cells
    empty = np.min(cells, axis=0) == 0
    more = np.where(np.minimum(a, d) == 0, FILLED, -FILLED) * empty
    return [a + more, b - more, c - more, d + more]


def _guess(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """A correlation within some hundredths, out of the odds ratio.

    Source: Bonett and Price (2005), J. Educ. Behav. Stat. 30, 213-225,
    doi:10.3102/10769986030002213.
    """
    n = a + b + c + d
    least = np.min([a + b, c + d, a + c, b + d], axis=0) / n
    power = (1 - np.abs(b - c) / (5 * n) - (0.5 - least) ** 2) / 2
    return np.asarray(np.cos(np.pi / (1 + (a * d / (b * c)) ** power)))


def _solved(both: Floats, h: Floats, k: Floats, guess: Floats) -> Floats:
    """The correlations at which both thresholds are exceeded as often as `both` says.

    Newton over the angle asin(rho), along which the slope stays tame up to perfect
    correlation; where a step would leave the bracket, it is halved instead.
    """
    low, high = np.full(len(both), -np.pi / 2), np.full(len(both), np.pi / 2)
    angle = np.arcsin(guess)
    left = np.arange(len(both))
    for _ in range(_STEPS):
        rho = np.sin(angle[left])
        excess = both_exceed(h[left], k[left], rho) - both[left]
        over = excess > 0
        high[left[over]] = angle[left[over]]
        low[left[~over]] = angle[left[~over]]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            slope = density(h[left], k[left], rho) * np.cos(angle[left])
            wanted = angle[left] - excess / slope
        middle = (low[left] + high[left]) / 2
        inside = (wanted > low[left]) & (wanted < high[left])
        wanted = np.where(inside, wanted, middle)
        still = (np.abs(wanted - angle[left]) <= _STILL) | (excess == 0)
        angle[left] = np.where(excess == 0, angle[left], wanted)
        left = left[~still]
        if not len(left):
            break
    return np.asarray(np.sin(angle))


def _errors(
    rho: Floats, h: Floats, k: Floats, a: Floats, b: Floats, c: Floats
) -> Floats:
    """Standard deviation of one row's pull on rho, by shares of cells a, b and c.

    rho follows from the shares p of both, p1 and p2:
    d rho = (dp - P(Y > k | X = h) dp1 - P(X > h | Y = k) dp2) / density.
    """
    spread = np.sqrt((1 - rho) * (1 + rho))
    of_first = ndtr((rho * h - k) / spread)
    of_second = ndtr((rho * k - h) / spread)
    pulls = np.array([1 - of_first - of_second, -of_first, -of_second])
    cells = np.array([a, b, c])
    variance = (cells * pulls**2).sum(axis=0) - (cells * pulls).sum(axis=0) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)) / density(h, k, rho))


def _square(items: int, above: Floats, diagonal: float) -> Floats:
    """A symmetric matrix out of what stands above its diagonal."""
    out = np.full((items, items), diagonal)
    first, second = np.triu_indices(items, 1)
    out[first, second] = out[second, first] = above
    return out

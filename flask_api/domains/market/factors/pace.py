"""About how long parts of the work take, in seconds of a common core: for progress."""

from __future__ import annotations

from flask_api.domains.market.patterns.patterns import Patterns

#: Of counting a row by pair of products, of a pair's correlation, of eigenvalues by
#: cube of the products (with vectors), and of drawing a cell.
_COUNTED, _PAIR, _CUBE, _CELL = 5e-11, 8e-7, 1.5e-10, 6e-9
#: Decompositions that a start takes, and what follows the last one.
_START, _REST = 7.0, 4.0


def counting(patterns: Patterns) -> float:
    """Products in pairs."""
    return _COUNTED * patterns.size * patterns.items**2


def pairs(items: int) -> float:
    """Correlations of all pairs."""
    return _PAIR * items * (items - 1) / 2


def eigenvalues(items: int) -> float:
    """Of all correlations, with vectors."""
    return _CUBE * items**3


def start(items: int) -> float:
    """One search for factors."""
    return _START * eigenvalues(items)


def rest(items: int) -> float:
    """Rotation and fit."""
    return _REST * eigenvalues(items)


def drawing(patterns: Patterns) -> float:
    """A table of chance, and counting it."""
    return patterns.rows * (
        _CELL * patterns.items
        + _COUNTED * patterns.items**2 * (3 if patterns.gaps else 1)
    )


def table(patterns: Patterns) -> float:
    """A table of chance with its eigenvalues."""
    items = patterns.items
    return drawing(patterns) + pairs(items) + eigenvalues(items)


def scores(patterns: Patterns) -> float:
    """Scores of the distinct rows: where values are missing each has its own weights,
    by the smaller of two systems."""
    items = patterns.items
    each = 1e-8 * items + (2e-11 * (items / 4) ** 3 if patterns.gaps else 0.0)
    return pairs(items) / 2 + patterns.size * each

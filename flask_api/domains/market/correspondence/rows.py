"""Where rows stand on a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.correspondence.analysis import Correspondence
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RowMap:
    """Patterns on the map, one block of them.

    part            which patterns
    coordinates     principal, shape (n, dimensions)
    cos2            share of a pattern's distance from the centre that a dimension
                    shows, same shape; 0 for a pattern at the centre
    contributions   share of a dimension's inertia that one row of the pattern makes;
                    times `counts` they sum to 1 by dimension
    """

    part: slice
    coordinates: Floats
    cos2: Floats
    contributions: Floats


def row_maps(patterns: Patterns, analysis: Correspondence) -> Iterator[RowMap]:
    """Block by block of patterns, where they stand.

    Give values of all patterns to `patterns.expand` for those of rows.
    """
    p, weights = analysis.shares, _weights(analysis)
    inertia = analysis.eigenvalues[: analysis.dimensions]
    squares = ((1 - p) / p)[:, None], (p / (1 - p))[:, None]
    for part in patterns.blocks():
        found = patterns.sums(part, *weights)
        distance = patterns.sums(part, *squares) / analysis.items
        shown = found**2 / np.where(distance > 0, distance, 1.0)
        yield RowMap(part, found, shown, found**2 / (inertia * patterns.rows))


def row_coordinates(patterns: Patterns, analysis: Correspondence) -> Floats:
    """Principal coordinates of all patterns, shape (patterns, dimensions)."""
    weights = _weights(analysis)
    out = np.empty((patterns.size, analysis.dimensions))
    for part in patterns.blocks():
        out[part] = patterns.sums(part, *weights)
    return out


def _weights(analysis: Correspondence) -> tuple[Floats, Floats]:
    """What a product adds to a row's coordinates: bought, and not bought."""
    p = analysis.shares[:, None]
    each = analysis.axes / np.sqrt(p * (1 - p) * analysis.items)
    return (1 - p) * each, -p * each

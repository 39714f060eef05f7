"""Pairs of products that the classes don't explain."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class.model import LatentClasses, memberships
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.domains.market.patterns.stepwise import drained

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Residuals:
    """What is left between products once classes are known; NaN on diagonals.

    bivariate      Pearson's X2 of each pair's 2 x 2 table against the model, over its
                   one degree of freedom: above 3.84 two products have something in
                   common beyond the classes. Its distribution is not exactly chi-square
    standardised   (bought together - expected) / sqrt(n q (1 - q)), q = expected share:
                   positive = bought together more often than the classes say
    correlation    of what is left of the products once each row's expected purchases
                   are taken away, ones on the diagonal
    identical      pairs of products that are alike wherever both are known

    All but the last of shape (items, items). Where values are missing, a pair is judged
    on the rows that know both, as is right where they are missing completely at random.
    """

    bivariate: Floats
    standardised: Floats
    correlation: Floats
    identical: list[tuple[int, int]]


def residuals(patterns: Patterns, model: LatentClasses) -> Residuals:
    """Bivariate residuals, at once. See `finding_residuals`."""
    return drained(finding_residuals(patterns, model))


def finding_residuals(
    patterns: Patterns, model: LatentClasses
) -> Generator[float, None, Residuals]:
    """Bivariate residuals of all pairs, and the correlation of what is left.

    Yields the share that is done after each block of work, and returns the residuals.
    """
    items = patterns.items
    p, sizes = model.probabilities, model.sizes
    known, both, one = (np.zeros((items, items)) for _ in range(3))
    left, left_square = np.zeros((items, items)), np.zeros((items, items))
    for part, posterior, _ in memberships(patterns, model):
        x = patterns.ones(part).astype(np.float64)
        seen = patterns.seen(part).astype(np.float64)
        weight = patterns.counts[part][:, None]
        before, length = part.start / patterns.size, (part.stop - part.start)
        known += seen.T @ (weight * seen)
        yield before
        both += x.T @ (weight * x)
        yield before + 0.25 * length / patterns.size
        one += x.T @ (weight * seen)
        rest = (x - posterior @ p) * seen
        yield before + 0.5 * length / patterns.size
        left += rest.T @ (weight * rest)
        yield before + 0.75 * length / patterns.size
        left_square += (rest * rest).T @ (weight * seen)
    together = p.T @ (sizes[:, None] * p)
    alone = np.broadcast_to((sizes @ p)[:, None], together.shape)
    observed = (both, one - both, one.T - both, known - one - one.T + both)
    expected = (together, alone - together, alone.T - together,
                1 - alone - alone.T + together)  # fmt: skip
    total = np.zeros((items, items))
    with np.errstate(invalid="ignore", divide="ignore"):
        for o, q in zip(observed, expected, strict=True):
            total += (o - known * q) ** 2 / (known * q)
        spread = np.sqrt(known * together * (1 - together))
        standardised = (both - known * together) / spread
        correlation = left / np.sqrt(left_square * left_square.T)
    np.fill_diagonal(total, np.nan)
    np.fill_diagonal(standardised, np.nan)
    np.fill_diagonal(correlation, 1.0)
    alike = np.triu((both == one) & (both == one.T) & (known > 0), 1)
    pairs = [(int(i), int(j)) for i, j in np.argwhere(alike)]
    return Residuals(total, standardised, correlation, pairs)

"""A correlation matrix out of correlations that were estimated pair by pair."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.patterns.stepwise import drained
from flask_api.domains.market.patterns.tridiagonal import eigenpairs, leading

Floats = npt.NDArray[np.float64]

#: Of more products than these eigenvalues are worked out in steps.
LARGE = 1200
#: The least eigenvalue of a matrix that may be inverted; lower ones are raised to it.
FLOOR = 1e-6


@dataclass(frozen=True)
class Smoothing:
    """What had to be changed so that no combination of products has variance <= 0.

    correlations      positive definite, shape (items, items), ones on the diagonal
    changed           whether they differ from what was estimated
    least             smallest eigenvalue before
    largest_change    of one correlation, in size
    mean_change       root mean square over the correlations off the diagonal
    """

    correlations: Floats
    changed: bool
    least: float
    largest_change: float
    mean_change: float


def spectrum(correlations: Floats) -> Generator[float, None, Floats]:
    """All eigenvalues, falling. Yields the share of the work, as `smoothing` does."""
    if len(correlations) > LARGE:
        return (yield from leading(correlations, 1))[0]
    return np.asarray(np.linalg.eigvalsh(correlations)[::-1], np.float64)


def smoothed(correlations: Floats) -> Smoothing:
    """What `smoothing` finds, at once."""
    return drained(smoothing(correlations))


def smoothing(correlations: Floats) -> Generator[float, None, Smoothing]:
    """`correlations` as they are, or with their eigenvalues raised to 1e-6.

    correlations   symmetric, shape (d, d), ones on the diagonal, finite

    Correlations estimated pair by pair need not fit together: then the smallest
    eigenvalue is below 0. Eigenvalues are raised, the diagonal is set back to 1.
    Source: Knol and ten Berge (1989), Psychometrika 54, 53-61,
    doi:10.1007/BF02294448 (their start), as `cor.smooth` of R's psych does.
    Yields the share of the work, of very many products in steps.
    """
    if len(correlations) > LARGE:
        values, vectors = yield from eigenpairs(correlations)
    else:
        values, vectors = np.linalg.eigh(correlations)
    least = float(values[0])
    if least >= FLOOR:
        return Smoothing(correlations, False, least, 0.0, 0.0)
    raised = (vectors * np.maximum(values, FLOOR)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(raised))
    found = raised * np.outer(scale, scale)
    found = (found + found.T) / 2
    np.fill_diagonal(found, 1.0)
    change = np.abs(found - correlations)[np.triu_indices(len(found), 1)]
    return Smoothing(
        found, True, least, float(change.max()), float(np.sqrt((change**2).mean()))
    )

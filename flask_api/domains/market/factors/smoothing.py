"""A correlation matrix out of correlations that were estimated pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

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


def smoothed(correlations: Floats) -> Smoothing:
    """`correlations` as they are, or with their eigenvalues raised to 1e-6.

    correlations   symmetric, shape (d, d), ones on the diagonal, finite

    Correlations estimated pair by pair need not fit together: then the smallest
    eigenvalue is below 0. Eigenvalues are raised, the diagonal is set back to 1.
    Source: Knol and ten Berge (1989), Psychometrika 54, 53-61,
    doi:10.1007/BF02294448 (their start), as `cor.smooth` of R's psych does.
    """
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

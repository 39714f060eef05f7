"""How sure estimates are: covariances from curvature, and robust ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A direction whose share of the information is below this is not determined.
FLAT = 1e-10


def inverse(information: Floats) -> Floats | None:
    """The inverse of a positive definite matrix by Cholesky; None if it is not.

    Rows and columns are scaled to a diagonal of 1 first, so that units don't matter.
    """
    diagonal = np.diag(information)
    if not np.isfinite(information).all() or (diagonal <= 0).any():
        return None
    scale = 1 / np.sqrt(diagonal)
    try:
        factor = np.linalg.cholesky(information * scale[:, None] * scale)
    except np.linalg.LinAlgError:
        return None
    if np.diag(factor).min() ** 2 < 1e-13:
        return None
    root = np.linalg.solve(factor, np.diag(scale))
    return np.asarray(root.T @ root)


def robust(covariance: Floats, scores: Floats) -> Floats:
    """The sandwich: right even where the model's variances are not.

    covariance   inverse of the information
    scores       gradients of the independent units (persons), shape (units,
                 coefficients)

    Source: White (1982), doi:10.2307/1912526.
    """
    half = scores @ covariance
    return np.asarray(half.T @ half)


def summed(scores: Floats, person: Ints) -> Floats:
    """Scores of persons from those of their situations, which stand together."""
    if len(person) - 1 == len(scores):
        return scores
    return np.add.reduceat(scores, person[:-1], axis=0)


def flat_direction(information: Floats) -> Floats | None:
    """A direction that the data say nothing about, scaled to 1 at most; None if none.

    In units of the coefficients' own precision.
    """
    scale = 1 / np.sqrt(np.diag(information))
    values, vectors = np.linalg.eigh(information * scale[:, None] * scale)
    if values[0] >= FLAT * len(values):
        return None
    direction = vectors[:, 0]
    return np.asarray(direction / np.abs(direction).max())

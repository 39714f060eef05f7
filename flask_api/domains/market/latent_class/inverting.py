"""The inverse of an information matrix, in steps where it is large."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

Floats = npt.NDArray[np.float64]

#: Smallest eigenvalue of the information, scaled to ones, of an identified model.
_IDENTIFIED = 1e-8
#: Up to so many numbers all eigenvalues take less than a second.
_SMALL = 600
_COLUMNS = 128  # solved for at a time


def inverse(information: Floats) -> Generator[float, None, tuple[Floats, bool]]:
    """The inverse, NaN where there is none, and whether there is one.

    A matrix has none where its smallest eigenvalue, once the diagonal is scaled to
    ones, is below 1e-8. Yields the share of the work after each block, from a half.
    """
    unknown = np.full(information.shape, np.nan)
    diagonal = np.diag(information)
    if (diagonal <= 0).any():
        return unknown, False
    scale = 1 / np.sqrt(diagonal)
    scaled = information * scale[:, None] * scale
    if len(scaled) <= _SMALL:
        values, vectors = np.linalg.eigh(scaled)
        if len(values) and values[0] < _IDENTIFIED:
            return unknown, False
        return (vectors / values) @ vectors.T * np.outer(scale, scale), True
    yield 0.5
    try:
        factor = cholesky(scaled, lower=True, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:
        return unknown, False
    yield 0.6
    if _least(factor) < _IDENTIFIED:
        return unknown, False
    size = len(factor)
    for start in range(0, size, _COLUMNS):
        stop = min(start + _COLUMNS, size)
        unit = np.zeros((size, stop - start))
        unit[np.arange(start, stop), np.arange(stop - start)] = scale[start:stop]
        solved = cho_solve((factor, True), unit, check_finite=False)
        unknown[:, start:stop] = scale[:, None] * solved
        yield 0.7 + 0.3 * stop / size
    return (unknown + unknown.T) / 2, True


def _least(factor: Floats) -> float:
    """Smallest eigenvalue of factor @ factor.T, to a hundredth of itself."""
    size = len(factor)
    inverted = LinearOperator(
        (size, size), matvec=lambda x: cho_solve((factor, True), x, check_finite=False)
    )
    try:
        largest = eigsh(
            inverted,
            k=1,
            which="LA",
            v0=np.ones(size),
            tol=0.01,
            return_eigenvectors=False,
        )
    except ArpackNoConvergence:
        return 0.0
    return float(1 / largest[0])

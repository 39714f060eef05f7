"""The correlation matrix nearest to one that is none."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: A smallest eigenvalue above this is 0 up to rounding.
ROUNDING = -1e-9
#: Stop when a round moves no entry by more; each round costs one eigenvalue problem.
STILL = 1e-13
ROUNDS = 20_000


def smallest_eigenvalue(matrix: Floats) -> float:
    """Below 0 where the symmetric `matrix` is not positive semidefinite."""
    return float(np.linalg.eigvalsh(matrix)[0])


def nearest_correlation(matrix: Floats) -> Floats:
    """The correlation matrix with the smallest sum of squared differences to `matrix`.

    matrix   symmetric, shape (d, d), any finite entries

    Returns a symmetric matrix with ones on the diagonal and no negative eigenvalue (up
    to rounding). Each round projects on the matrices without negative eigenvalue, then
    on those with a diagonal of ones; the correction of Dykstra makes the limit the
    nearest matrix, not just one that fits.
    Source: Higham (2002), IMA J. Numer. Anal. 22, 329-343, doi:10.1093/imanum/22.3.329.
    """
    y = np.array(matrix, dtype=np.float64)
    correction = np.zeros_like(y)
    for _ in range(ROUNDS):
        before = y
        shifted = y - correction
        x = _without_negative_part(shifted)
        correction = x - shifted
        y = x.copy()
        np.fill_diagonal(y, 1.0)
        if np.abs(y - before).max() <= STILL and np.abs(y - x).max() <= 1e3 * STILL:
            break
    return _unit_diagonal(_without_negative_part(y))


def _without_negative_part(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    x = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return cast(Floats, (x + x.T) / 2)


def _unit_diagonal(matrix: Floats) -> Floats:
    scale = 1 / np.sqrt(np.diag(matrix))
    x = matrix * np.outer(scale, scale)
    np.fill_diagonal(x, 1.0)
    return cast(Floats, np.clip(x, -1.0, 1.0))


def lower_factor(matrix: Floats) -> Floats:
    """Lower triangular L with L L^T = `matrix`, also where an eigenvalue is 0.

    So perfectly correlated inputs are allowed, and the first input stays as it is.
    """
    try:
        return cast(Floats, np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        _, upper = np.linalg.qr(root.T)
        signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
        return cast(Floats, (upper * signs[:, None]).T)

"""Eigenvalues of large symmetric matrices, and the vectors of the largest few."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from flask_api.domains.market.patterns.tridiagonal import leading

Floats = npt.NDArray[np.float64]

#: Up to so many rows everything takes a part of a second.
SMALL = 600


def largest(matrix: Floats, count: int) -> tuple[Floats, Floats]:
    """The largest eigenvalues, falling, and their vectors as columns.

    matrix   symmetric, shape (n, n)
    count    wanted; all of them where the matrix is small
    """
    if len(matrix) > max(SMALL, 4 * count):
        # of ones it would miss whatever is orthogonal to them, and multiple values
        start = np.random.default_rng(0).standard_normal(len(matrix))
        try:
            values, vectors = eigsh(matrix, k=count, which="LA", v0=start)
        except ArpackNoConvergence:
            pass  # they lie too close: then all are worked out
        else:
            order = np.argsort(-values, kind="stable")
            return values[order], vectors[:, order]
    values, vectors = np.linalg.eigh(matrix)
    return values[::-1], vectors[:, ::-1]


def whole(matrix: Floats, count: int) -> Generator[float, None, tuple[Floats, Floats]]:
    """All eigenvalues, falling, and the vectors of at least the largest `count`.

    Yields the share of the work, of a large matrix in steps.
    """
    if len(matrix) > SMALL:
        return (yield from leading(matrix, count))
    return largest(matrix, count)

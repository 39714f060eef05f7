"""Which of the equivalent factor solutions is meant: anchors, rotation, signs, order.

A factor model knows its loadings only up to a rotation, and its prior N(0, s^2) on
every loading looks the same from all sides. So the sampler works in one frame, in which
the rows of `anchors` form a lower triangle with a positive diagonal, under the prior
that the free model has there (Bartlett's decomposition: the diagonal is a chi with K,
K - 1, ..., 1 degrees of freedom, everything else stays normal). Nothing is lost: which
items are anchors changes the coordinates, not the posterior. For the reader each draw
is then turned to a common, simple structure.

Symbols: J items, K factors, S draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.factors.rotation import rotate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Variance of the standard logistic: a logit's own, beside what factors explain.
LOGISTIC_VARIANCE = float(np.pi**2 / 3)

_ALIGNMENTS = 3


def nearest_rotation(loadings: Floats, target: Floats) -> Floats:
    """Per draw the rotation, signs and order that bring it nearest to `target`.

    loadings   shape (S, J, K)
    target     shape (J, K)

    Returns shape (S, K, K). Orthogonal Procrustes (Schoenemann 1966).
    """
    left, _, right = np.linalg.svd(np.swapaxes(loadings, 1, 2) @ target)
    return np.asarray(left @ right)


def common_rotations(loadings: Floats, rotation: str = "varimax") -> Floats:
    """Rotations of the draws to one simple structure, that of their own mean.

    loadings   draws in any frames, shape (S, J, K), S >= 1
    rotation   `varimax`; `none` leaves the frame as it is: only the signs and the order
               of the factors are settled, the same for all draws

    Returns shape (S, K, K). Factors stand in the order of the variance they explain,
    each with a positive sum. The mean is found with the alignment, in turns, as in
    generalised Procrustes analysis.
    """
    target = loadings.mean(axis=0)
    if rotation == "none":
        order = np.argsort(-(target**2).sum(axis=0), kind="stable")
        signs = np.where(target.sum(axis=0) < 0, -1.0, 1.0)
        turned = np.diag(signs)[:, order]
        return np.asarray(np.broadcast_to(turned, (len(loadings), *turned.shape)))
    target = target @ rotate(target, rotation).turned
    for _ in range(_ALIGNMENTS):
        target = (loadings @ nearest_rotation(loadings, target)).mean(axis=0)
        target = target @ rotate(target, rotation).turned
    return nearest_rotation(loadings, target)


def shares_explained(loadings: Floats) -> Floats:
    """Per factor the share of the latent variance that it explains, percent.

    loadings   on the logit scale, shape (..., J, K)

    Returns shape (..., K): the mean over items of l_jk^2 / (|l_j|^2 + pi^2 / 3), where
    pi^2 / 3 is the logit's own variance.
    """
    squares = loadings**2
    whole = squares.sum(axis=-1, keepdims=True) + LOGISTIC_VARIANCE
    return np.asarray(100.0 * (squares / whole).mean(axis=-2))


def standardised(loadings: Floats) -> Floats:
    """Loadings as correlations of the latent utility with the factor, shape as given.

    Comparable with loadings of a factor analysis of tetrachoric correlations.
    """
    whole = (loadings**2).sum(axis=-1, keepdims=True) + LOGISTIC_VARIANCE
    return np.asarray(loadings / np.sqrt(whole))


@dataclass(frozen=True, eq=False)
class Triangle:
    """The frame of the sampler: which entries of the loadings are free.

    shape      (J, K)
    anchors    items whose rows form the triangle, the first has one entry
    rows, columns, diagonal   of the free entries, in the order of the free vector; at
               `diagonal` the vector holds the logarithm of the loading
    powers     K - k + 1 at the k-th anchor's diagonal, in the order of `diagonal`
    """

    shape: tuple[int, int]
    anchors: Ints
    rows: Ints
    columns: Ints
    diagonal: Ints
    powers: Floats

    @property
    def size(self) -> int:
        """Length of the free vector."""
        return len(self.rows)

    def loadings(self, free: Floats) -> Floats:
        """Loadings of one free vector (size,) or of many (S, size): (S, J, K)."""
        values = free.copy()
        values[..., self.diagonal] = np.exp(free[..., self.diagonal])
        found = np.zeros((*free.shape[:-1], *self.shape))
        found[..., self.rows, self.columns] = values
        return found

    def log_prior(self, free: Floats, loadings: Floats, scale: float) -> float:
        """Log density of the free vector, but for a constant."""
        squares = float((loadings**2).sum()) / (2 * scale**2)
        return float(self.powers @ free[self.diagonal]) - squares

    def gradient(self, by_loadings: Floats, loadings: Floats, scale: float) -> Floats:
        """Slope by the free vector, of a likelihood with this slope and the prior."""
        slope = by_loadings - loadings / scale**2
        found = np.asarray(slope[self.rows, self.columns])
        found[self.diagonal] *= loadings[self.rows, self.columns][self.diagonal]
        found[self.diagonal] += self.powers
        return found

    def free(self, loadings: Floats) -> tuple[Floats, Floats]:
        """The free vector of loadings in any frame, and the rotation into this one."""
        rotation, triangle = np.linalg.qr(loadings[self.anchors].T)
        rotation = rotation * np.where(np.diag(triangle) < 0, -1.0, 1.0)
        turned = (loadings @ rotation)[self.rows, self.columns]
        turned[self.diagonal] = np.log(np.maximum(turned[self.diagonal], 1e-3))
        return turned, rotation


def triangle_of(loadings: Floats) -> Triangle:
    """The frame whose anchors are the highest-loading item of each factor.

    loadings   a first solution with simple structure, shape (J, K), K <= J
    """
    items, factors = loadings.shape
    size = np.abs(loadings).astype(np.float64)
    anchors: list[int] = []
    for factor in range(factors):
        column = size[:, factor].copy()
        column[anchors] = -1.0
        anchors.append(int(np.argmax(column)))
    free = np.ones((items, factors), bool)
    for place, item in enumerate(anchors):
        free[item, place + 1 :] = False
    rows, columns = np.nonzero(free)
    where = {
        (int(r), int(c)): i for i, (r, c) in enumerate(zip(rows, columns, strict=True))
    }
    diagonal = np.array([where[item, k] for k, item in enumerate(anchors)], np.intp)
    powers = np.arange(factors, 0, -1, dtype=np.float64)
    return Triangle(
        (items, factors), np.array(anchors, np.intp), rows, columns, diagonal, powers
    )

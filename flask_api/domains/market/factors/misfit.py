"""How far factors are from correlations, with slope and curvature.

Legend
R        correlations, shape (items, items)
psi      uniquenesses: the variance of each product that no factor shares
e, u     eigenvalues, descending, and eigenvectors of R - psi (least squares) or of
         psi^-1/2 R psi^-1/2 (likelihood)
kept     the first `factors` of them make the loadings; the rest is the misfit
x        what is searched: psi (least squares), log psi (likelihood)
"""

from __future__ import annotations

from collections.abc import Generator
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

METHODS = ("minres", "ml")
#: Errors of eigenvalues, as part of the largest.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)
#: Eigenvalues nearer than this count as apart by it: where they meet nothing is smooth.
_APART = 1e-8
#: A direction is solved for to this part of the slope, in so many rounds at most.
_SOLVED, _ROUNDS = 1e-6, 100


def decomposed(method: str, correlations: Floats, psi: Floats) -> Floats:
    """What has the eigenvalues e at the uniquenesses psi, shape (items, items)."""
    if method == "ml":
        scale = 1 / np.sqrt(psi)
        return np.asarray(correlations * np.outer(scale, scale))
    return np.asarray(correlations - np.diag(psi))


class Misfit:
    """The misfit of the best loadings at given uniquenesses.

    value   half the sum of squared residuals (`minres`), or the likelihood's
            discrepancy (`ml`)
    slope   over x, shape (items,)
    """

    def __init__(
        self,
        method: str,
        factors: int,
        matrix: Floats,
        psi: Floats,
        pairs: tuple[Floats, Floats] | None = None,
    ) -> None:
        """At the uniquenesses `psi`; see `extract`.

        matrix   what is decomposed (of `decomposed`), and its eigenvalues, rising, with
                 their vectors, where they are known already
        """
        self.method, self.factors, self._psi = method, factors, psi
        self._decomposed = matrix
        values, vectors = np.linalg.eigh(matrix) if pairs is None else pairs
        self._values = values[::-1]
        self._vectors = np.ascontiguousarray(vectors[:, ::-1])
        e, u = self._values[factors:], self._vectors[:, factors:]
        if method == "ml":
            self.value = float((e - np.log(e) - 1).sum())
            self.slope = np.asarray((u * u) @ (1 - e))
        else:
            self.value = float((e * e).sum()) / 2
            self.slope = np.asarray(-(u * u) @ e)

    def loadings(self) -> Floats:
        """Unrotated, shape (items, factors), of any sign."""
        kept, found = self._values[: self.factors], self._vectors[:, : self.factors]
        if self.method == "ml":
            found = found * np.sqrt(np.maximum(kept - 1, 0.0))
            return np.asarray(found * np.sqrt(self._psi)[:, None])
        return np.asarray(found * np.sqrt(np.maximum(kept, 0.0)))

    @property
    def noise(self) -> float:
        """Two values this near may be the same: near the end only the slope can tell.

        The likelihood takes logarithms, so that an eigenvalue near 0, as those of
        smoothed correlations are, is told by few of its digits.
        """
        largest, rest = float(self._values[0]), self._values[self.factors :]
        if self.method == "ml":
            return _ROUNDING * float((1 + largest / rest).sum())
        return _ROUNDING * float(1 + largest * np.abs(rest).sum())

    def _weights(self) -> tuple[Floats, Floats]:
        """Of the misfit's own part by eigenvalue, and with each kept eigenvector."""
        m = self.factors
        kept, e = self._values[:m, None], self._values[m:]
        apart = np.maximum(kept - e, _APART)
        if self.method == "ml":
            return e, np.asarray((1 - e) * (kept + e) / apart)
        return np.ones(len(e)), np.asarray(-2 * e / apart)

    def curvature(self) -> Floats:
        """Second derivatives over x, shape (items, items)."""
        u = self._vectors[:, self.factors :]
        own, across = self._weights()
        hessian = ((u * own) @ u.T) * (u @ u.T)
        for j in range(self.factors):
            v = self._vectors[:, j]
            hessian += np.outer(v, v) * ((u * across[j]) @ u.T)
        return np.asarray(hessian)

    # -- without ever making the second derivatives ----------------------------------

    @cached_property
    def _own(self) -> Floats:
        """The part of the curvature that no kept eigenvector has a share in.

        The rest's eigenvectors are what the kept ones leave: u u^T = 1 - v v^T.
        """
        v = self._vectors[:, : self.factors]
        left = np.eye(len(v)) - v @ v.T
        if self.method == "minres":
            return np.asarray(left * left)
        kept = self._values[: self.factors]
        return np.asarray((self._decomposed - (v * kept) @ v.T) * left)

    def bent(self, direction: Floats) -> Floats:
        """`curvature() @ direction`, in a small part of its time."""
        v, u = self._vectors[:, : self.factors], self._vectors[:, self.factors :]
        _, across = self._weights()
        inside = (u.T @ (v * direction[:, None])) * across.T
        return np.asarray(self._own @ direction + (v * (u @ inside)).sum(axis=1))

    def downhill(self, free: Bools) -> Generator[float, None, Floats]:
        """Newton's step over the `free` uniquenesses, by conjugate gradients.

        Where the misfit is not bowl-shaped along a direction it stops before it. Yields
        after each round, of which there are mostly some ten.
        Source: Nocedal and Wright (2006), Numerical Optimization, algorithm 7.1.
        """
        v, u = self._vectors[:, : self.factors], self._vectors[:, self.factors :]
        _, across = self._weights()
        diagonal = np.diag(self._own) + ((v * v) * ((u * u) @ across.T)).sum(axis=1)
        scale = np.where(free, 1 / np.maximum(np.abs(diagonal), 1e-6), 0.0)
        left = np.where(free, self.slope, 0.0)
        ahead = -scale * left
        step, size = np.zeros(len(left)), float(-left @ ahead)
        enough = _SOLVED**2 * size
        for number in range(_ROUNDS):
            turned = np.where(free, self.bent(ahead), 0.0)
            bowl = float(ahead @ turned)
            if bowl <= 1e-10 * float(ahead @ ahead):
                return step if number else ahead
            length = size / bowl
            step = step + length * ahead
            left = left + length * turned
            before, size = size, float(left @ (scale * left))
            if size <= enough:
                break
            ahead = -scale * left + size / before * ahead
            yield number / _ROUNDS
        return step

"""The likelihood of class assignments given covariates, and its derivatives.

Legend
z        covariates with a leading 1, shape (rows, 1 + covariates)
prior    class probabilities given z: softmax of z b, b = 0 for the reference class
errors   probability of being assigned to a class, by true class, in logarithms
share    class probabilities given z and the assignment
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, logsumexp

Floats = npt.NDArray[np.float64]

_BLOCK = 1 << 14


@dataclass(frozen=True)
class Point:
    """What is known at some coefficients.

    gradient      by coefficient and free class, shape (1 + covariates, classes - 1)
    information   minus the second derivative, coefficient by coefficient, class within
    outer         sum of outer products of the rows' slopes, likewise
    sizes         mean class probabilities given covariates, shape (classes,)
    """

    log_likelihood: float
    gradient: Floats
    information: Floats
    outer: Floats
    sizes: Floats


class Search:
    """The third step's likelihood."""

    def __init__(
        self,
        z: Floats,
        assigned: npt.NDArray[np.intp],
        errors: Floats,
        reference: int,
    ) -> None:
        classes = len(errors)
        self.z, self.assigned, self.reference = z, assigned, reference
        self.free = [k for k in range(classes) if k != reference]
        with np.errstate(divide="ignore"):
            self.errors = np.log(errors)

    def at(self, b: Floats) -> Point:
        """Likelihood and derivatives at coefficients, (1 + covariates, classes)."""
        length, free = self.z.shape[1], self.free
        size = length * len(free)
        reached, gradient = 0.0, np.zeros((length, len(free)))
        second, outer = np.zeros((2, size, size))
        sizes = np.zeros(b.shape[1])
        for start in range(0, len(self.z), _BLOCK):
            z = self.z[start : start + _BLOCK]
            prior = log_softmax(z @ b, axis=1)
            joint = prior + self.errors[:, self.assigned[start : start + _BLOCK]].T
            total = logsumexp(joint, axis=1)
            share = np.exp(joint - total[:, None])[:, free]
            prior = np.exp(prior)
            reached += float(total.sum())
            sizes += prior.sum(axis=0)
            prior = prior[:, free]
            away = share - prior
            gradient += z.T @ away
            score = (z[:, :, None] * away[:, None, :]).reshape(len(z), size)
            outer += score.T @ score
            for i in range(len(free)):
                for j in range(len(free)):
                    weight = share[:, i] * share[:, j] - prior[:, i] * prior[:, j]
                    if i == j:
                        weight += prior[:, i] - share[:, i]
                    block = z.T @ (weight[:, None] * z)
                    second[i :: len(free), j :: len(free)] += block
        return Point(reached, gradient, second, outer, sizes / len(self.z))

    def step(self, point: Point, damping: float) -> Floats:
        """A damped Newton step, uphill whatever the curvature; 0 for the reference."""
        values, vectors = np.linalg.eigh(point.information)
        least = max(damping, 1e-9) * max(float(np.abs(values).max()), 1e-300)
        along = vectors.T @ point.gradient.ravel()
        free = vectors @ (along / np.maximum(np.abs(values), least))
        out = np.zeros((len(point.gradient), len(self.free) + 1))
        out[:, self.free] = free.reshape(point.gradient.shape)
        return out


def sandwich(point: Point) -> tuple[Floats, bool]:
    """Robust variance of the coefficients, NaN where the data don't determine them."""
    values, vectors = np.linalg.eigh(point.information)
    if values[0] <= 1e-10 * max(float(values[-1]), 1e-300):
        return np.full(point.information.shape, np.nan), False
    inverse = (vectors / values) @ vectors.T
    return inverse @ point.outer @ inverse, True

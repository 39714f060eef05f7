"""A latent class model of binary data, and what it says about each pattern."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class import kernel
from flask_api.domains.market.patterns.patterns import Patterns

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LatentClasses:
    """Classes of rows, the largest first, in each of which products are independent.

    sizes            share of rows in each class, shape (classes,), sums to 1
    probabilities    of a 1 by class and product, shape (classes, items)
    log_likelihood   of the data at exactly these numbers
    iterations       passes over the data that led here, from its start
    converged        whether the log-likelihood stood still before passes were used up
    """

    sizes: Floats
    probabilities: Floats
    log_likelihood: float
    iterations: int
    converged: bool

    @property
    def classes(self) -> int:
        return len(self.sizes)

    @property
    def parameters(self) -> int:
        """Free numbers: sizes but one, and a probability by class and product."""
        return self.classes - 1 + self.probabilities.size

    def taken(self, order: npt.NDArray[np.intp]) -> LatentClasses:
        """The same model, its classes in another order."""
        return LatentClasses(
            self.sizes[order],
            self.probabilities[order],
            self.log_likelihood,
            self.iterations,
            self.converged,
        )


def theta_of(sizes: Floats, probabilities: Floats) -> Floats:
    """A model for the kernel, with room for three more: (4, 1 + bits, lanes)."""
    classes, items = probabilities.shape
    lanes = -(-classes // kernel.LANES) * kernel.LANES
    theta = np.full((4, 1 + 8 * -(-items // 8), lanes), 0.5)
    theta[:, 0] = 0.0
    theta[0, 0, :classes] = sizes
    inside = np.clip(probabilities, kernel.FLOOR, 1 - kernel.FLOOR)
    theta[0, 1 : 1 + items, :classes] = inside.T
    return theta


def model_of(
    patterns: Patterns, theta: Floats, classes: int, iterations: int, converged: bool
) -> LatentClasses:
    """The kernel's model, its classes by size, with its own log-likelihood."""
    sizes = theta[0, :classes] / theta[0, :classes].sum()
    inside = np.ascontiguousarray(theta[1 : 1 + patterns.items, :classes].T)
    order = np.argsort(-sizes, kind="stable")
    bare = LatentClasses(sizes[order], inside[order], 0.0, iterations, converged)
    reached = sum(
        float(patterns.counts[part] @ likelihood)
        for part, _, likelihood in memberships(patterns, bare)
    )
    return LatentClasses(bare.sizes, bare.probabilities, reached, iterations, converged)


def memberships(
    patterns: Patterns, model: LatentClasses
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Block by block of patterns: which, how likely each class is, log-likelihood.

    Yields (part, posterior of shape (n, classes), log-likelihood of shape (n,)).
    """
    theta = theta_of(model.sizes, model.probabilities)[0]
    share = kernel.share()
    for part in patterns.blocks():
        codes = patterns.codes[part]
        posterior, likelihood = (
            np.empty((len(codes), model.classes)),
            np.empty(len(codes)),
        )
        share(codes, patterns.items, patterns.gaps, theta, posterior, likelihood)
        yield part, posterior, likelihood


def posteriors(patterns: Patterns, model: LatentClasses) -> Floats:
    """How likely each class is for each pattern, shape (patterns, classes).

    `patterns.expand(posteriors(...))` has one line for each row of the data, and
    `.argmax(axis=1)` the most likely class.
    """
    found = np.empty((patterns.size, model.classes))
    for part, posterior, _ in memberships(patterns, model):
        found[part] = posterior
    return found

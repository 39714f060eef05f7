"""Where the search for a latent class model begins, and how far each start has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.latent_class import kernel
from flask_api.domains.market.latent_class.model import LatentClasses, theta_of
from flask_api.domains.market.patterns.patterns import Patterns
from flask_api.numerics.streams import stream

Floats = npt.NDArray[np.float64]

_LANE = 61  # keeps starts apart from other uses of the same seed


@dataclass(eq=False)
class Start:
    """One of the starts.

    number           from 1
    log_likelihood   reached so far
    iterations       passes over the data so far
    finished         whether it was followed to its end, not only screened
    converged        whether it stood still there
    trace            (iterations, log-likelihood) after each block
    """

    number: int
    theta: Floats = field(repr=False)
    progress: Floats = field(repr=False)
    finished: bool = False
    converged: bool = False
    trace: list[tuple[int, float]] = field(default_factory=list)

    @property
    def log_likelihood(self) -> float:
        return float(self.progress[kernel.REACHED])

    @property
    def iterations(self) -> int:
        return int(self.progress[kernel.PASSES])

    @property
    def change(self) -> float | None:
        """Of the log-likelihood in the last round of three passes; None before it."""
        change = float(self.progress[kernel.CHANGE])
        return change if math.isfinite(change) else None


def make_starts(
    patterns: Patterns,
    classes: int,
    n_init: int,
    seed: int,
    given: LatentClasses | None,
) -> list[Start]:
    """A given model, if any, then random ones; one class needs only one of these."""
    models = [] if given is None else [(given.sizes, given.probabilities)]
    bought, known = patterns.totals()
    share = (bought + 0.5) / (known + 1.0)
    for number in range(n_init if classes > 1 else 1):
        models.append(_random(share, classes, stream(seed, number, _LANE)))
    return [
        Start(
            number,
            theta_of(sizes, inside),
            np.array([0.0, -math.inf, math.inf, 0.0, 1.0]),
        )
        for number, (sizes, inside) in enumerate(models, start=1)
    ]


def _random(
    share: Floats, classes: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Classes of like size whose odds lie around those of the data."""
    shift = random.normal(size=(classes, len(share)))
    odds = share / (1 - share) * np.exp(shift)
    return np.full(classes, 1 / classes), odds / (1 + odds)

"""The simulated likelihood of a mixed logit, block by block, and what comes of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice import mixed_kernel
from flask_api.domains.market.choice.draws import Draws
from flask_api.domains.market.choice.multinomial import MultinomialLogit
from flask_api.domains.market.choice.random_coefficients import Structure
from flask_api.domains.market.choice.utility import Contrasts

Floats = npt.NDArray[np.float64]

#: Pairs times draws between two looks from outside: some tens of milliseconds.
_WORK = 1 << 24


@dataclass(frozen=True, eq=False)
class MixedLogit:
    """The estimated model.

    structure               what the parameters mean; `structure.names` names them
    theta                   coefficients (or where they lie), then spreads, >= 0 on the
                            diagonal
    covariance              from the curvature of the simulated likelihood
    robust_covariance       the sandwich, by persons; NaN, both, where the data don't
                            determine the parameters
    log_likelihood          at the estimates
    log_likelihood_twice    at the same, with twice as many draws, all of them others
    multinomial             the model without random coefficients
    iterations              of the search
    draws                   for each person
    persons                 units whose coefficients are their own
    converged               whether the search ended at a maximum
    warnings                what to beware of
    """

    structure: Structure
    theta: Floats
    covariance: Floats
    robust_covariance: Floats
    log_likelihood: float
    log_likelihood_twice: float
    multinomial: MultinomialLogit
    iterations: int
    draws: Draws
    persons: int
    converged: bool
    warnings: list[str]


@dataclass
class Simulating:
    """The state after each block of work.

    phase            `starting` (the multinomial logit), `climbing`, `errors` (second
                     derivatives), `checking` (twice the draws), `finished`
    iteration        steps of the search so far
    log_likelihood   where it stands
    gradient_norm    standard errors that the next step is long
    change           of the log-likelihood by the last step, None before the first
    theta            where it stands
    done, total      evaluations of the likelihood so far, and in all by a guess
    fit              the model, in the last state
    """

    theta: Floats
    phase: str = "starting"
    iteration: int = 0
    log_likelihood: float = -np.inf
    gradient_norm: float = np.inf
    change: float | None = None
    done: float = 0.0
    total: float = 1.0
    fit: MixedLogit | None = None


Steps = Generator[Simulating, None, tuple[float, Floats]]


class Likelihood:
    """The simulated log-likelihood, block by block of persons."""

    def __init__(self, pairs: Contrasts, found: Structure, state: Simulating) -> None:
        self.pairs, self.structure, self.state = pairs, found, state
        parameters = len(found.names)
        self.scores = np.empty((pairs.persons, parameters))
        self.of_person = np.empty(pairs.persons)
        self.theta = np.full(parameters, np.nan)  # where both were computed last
        self._kernel = mixed_kernel.simulated()

    def at(self, theta: Floats, draws: Draws) -> Steps:
        """Yields between blocks; returns value and gradient, and fills `scores`."""
        pairs, size = self.pairs, self.structure.size
        self.theta = theta
        mean = np.ascontiguousarray(theta[:size])
        spread = np.ascontiguousarray(theta[size:])
        for first, end in self._blocks(draws):
            cases = pairs.person[first : end + 1]
            here = slice(pairs.start[cases[0]], pairs.start[cases[-1]])
            starts = pairs.start[cases[0] : cases[-1] + 1]
            self._kernel(
                pairs.d[here],
                starts - starts[0],
                cases - cases[0],
                mean,
                self.structure.fixed,
                self.structure.random,
                self.structure.kind,
                spread,
                self.structure.row,
                self.structure.column,
                draws.of(first, end),
                self.of_person[first:end],
                self.scores[first:end],
            )
            self.state.done += (end - first) / pairs.persons
            if end < pairs.persons:
                yield self.state
        return float(self.of_person.sum()), self.scores.sum(axis=0)

    def _blocks(self, draws: Draws) -> Iterator[tuple[int, int]]:
        pairs = max(1.0, len(self.pairs.d) / self.pairs.persons)
        persons = int(_WORK / (pairs * draws.count)) // draws.block * draws.block
        persons = max(draws.block, persons)
        for first in range(0, self.pairs.persons, persons):
            yield first, min(first + persons, self.pairs.persons)

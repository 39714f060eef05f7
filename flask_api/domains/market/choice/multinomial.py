"""Multinomial logit: how attributes decide choices, the same for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice import logit_kernel
from flask_api.domains.market.choice.covariance import (
    flat_direction,
    inverse,
    robust,
    summed,
)
from flask_api.domains.market.choice.separation import endless
from flask_api.domains.market.choice.utility import Contrasts, Design, contrasts
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: The Newton step that gains less log-likelihood is the last: it squares what is left.
_STILL = 1e-7
#: After so many steps separation is looked for: without it, some 5 are enough.
_SUSPICIOUS = 10


@dataclass(frozen=True, eq=False)
class MultinomialLogit:
    """The estimated model.

    names              of the coefficients
    coefficients       shape (coefficients,)
    covariance         from the curvature of the likelihood
    robust_covariance  the sandwich, by persons where there are any; NaN, both, where
                       the data don't determine the coefficients
    log_likelihood     at the estimates
    iterations         Newton steps
    converged          whether they ended at the maximum
    endless            coefficients without an end, as some choices are certain
    warnings           what to beware of
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    robust_covariance: Floats
    log_likelihood: float
    iterations: int
    converged: bool
    endless: tuple[str, ...]
    warnings: list[str]


@dataclass
class Climbing:
    """The state after each Newton step.

    iteration        steps so far
    log_likelihood   where it stands
    gradient_norm    of the log-likelihood, by the coefficients' own precision: the
                     number of standard errors that the next step is long
    change           of the log-likelihood by the last step, None before the first
    coefficients     where it stands, shape (coefficients,)
    fit              the model, in the last state
    """

    coefficients: Floats
    iteration: int = 0
    log_likelihood: float = -np.inf
    gradient_norm: float = np.inf
    change: float | None = None
    fit: MultinomialLogit | None = None


def choice_mnl(
    made: Design, *, max_iter: int = 100, pairs: Contrasts | None = None
) -> Iterator[Climbing]:
    """The most likely coefficients, yielded after each Newton step.

    made       the utility; `design(data, utility)`
    max_iter   steps at most, 1 or more
    pairs      `contrasts(made)`, where it is there already

    The same object is yielded again and again; the last one bears the `fit`.
    Raises InputError where some terms follow from the others.
    Source: McFadden (1974), Conditional logit analysis of qualitative choice behavior.
    """
    if max_iter < 1:
        raise InputError(
            f"got max_iter {max_iter}; wanted 1 or more", "params.max_iter"
        )
    pairs = contrasts(made) if pairs is None else pairs
    size = len(made.names)
    scores, information = np.empty((pairs.situations, size)), np.empty((size, size))
    gradient = np.empty(size)
    likelihood = logit_kernel.likelihood()

    def at(b: Floats) -> float:
        return likelihood(pairs.d, pairs.start, b, scores, gradient, information)

    b = np.zeros(size)
    state = Climbing(b, log_likelihood=at(b))
    _determined(made, information)
    converged, stuck = False, False
    while state.iteration < max_iter and not (converged or stuck):
        covariance = inverse(information)
        if covariance is None:
            break
        step = covariance @ gradient
        promised = 0.5 * float(step @ gradient)
        state.gradient_norm = float(np.sqrt(max(0.0, 2 * promised)))
        before = state.log_likelihood
        # concave: shorter steps are needed only far from the top
        for shrink in range(40):
            trial = b + step * 0.5**shrink
            reached = at(trial)
            if reached >= before - 1e-12 * abs(before):
                break
        else:
            stuck = True
            at(b)
            break
        b = trial
        state.coefficients, state.log_likelihood = b, reached
        state.iteration += 1
        state.change = reached - before
        converged = promised < _STILL
        if state.iteration == _SUSPICIOUS and endless(pairs.d) is not None:
            break
        yield state
    state.fit = _fitted(made, pairs, state, scores, information, converged)
    yield state


def _determined(made: Design, information: Floats) -> None:
    """Refuse terms that the data can't tell from the others."""
    nothing = np.flatnonzero(np.diag(information) <= 0)
    if len(nothing):
        raise InputError(
            f"{made.names[nothing[0]]!r} is the same for all alternatives of every "
            "situation: it says nothing about the choice; leave it out",
            "params",
        )
    direction = flat_direction(information)
    if direction is not None:
        names = [made.names[k] for k in np.flatnonzero(np.abs(direction) > 1e-3)]
        raise InputError(
            f"{', '.join(names)} follow from each other among the alternatives "
            "(collinear): their coefficients can't be told apart; leave one out",
            "params",
        )


def _fitted(
    made: Design,
    pairs: Contrasts,
    state: Climbing,
    scores: Floats,
    information: Floats,
    converged: bool,
) -> MultinomialLogit:
    size, warnings = len(made.names), list[str]()
    covariance = inverse(information)
    unlimited: tuple[str, ...] = ()
    if not converged or state.iteration >= _SUSPICIOUS or covariance is None:
        direction = endless(pairs.d)
        if direction is not None:
            converged, covariance = False, None
            found = np.flatnonzero(np.abs(direction) > 1e-6)
            unlimited = tuple(made.names[k] for k in found)
            warnings.append(
                f"Some choices are predicted with certainty (separation): "
                f"{', '.join(unlimited)} would grow without end, so no standard errors "
                "are told. Leave these terms out, or collect choices that contradict."
            )
        elif not converged:
            warnings.append(
                f"The search did not reach the maximum in {state.iteration} steps."
            )
    unknown = np.full((size, size), np.nan)
    return MultinomialLogit(
        names=made.names,
        coefficients=state.coefficients,
        covariance=unknown if covariance is None else covariance,
        robust_covariance=(
            unknown
            if covariance is None
            else robust(covariance, summed(scores, pairs.person))
        ),
        log_likelihood=state.log_likelihood,
        iterations=state.iteration,
        converged=converged,
        endless=unlimited,
        warnings=warnings,
    )

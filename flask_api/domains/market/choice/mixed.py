"""Mixed logit: coefficients that differ between people, by simulated likelihood."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from flask_api.domains.market.choice.covariance import inverse, robust
from flask_api.domains.market.choice.draws import Draws
from flask_api.domains.market.choice.multinomial import MultinomialLogit, choice_mnl
from flask_api.domains.market.choice.quasi_newton import Ascent, stepped
from flask_api.domains.market.choice.random_coefficients import (
    Random,
    Structure,
    structure,
)
from flask_api.domains.market.choice.simulated_likelihood import (
    Likelihood,
    MixedLogit,
    Simulating,
)
from flask_api.domains.market.choice.utility import Contrasts, Design, contrasts
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

#: Log-likelihoods at the draws and at twice as many should agree to this.
_AGREED = 1.0
#: Second derivatives are taken over this share of a standard error: exact to some
#: 1e-5 of themselves, while rounding of gradients is below 1e-10 of one error.
_SHARE = 1e-5


def choice_mixed(
    made: Design,
    randoms: Sequence[Random],
    *,
    n_draws: int = 512,
    correlated: bool = False,
    max_iter: int = 200,
    tol: float = 1e-6,
    seed: int = 0,
) -> Iterator[Simulating]:
    """The most likely distributions of coefficients, yielded after each block of work.

    made         the utility; `design(data, utility)`; where the data tell persons, all
                 situations of a person share their coefficients (panel)
    randoms      which coefficients differ, and how
    n_draws      for each person, 2 or more; powers of two are best
    correlated   whether normal and lognormal coefficients are correlated
    max_iter     steps at most, 1 or more
    tol          the search ends where less log-likelihood than this is left to gain
    seed         of the draws: decides every number, together with data and settings

    The same object is yielded again and again; the last one bears the `fit`. Standard
    draws are scrambled Sobol points, each person a block of them.
    Raises InputError for settings out of range, and as `choice_mnl` does.
    Source: Train (2009), Discrete choice methods with simulation, chapter 6.
    """
    _checked(n_draws, max_iter, tol)
    pairs = contrasts(made)
    state = Simulating(np.zeros(len(made.names)))
    start: MultinomialLogit | None = None
    for step in choice_mnl(made, pairs=pairs):
        state.theta, state.log_likelihood = step.coefficients, step.log_likelihood
        start = step.fit
        yield state
    assert start is not None
    if start.endless:
        raise InputError(
            f"some choices are predicted with certainty: {', '.join(start.endless)} "
            "have no end. Leave these terms out, or see the multinomial logit",
            "params",
        )
    found = structure(made, randoms, correlated, start.coefficients)
    likelihood = Likelihood(pairs, found, state)
    draws = Draws(pairs.persons, found.shapes, n_draws, seed)
    at = Ascent(_start(found, start.coefficients, pairs), 0.0, np.empty(0), np.empty(0))
    state.total = 15.0 + len(at.x) + 2
    at.value, at.gradient = yield from likelihood.at(at.x, draws)
    at.inverse = _curvature(likelihood.scores)
    state.phase, state.theta, state.log_likelihood = "climbing", at.x, at.value
    yield state
    while state.iteration < max_iter and not at.stuck and at.promised >= tol:
        yield from stepped(at, lambda theta: likelihood.at(theta, draws))
        state.theta, state.log_likelihood, state.change = at.x, at.value, at.change
        state.gradient_norm = float(np.sqrt(max(0.0, 2 * at.promised)))
        state.iteration += 1
        state.total = max(state.total, state.done + len(at.x) + 5)
        yield state
    yield from _finished(likelihood, draws, at, start, seed)


def _checked(n_draws: int, max_iter: int, tol: float) -> None:
    for name, value, least in (("n_draws", n_draws, 2), ("max_iter", max_iter, 1)):
        if value < least:
            raise InputError(
                f"got {name} {value}; wanted {least} or more", f"params.{name}"
            )
    if not tol > 0:
        raise InputError(f"got tol {tol}; wanted a number above 0", "params.tol")


def _start(found: Structure, guess: Floats, pairs: Contrasts) -> Floats:
    """The multinomial logit's coefficients, with some spread.

    Without spread the slope towards more of it is 0: no place to start from.
    """
    theta = np.zeros(len(found.names))
    theta[: found.size] = guess
    small = 0.1 / np.sqrt((pairs.d**2).mean(axis=0))
    for i, k in enumerate(found.random):
        own = found.size + int(
            np.flatnonzero((found.row == i) & (found.column == i))[0]
        )
        theta[own] = max(0.5 * abs(guess[k]), small[k])
        if found.kind[i]:
            right = guess[k] * found.kind[i] > 0
            theta[k] = np.log(abs(guess[k]) if right else small[k])
            theta[own] = 0.5
    return theta


def _curvature(scores: Floats) -> Floats:
    """Inverse of what second derivatives are on average: Berndt et al. (1974)."""
    information = scores.T @ scores
    found = inverse(information)
    if found is not None:
        return found
    diagonal = np.diag(information)
    return np.diag(1 / np.where(diagonal > 0, diagonal, 1.0))


def _finished(
    likelihood: Likelihood,
    draws: Draws,
    at: Ascent,
    start: MultinomialLogit,
    seed: int,
) -> Iterator[Simulating]:
    """Standard errors, the check with twice the draws, and the answer."""
    state, found = likelihood.state, likelihood.structure
    turned = _upright(found, at, draws)
    state.theta = at.x
    state.phase = "errors"
    state.total = state.done + len(at.x) + 3
    yield state
    if turned or not np.array_equal(likelihood.theta, at.x):
        _, at.gradient = yield from likelihood.at(at.x, draws)
    scores = likelihood.scores.copy()
    information = yield from _information(likelihood, draws, at.x, scores)
    covariance = inverse(information)
    state.phase = "checking"
    yield state
    twice = Draws(draws.persons, found.shapes, 2 * draws.count, seed, 1)
    more, _ = yield from likelihood.at(at.x, twice)
    left = np.inf
    if covariance is not None:
        left = 0.5 * float(at.gradient @ covariance @ at.gradient)
    unknown = np.full(information.shape, np.nan)
    state.fit = MixedLogit(
        structure=found,
        theta=at.x,
        covariance=unknown if covariance is None else covariance,
        robust_covariance=(
            unknown if covariance is None else robust(covariance, scores)
        ),
        log_likelihood=at.value,
        log_likelihood_twice=more,
        multinomial=start,
        iterations=state.iteration,
        draws=draws,
        persons=likelihood.pairs.persons,
        converged=left < 1e-3,
        warnings=_warnings(likelihood, at, draws, covariance, left, more),
    )
    state.phase, state.total = "finished", state.done
    yield state


def _upright(found: Structure, at: Ascent, draws: Draws) -> bool:
    """Make spreads on the diagonal positive, by mirrored draws: the same model.

    Returns whether any was not.
    """
    own = found.row == found.column
    turned = np.zeros(len(found.random), bool)
    turned[found.column[own]] = at.x[found.size :][own] < 0
    draws.mirror(turned)
    sign = np.ones(len(at.x))
    sign[found.size :] = np.where(turned[found.column], -1.0, 1.0)
    at.x = at.x * sign
    return bool(turned.any())


def _information(
    likelihood: Likelihood, draws: Draws, theta: Floats, scores: Floats
) -> Generator[Simulating, None, Floats]:
    """Minus the second derivatives, by differences of gradients."""
    steps = _SHARE * np.sqrt(np.diag(_curvature(scores)))
    found, gradient = np.empty((len(theta), len(theta))), scores.sum(axis=0)
    for k, h in enumerate(steps):
        away = np.zeros(len(theta))
        away[k] = h
        _, there = yield from likelihood.at(theta + away, draws)
        found[k] = (gradient - there) / h
        yield likelihood.state
    return (found + found.T) / 2


def _warnings(
    likelihood: Likelihood,
    at: Ascent,
    draws: Draws,
    covariance: Floats | None,
    left: float,
    more: float,
) -> list[str]:
    found, warnings = likelihood.structure, []
    if covariance is None:
        warnings.append(
            "The data don't determine all parameters (the likelihood is flat in some "
            "direction): no standard errors are told. Leave out a random coefficient."
        )
    elif left >= 1e-3:
        warnings.append(
            f"The search did not reach the maximum in {likelihood.state.iteration} "
            "steps."
        )
    if abs(more - at.value) > _AGREED:
        warnings.append(
            f"With twice as many draws, {2 * draws.count:,}, the log-likelihood at the "
            f"estimates is {more:.3f} instead of {at.value:.3f}: take more draws."
        )
    scale = np.sqrt((likelihood.pairs.d**2).mean(axis=0))
    for i, j, value in zip(found.row, found.column, at.x[found.size :], strict=True):
        k = int(found.random[i])
        size = abs(value) * (1.0 if found.kind[i] else scale[k])
        if i == j and size < 1e-2:
            warnings.append(
                f"{found.names[k]!r} hardly differs between people: its spread is "
                "near 0, where standard errors are no guide."
            )
    return warnings

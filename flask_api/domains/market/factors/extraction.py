"""Common factors of a correlation matrix: least squares or maximum likelihood.

Given the uniquenesses the best loadings are known, so that only these are searched, by
Newton's method with the exact second derivatives (Joereskog 1967, 1977), inside their
bounds. See `misfit` for the symbols.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack

from flask_api.domains.market.factors.misfit import METHODS, Misfit, decomposed
from flask_api.domains.market.factors.smoothing import LARGE
from flask_api.domains.market.patterns.stepwise import Stepwise
from flask_api.domains.market.patterns.tridiagonal import eigenpairs
from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: A uniqueness never falls below; one that would is a Heywood case.
LEAST = 0.005
#: Gradients this small are rounding: some 1e-16 from every product.
_FLAT = 1e-11
#: A step must win this part of what its slope promises, halved so often at most.
_ARMIJO, _HALVINGS = 1e-4, 40
#: Up to so many products the second derivatives are made; of more they take too long.
SMALL = 300


@dataclass
class Extraction:
    """The state after an iteration; the last one holds the answer.

    objective     misfit so far: half the sum of squared residuals, or the likelihood's
                  discrepancy; both 0 where factors explain all correlations
    change        what the last iteration won, None before the first
    gradient      the largest slope that bounds don't hold up
    uniquenesses  shape (items,)
    trace         objective by iteration
    """

    method: str
    factors: int
    correlations: Floats = field(repr=False)
    uniquenesses: Floats
    objective: float = np.inf
    change: float | None = None
    gradient: float = np.inf
    iteration: int = 0
    converged: bool = False
    trace: list[float] = field(default_factory=list)
    here: Misfit | None = field(default=None, repr=False)

    def loadings(self) -> Floats:
        """Unrotated, shape (items, factors): the strongest factor first.

        Signs are such that the loadings of a factor sum to 0 or more.
        """
        here = self.here or _judged(self, self.uniquenesses)
        found = here.loadings()
        return np.asarray(found * np.where(found.sum(axis=0) < 0, -1.0, 1.0))


def extract(
    correlations: Floats,
    n_factors: int,
    method: str = "minres",
    max_iter: int = 100,
    start: Floats | None = None,
) -> Iterator[Extraction]:
    """The search for common factors, yielded after each iteration (and at the start).

    correlations   positive definite, shape (items, items), ones on the diagonal
    n_factors      1 or more, fewer than items
    method         `minres` (least squares of the residuals) or `ml` (likelihood of a
                   normal sample with these correlations)
    max_iter       iterations, 1 or more
    start          uniquenesses to start from, shape (items,), or None for Joereskog's,
                   by each product's correlation with all others

    The same object is yielded again and again; of many products also within an
    iteration. Raises InputError for a setting out of range.
    Sources: Harman and Jones (1966), Psychometrika 31, 351-368 (MINRES); Joereskog
    (1967), Psychometrika 32, 443-482 (ML).
    """
    _checked(len(correlations), n_factors, method, max_iter)
    if start is None:
        start = (1 - n_factors / (2 * len(correlations))) / _by_others(correlations)
    state = Extraction(method, n_factors, correlations, np.clip(start, LEAST, 1.0))
    first = Stepwise(_judging(state, state.uniquenesses))
    for _ in first:
        yield state
    here = state.here = first.found
    state.objective = here.value
    state.trace.append(state.objective)
    before = np.inf
    while True:
        x, low, high = _bounded(state)
        held = ((x <= low) & (here.slope > 0)) | ((x >= high) & (here.slope < 0))
        state.gradient = float(np.abs(here.slope[~held]).max(initial=0.0))
        state.converged = state.gradient <= _FLAT or _stalled(state, here, before)
        before = state.gradient
        yield state
        if state.converged or state.iteration >= max_iter:
            return
        work = Stepwise(_stepped(state, here, x, low, high, ~held))
        for _ in work:
            yield state
        found = work.found
        if found is None:  # no smaller misfit in reach: as good as numbers get
            state.converged = state.gradient <= np.sqrt(_FLAT)
            state.iteration += 1
            yield state
            return
        psi, here = found
        state.change = state.objective - here.value
        state.uniquenesses, state.objective, state.here = psi, here.value, here
        state.iteration += 1
        state.trace.append(state.objective)


def _checked(items: int, n_factors: int, method: str, max_iter: int) -> None:
    if method not in METHODS:
        raise InputError(
            f"got extraction {method!r}; wanted one of {', '.join(METHODS)}",
            "params.extraction",
        )
    if not 1 <= n_factors < items:
        raise InputError(
            f"got {n_factors} factors for {items} products; wanted 1 to {items - 1}: "
            "factors are fewer than what they explain",
            "params.n_factors",
        )
    if max_iter < 1:
        raise InputError(
            f"got {max_iter} iterations; wanted 1 or more", "params.max_iter"
        )


def _judged(state: Extraction, psi: Floats) -> Misfit:
    matrix = decomposed(state.method, state.correlations, psi)
    return Misfit(state.method, state.factors, matrix, psi)


def _judging(state: Extraction, psi: Floats) -> Generator[float, None, Misfit]:
    """The misfit, of very many products in steps."""
    if len(psi) <= LARGE:
        return _judged(state, psi)
    matrix = decomposed(state.method, state.correlations, psi)
    pairs = yield from eigenpairs(matrix)
    return Misfit(state.method, state.factors, matrix, psi, pairs)


def _by_others(correlations: Floats) -> Floats:
    """1 / (1 - R^2) of each product by all others: the diagonal of the inverse."""
    if len(correlations) > SMALL:
        factor, wrong = lapack.dpotrf(correlations, lower=1)
        if not wrong:
            inverse, _ = lapack.dtrtri(factor, lower=1)
            return np.asarray((np.tril(inverse) ** 2).sum(axis=0))
    return np.asarray(np.diag(np.linalg.inv(correlations)))


def _bounded(state: Extraction) -> tuple[Floats, Floats, Floats]:
    """Where the search stands, and between what."""
    low = np.full(len(state.uniquenesses), LEAST)
    high = np.ones(len(low))
    if state.method == "ml":
        return np.log(state.uniquenesses), np.log(low), np.log(high)
    return state.uniquenesses, low, high


def _stalled(state: Extraction, here: Misfit, before: float) -> bool:
    """Whether misfit and slope (`before`, then now) differ by rounding alone."""
    if state.change is None or state.gradient > np.sqrt(_FLAT):
        return False
    return state.gradient > before / 2 and abs(state.change) <= here.noise


def _stepped(
    state: Extraction,
    here: Misfit,
    x: Floats,
    low: Floats,
    high: Floats,
    free: Bools,
) -> Generator[float, None, tuple[Floats, Misfit] | None]:
    """(uniquenesses, misfit) a step down, or None. Of many products in steps."""
    many = len(free) > SMALL
    direction = (yield from here.downhill(free)) if many else _newton(here, free)
    length, noise = 1.0, here.noise
    for _ in range(_HALVINGS):
        there = np.clip(x + length * direction, low, high)
        psi = np.exp(there) if state.method == "ml" else there
        psi = np.clip(psi, LEAST, 1.0)
        found = yield from _judging(state, psi)
        promised = _ARMIJO * float(here.slope @ (there - x)) + noise
        if found.value <= state.objective + promised:
            return psi, found
        length /= 2
        if many:
            yield 0.5
    return None


def _newton(here: Misfit, free: Bools) -> Floats:
    """Newton's step where the misfit is bowl-shaped, else one with raised curvature."""
    which = np.flatnonzero(free)
    direction = np.zeros(len(free))
    values, vectors = np.linalg.eigh(here.curvature()[np.ix_(which, which)])
    least = 1e-6 * max(float(values[-1]), 1e-6)
    curved = np.maximum(np.abs(values), least)
    direction[which] = -(vectors @ ((vectors.T @ here.slope[which]) / curved))
    return direction

"""Common factors of a correlation matrix: least squares or maximum likelihood.

Legend
R        correlations, shape (items, items)
psi      uniquenesses: the variance of each product that no factor shares
e, u     eigenvalues, descending, and eigenvectors of R - psi (least squares) or of
         psi^-1/2 R psi^-1/2 (likelihood)
kept     the first `factors` of them make the loadings; the rest is the misfit
x        what is searched: psi (least squares), log psi (likelihood)

Given psi the best loadings are known, so that only psi is searched, by Newton's method
with the exact second derivatives (Joereskog 1967, 1977), inside its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flask_api.numerics.errors import InputError

Floats = npt.NDArray[np.float64]

METHODS = ("minres", "ml")
#: A uniqueness never falls below; one that would is a Heywood case.
LEAST = 0.005
#: Gradients this small are rounding: some 1e-16 from every product.
_FLAT = 1e-11
#: A step must win this part of what its slope promises, halved so often at most.
_ARMIJO, _HALVINGS = 1e-4, 40
#: Errors of eigenvalues, as part of the largest.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)
#: Eigenvalues nearer than this count as apart by it: where they meet nothing is smooth.
_APART = 1e-8


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

    def loadings(self) -> Floats:
        """Unrotated, shape (items, factors): the strongest factor first.

        Signs are such that the loadings of a factor sum to 0 or more.
        """
        values, vectors = _eigen(self.method, self.correlations, self.uniquenesses)
        kept = values[: self.factors]
        if self.method == "ml":
            scale = np.sqrt(np.maximum(kept - 1, 0.0))
            found = vectors[:, : self.factors] * scale
            found *= np.sqrt(self.uniquenesses)[:, None]
        else:
            found = vectors[:, : self.factors] * np.sqrt(np.maximum(kept, 0.0))
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

    The same object is yielded again and again. Raises InputError for a setting out of
    range. Sources: Harman and Jones (1966), Psychometrika 31, 351-368 (MINRES);
    Joereskog (1967), Psychometrika 32, 443-482 (ML).
    """
    _checked(len(correlations), n_factors, method, max_iter)
    if start is None:
        inverse = np.diag(np.linalg.inv(correlations))
        start = (1 - n_factors / (2 * len(correlations))) / inverse
    state = Extraction(method, n_factors, correlations, np.clip(start, LEAST, 1.0))
    state.objective, gradient, hessian = _judged(state, state.uniquenesses)
    state.trace.append(state.objective)
    before = np.inf
    while True:
        x, low, high = _bounded(state)
        held = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        state.gradient = float(np.abs(gradient[~held]).max(initial=0.0))
        state.converged = state.gradient <= _FLAT or _stalled(state, before)
        before = state.gradient
        yield state
        if state.converged or state.iteration >= max_iter:
            return
        found = _stepped(state, x, low, high, gradient, hessian, held)
        if found is None:  # no smaller misfit in reach: as good as numbers get
            state.converged = state.gradient <= np.sqrt(_FLAT)
            state.iteration += 1
            yield state
            return
        state.change = state.objective - found[1]
        state.uniquenesses, state.objective, gradient, hessian = found
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


def _bounded(state: Extraction) -> tuple[Floats, Floats, Floats]:
    """Where the search stands, and between what."""
    low = np.full(len(state.uniquenesses), LEAST)
    high = np.ones(len(low))
    if state.method == "ml":
        return np.log(state.uniquenesses), np.log(low), np.log(high)
    return state.uniquenesses, low, high


def _stalled(state: Extraction, before: float) -> bool:
    """Whether misfit and slope (`before`, then now) differ by rounding alone."""
    if state.change is None or state.gradient > np.sqrt(_FLAT):
        return False
    return state.gradient > before / 2 and abs(state.change) <= _noise(state)


def _noise(state: Extraction) -> float:
    """Two misfits this near may be the same: near the end only the slope can tell.

    The likelihood takes logarithms, so that an eigenvalue near 0, as those of smoothed
    correlations are, is told by few of its digits.
    """
    values, _ = _eigen(state.method, state.correlations, state.uniquenesses)
    largest = float(values[0])
    if state.method == "ml":
        return _ROUNDING * float((1 + largest / values[state.factors :]).sum())
    return _ROUNDING * float(1 + largest * np.abs(values[state.factors :]).sum())


def _stepped(
    state: Extraction,
    x: Floats,
    low: Floats,
    high: Floats,
    gradient: Floats,
    hessian: Floats,
    held: npt.NDArray[np.bool_],
) -> tuple[Floats, float, Floats, Floats] | None:
    """(uniquenesses, objective, gradient, hessian) a step down, or None."""
    free = np.flatnonzero(~held)
    direction = np.zeros(len(x))
    direction[free] = -_newton(hessian[np.ix_(free, free)], gradient[free])
    length, noise = 1.0, _noise(state)
    for _ in range(_HALVINGS):
        there = np.clip(x + length * direction, low, high)
        psi = np.exp(there) if state.method == "ml" else there
        psi = np.clip(psi, LEAST, 1.0)
        objective, slope, curve = _judged(state, psi)
        promised = _ARMIJO * float(gradient @ (there - x)) + noise
        if objective <= state.objective + promised:
            return psi, objective, slope, curve
        length /= 2
    return None


def _newton(hessian: Floats, gradient: Floats) -> Floats:
    """Newton's step where the misfit is bowl-shaped, else one with raised curvature."""
    values, vectors = np.linalg.eigh(hessian)
    least = 1e-6 * max(float(values[-1]), 1e-6)
    curved = np.maximum(np.abs(values), least)
    return np.asarray(vectors @ ((vectors.T @ gradient) / curved))


def _eigen(method: str, correlations: Floats, psi: Floats) -> tuple[Floats, Floats]:
    if method == "ml":
        scale = 1 / np.sqrt(psi)
        values, vectors = np.linalg.eigh(correlations * np.outer(scale, scale))
    else:
        values, vectors = np.linalg.eigh(correlations - np.diag(psi))
    return values[::-1], vectors[:, ::-1]


def _judged(state: Extraction, psi: Floats) -> tuple[float, Floats, Floats]:
    """Misfit at psi with its first and second derivatives over x."""
    values, vectors = _eigen(state.method, state.correlations, psi)
    m = state.factors
    e, u = values[m:], vectors[:, m:]
    apart = np.maximum(values[:m, None] - e, _APART)
    if state.method == "ml":
        objective = float((e - np.log(e) - 1).sum())
        gradient = (u * u) @ (1 - e)
        own, across = e, (1 - e) * (values[:m, None] + e) / apart
    else:
        objective = float((e * e).sum()) / 2
        gradient = -(u * u) @ e
        own, across = np.ones(len(e)), -2 * e / apart
    hessian = ((u * own) @ u.T) * (u @ u.T)
    for j in range(m):
        v = vectors[:, j]
        hessian += np.outer(v, v) * ((u * across[j]) @ u.T)
    return objective, gradient, hessian
